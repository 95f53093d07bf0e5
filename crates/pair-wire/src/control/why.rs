//! What happened lately and why, as a document: `pairctl why --json` prints it.

use serde::{Deserialize, Serialize};

/// The version of the document.
pub const WHY_VERSION: u32 = 1;

/// The last transitions of a pair, as one or both of its nodes tell them, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// The version of this document: [`WHY_VERSION`].
    pub version: u32,
    /// The name of the pair.
    pub pair: String,
    /// How far the clock of the other node is off, if its transitions are among these.
    #[serde(default)]
    pub clock: Option<Clock>,
    /// What happened.
    pub transitions: Vec<Transition>,
}

/// How far a node's wall clock is ahead of the one that the times are of: behind, if negative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Whose clock.
    pub node: String,
    /// At least so far, in microseconds; `None` if nothing tells.
    pub ahead_least_us: Option<i64>,
    /// At most so far, in microseconds; `None` if nothing tells.
    pub ahead_most_us: Option<i64>,
}

/// Something that changed what a node does, or what it knows of holder and peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The node that tells.
    pub node: String,
    /// When it was by that node's wall clock, in milliseconds of Unix time.
    pub unix_ms: u64,
    /// The same as people write it: RFC 3339, in UTC.
    pub at: String,
    /// What kind of thing it was.
    pub kind: TransitionKind,
    /// What happened, in one sentence without full stop.
    pub text: String,
    /// What was before, if the kind has a before.
    pub before: Option<String>,
    /// The id of the rule that decided, such as `F-6a`.
    pub rule: Option<String>,
    /// What the rule was applied to.
    pub evidence: Vec<String>,
    /// How long the peer had been silent, in milliseconds of running time (F-4).
    pub silence_ms: Option<u64>,
    /// The times of a takeover.
    pub times: Option<Times>,
    /// The allocation id of the address that it is about, if the pair has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What kind of thing a transition was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransitionKind {
    /// The link to the peer.
    Link,
    /// Another run of the peer's agent, or another instance in its place.
    Peer,
    /// Who holds the address.
    Holder,
    /// What this node does.
    Decision,
    /// EC2 failed, or answered, a call that moves the address.
    Claim,
    /// The address is here, and a read has shown it.
    Takeover,
    /// This node did not run for a while.
    Pause,
    /// The silence of the peer counts anew.
    Silence,
    /// A witness answers, or has fallen silent.
    Witness,
    /// One of several heartbeat paths fell silent, or speaks again.
    Path,
    /// An operator's hold.
    Hold,
    /// This node left the pair, or came back.
    Membership,
    /// An operator gave this node an order.
    Order,
    /// Configuration and keys were read again.
    Reload,
}

impl TransitionKind {
    /// The word for it, as the document spells it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Peer => "peer",
            Self::Holder => "holder",
            Self::Decision => "decision",
            Self::Claim => "claim",
            Self::Takeover => "takeover",
            Self::Pause => "pause",
            Self::Silence => "silence",
            Self::Witness => "witness",
            Self::Path => "path",
            Self::Hold => "hold",
            Self::Membership => "membership",
            Self::Order => "order",
            Self::Reload => "reload",
        }
    }
}

/// The times of a takeover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// From the last sign of life to the decision, in milliseconds; `None` if nobody had to be presumed dead.
    pub detect_ms: Option<u64>,
    /// From the request to EC2's reply, in milliseconds.
    pub api_ms: u64,
    /// From EC2's reply to the read that confirmed it, in milliseconds.
    pub verify_ms: Option<u64>,
    /// How many calls it took.
    pub attempts: u32,
}

/// A part of a trace that is exported; the parts of one export belong together by their `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Names the export.
    pub id: u64,
    /// Where in the trace this part begins, in bytes.
    pub from: u64,
    /// How long the whole trace is, in bytes.
    pub total: u64,
    /// The part.
    pub text: String,
}
