//! What one node tells the other in a datagram.
//!
//! ```text
//! Heartbeat = Prefix (never changes between versions)  +  Report (changes with the version)
//! ```
//!
//! The prefix proves life and two-way contact; the report says what the sender knows and wants. A peer of another version
//! is understood as far as the prefix goes (F-18): it lives, and nothing else is known of it.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AssociationId, EndingCause, Hold, Incarnation, InstanceId, Member, Moves, Sequence, Version, Zone};

/// One heartbeat, authentic and decoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Heartbeat {
    /// What every version understands.
    pub prefix: Prefix,
    /// What this version understands; `None` from a peer of another version.
    pub report: Option<Report>,
}

/// The part of a heartbeat that never changes between versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prefix {
    /// Who sends.
    pub sender: Member,
    /// The sender's run.
    pub incarnation: Incarnation,
    /// The datagram's number within that run.
    pub sequence: Sequence,
    /// The newest datagram that the sender has heard from the receiver, withdrawn after a holdtime without one.
    pub echo: Option<Echo>,
}

/// Proof that the sender hears the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Echo {
    /// The receiver's incarnation, as heard.
    pub incarnation: Incarnation,
    /// The number of the newest datagram heard.
    pub sequence: Sequence,
    /// How long ago it was heard, in microseconds: what a round-trip time must subtract.
    pub age_us: u32,
}

/// The part of a heartbeat that may change with the version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Report {
    /// Whether an answer is wanted at once (F-3).
    pub query: bool,
    /// How often the sender sends.
    pub interval: Duration,
    /// The instance that the sender runs on; `None` until its IMDS answered.
    pub instance: Option<InstanceId>,
    /// The availability zone of that instance; empty until its IMDS answered.
    pub zone: Zone,
    /// Whether the sender's own service can serve.
    pub fitness: Fitness,
    /// Whether the service is at its connection limit, so that a silent probe says little (F-7).
    pub saturated: bool,
    /// Whether the sender has proven that it could take the address over.
    pub ready: bool,
    /// What the sender knows of the address; `None` until it has read it.
    pub word: Option<Word>,
    /// Whether a claim is about to be sent, under way, or was left unanswered within the last `settle` (F-8, F-11).
    pub claiming: bool,
    /// Whether the sender wants the peer to take the address (F-6b).
    pub yielding: bool,
    /// Whether an operator brought the address to the sender, so that it does not go back by itself (F-6f).
    pub by_order: bool,
    /// The ages of the moves in the last ten minutes that the sender knows and the budget counts, newest first (F-15).
    pub moves: Moves,
    /// What the sender is about to do (F-13).
    pub notice: Option<Notice>,
    /// The newest hold that the sender knows, in force or not (F-14).
    pub hold: Option<Hold>,
    /// The sender's agent version, as `pairctl version` prints it.
    pub version: Version,
}

/// What a node is about to do (F-13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Notice {
    /// Its agent ends and is to be back within this time; its service goes on.
    Restarting {
        /// How long the peer should wait, at most 60 s.
        grace: Duration,
    },
    /// It leaves the pair for a while: it claims nothing, and wants the peer to take what it holds.
    Leaving,
    /// AWS takes its host away, or might.
    HostEnds {
        /// What AWS has told.
        cause: EndingCause,
        /// How long the host still has, if that is known.
        left: Option<Duration>,
        /// Whether it wants the peer to take what it holds.
        hands_over: bool,
    },
}

/// What a node says of the address: who holds it, from where it knows, and how old that knowledge is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Word {
    /// Who holds the address.
    pub holder: Holder,
    /// By which association; `None` if nobody holds it or the source cannot tell.
    pub association: Option<AssociationId>,
    /// Where the knowledge comes from.
    pub source: Source,
    /// How old it was when the heartbeat was sent.
    pub age: Duration,
}

/// Who holds the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Holder {
    /// Nobody: the address is associated with nothing.
    Nobody,
    /// A member of the pair, at the place where it belongs.
    Member(Member),
    /// A member of the pair, but on another interface or private IP than the configured one.
    Misplaced(Member),
    /// An instance or interface outside the pair.
    Stranger,
    /// An instance that was the peer until another one came to its place (F-9).
    Former,
}

/// Where knowledge about the holder comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// EC2's reply to an `AssociateAddress` of the one who says so.
    Reply,
    /// A `DescribeAddresses` of the one who says so.
    Ec2,
    /// The instance metadata of the one who says so.
    Imds,
    /// The peer said so.
    Peer,
}

/// Whether a node's own service can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fitness {
    /// Not measured: starting, or just back from a pause. Unknown is not unfit.
    Unknown,
    /// The checks are green.
    Fit,
    /// The checks are red.
    Unfit(Unfitness),
}

/// Why a node is unfit, as far as it matters to the peer's decision (F-6c).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unfitness {
    /// The service process is gone: it cannot come back by itself within a moment.
    ServiceGone,
    /// The host is going down.
    HostStopping,
    /// The service runs and fails its check.
    CheckFailed,
}
