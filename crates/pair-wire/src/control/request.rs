//! What can be asked of a daemon.

use serde::{Deserialize, Serialize};

use super::{CONTROL_VERSION, Message, REQUEST_LIMIT};

/// One request.
///
/// A field that the daemon does not know makes it refuse the request: an option must not be ignored in silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The version of the protocol that the client speaks: [`CONTROL_VERSION`].
    pub version: u32,
    /// What is asked.
    pub command: Command,
    /// About which address of the pair: its allocation id, its public IP or its name; `None` for all of them, or for the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// What the node knows: answered by [`Answer::Status`](super::Answer::Status), at once.
    Status,
    /// Move the address: answered by [`Answer::Moved`](super::Answer::Moved) when it has moved, or by
    /// [`Answer::Done`](super::Answer::Done) if it is there already, which is at most the 30
    /// seconds later that an order is valid (F-6e).
    Failover {
        /// The name of the node that shall hold the address; `None` for the one that does not hold it.
        to: Option<String>,
        /// Whether it need not be ready.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        force: bool,
        /// Whether it is a part of a drill: the journal says so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drill: bool,
    },
    /// Keep the address where it is (F-14): answered by [`Answer::Done`](super::Answer::Done) when the peer has heard of it,
    /// or after a holdtime, saying which nodes it binds.
    Hold {
        /// For how long, in milliseconds: 1 to a day.
        for_ms: u64,
        /// Why, in the words of who gives it: for the journal, and the status of the node that was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// End a hold: answered like one.
    Resume,
    /// Leave the pair, and hand over first (F-13): answered like a move.
    Leave,
    /// The same, until the host has booted anew or the node joins: for a host that goes down. Who has left already by
    /// [`Leave`](Self::Leave) stays away.
    LeaveUntilBoot,
    /// Come back to the pair: answered at once.
    Join,
    /// The same, but only after [`LeaveUntilBoot`](Self::LeaveUntilBoot): who was ordered to leave otherwise stays away, and the
    /// answer says so.
    JoinIfUntilBoot,
    /// Read configuration and keys again: answered by [`Answer::Done`](super::Answer::Done) when what can change while the daemon
    /// runs has changed, or refused with every mistake of the files, and then nothing has.
    Reload,
    /// What happened lately and why: answered by [`Answer::Why`](super::Answer::Why), at once.
    Why,
    /// An examination of this node, which takes some seconds and some calls of EC2: answered by
    /// [`Answer::Diagnosis`](super::Answer::Diagnosis) when it is over.
    Doctor,
    /// The journal, part by part: answered by [`Answer::Events`](super::Answer::Events), when the disk has been read.
    Events {
        /// The number of the last entry that is known; zero for none.
        after: u64,
        /// Only what happened at this time and later, in milliseconds of Unix time.
        since_ms: u64,
    },
    /// The record of what the core was told, part by part: answered by [`Answer::Part`](super::Answer::Part), at once.
    Export {
        /// Which export to go on with; `None` begins one, which ends an earlier one.
        id: Option<u64>,
        /// Where the next part begins, in bytes.
        from: u64,
    },
}

impl Command {
    /// Whether it changes something, as opposed to asking what is.
    #[must_use]
    pub const fn is_order(&self) -> bool {
        match self {
            Self::Status | Self::Why | Self::Events { .. } | Self::Doctor | Self::Export { .. } => false,
            Self::Failover { .. }
            | Self::Hold { .. }
            | Self::Resume
            | Self::Leave
            | Self::LeaveUntilBoot
            | Self::Join
            | Self::JoinIfUntilBoot
            | Self::Reload => true,
        }
    }

    /// Whether every local user may ask it. A recording shows what the peer said and what EC2 answered, and one that is begun
    /// ends another, so it is no more for everybody than an order is; nor is an examination, for its calls count against the
    /// account's quota.
    #[must_use]
    pub const fn is_for_everybody(&self) -> bool {
        match self {
            Self::Status | Self::Why | Self::Events { .. } => true,
            Self::Doctor
            | Self::Export { .. }
            | Self::Failover { .. }
            | Self::Hold { .. }
            | Self::Resume
            | Self::Leave
            | Self::LeaveUntilBoot
            | Self::Join
            | Self::JoinIfUntilBoot
            | Self::Reload => false,
        }
    }
}

impl Command {
    /// Whether it can be about one address of several: the rest is about the node as a whole.
    #[must_use]
    pub const fn is_of_address(&self) -> bool {
        match self {
            Self::Why
            | Self::Events { .. }
            | Self::Export { .. }
            | Self::Failover { .. }
            | Self::Hold { .. }
            | Self::Resume => true,
            Self::Status
            | Self::Doctor
            | Self::Leave
            | Self::LeaveUntilBoot
            | Self::Join
            | Self::JoinIfUntilBoot
            | Self::Reload => false,
        }
    }
}

impl Request {
    /// A request in the version of this crate.
    #[must_use]
    pub const fn new(command: Command) -> Self {
        Self {
            version: CONTROL_VERSION,
            command,
            address: None,
        }
    }

    /// The same about one address of the pair, if one is named.
    #[must_use]
    pub fn about(self, address: Option<&str>) -> Self {
        Self {
            address: address.map(str::to_owned),
            ..self
        }
    }
}

impl Message for Request {
    const LIMIT: usize = REQUEST_LIMIT;
}
