//! What a node tells whoever listens: the journal, the log, a test.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    AssociationId, CallFault, Decision, Ending, Hold, Holder, Incarnation, Link, Rule, Source, Takeover, WitnessIndex,
};

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// The link to the peer changed.
    LinkChanged {
        /// What it was.
        from: Link,
        /// What it is.
        to: Link,
        /// Running time since life.
        silence: Duration,
    },
    /// An incarnation of the peer is believed from here on: it started, or restarted.
    PeerIncarnation(Incarnation),
    /// The fact about the holder changed.
    HolderChanged {
        /// Who held it before, if that was known.
        from: Option<Holder>,
        /// Who holds it.
        to: Holder,
        /// By which association, if known.
        association: Option<AssociationId>,
        /// Who says so.
        source: Source,
    },
    /// The decision changed.
    Decided(Decision),
    /// The request goes out that releases an association, the first half of a strict takeover (F-11).
    Releasing {
        /// The rule that says so.
        rule: Rule,
        /// Which association, as it was just read.
        association: AssociationId,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// EC2 has released it: nobody holds the address, and the claim of this node is next.
    Released(AssociationId),
    /// A claim's request goes out.
    Claiming {
        /// The rule that says so.
        rule: Rule,
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// A claim's request failed.
    ClaimFailed {
        /// The number of the attempt, from 1.
        attempt: u32,
        /// How.
        fault: CallFault,
        /// How long the next attempt waits at least.
        pause: Duration,
    },
    /// EC2 replied to the claim.
    Claimed(AssociationId),
    /// A read shows the address here.
    TookOver(Takeover),
    /// This node was paused, and the time that it missed counts for nothing (F-4, F-16).
    Paused {
        /// The time missed.
        missed: Duration,
    },
    /// The newest hold that this node knows is another one, or its own has ended (F-14).
    HoldChanged {
        /// The hold; zero remains of one that has ended.
        hold: Hold,
    },
    /// This node leaves the pair, or is back (F-13).
    Leaving(bool),
    /// AWS says something else of the end of this node's host; `None` is nothing any more (F-13).
    HostEnds(Option<Ending>),
    /// A witness answers for the first time or again, or has fallen silent (F-20).
    Witness {
        /// Which one.
        witness: WitnessIndex,
        /// Whether it answers.
        answers: bool,
    },
    /// EC2 answers for the first time in this silence: it starts anew, since this node may have been the one cut off (F-11).
    SilenceStartsAnew,
}
