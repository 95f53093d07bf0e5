//! What the event loop is told by what runs beside it: most of it by the other thread, and the verdicts of the checks and signals by
//! tasks on its own one.

use std::net::Ipv4Addr;

use pair_core::{CallFault, CallId, Input};
use pair_ec2::{Address, CallError};
use pair_wire::control::Examination;
use pair_wire::key::KeyRing;

use crate::check::Verdict;
use crate::config::{AddressIndex, Config, Findings};
use crate::discovery::Finding;
use crate::doctor::Host;
use crate::hooks::Outcome;
use crate::landing::Obstacle;
use crate::notices::Notice;

/// Something that the event loop did not see itself.
#[derive(Debug)]
pub enum News {
    /// Something about one address.
    Address(AddressIndex, Box<AddressNews>),
    /// Files, kernel and HAProxy of this host were examined.
    Host(Host),
    /// How the last writing to the journal went; with a failure, how many lines it has lost.
    Journalled(Result<(), (u64, String)>),
    /// What became of each hook, by its name, when hooks were last told something.
    Hooked(Vec<(String, Outcome)>),
    /// The notices of AWS that stand, the most urgent first.
    Notices(Vec<Notice>),
    /// How the last question to IMDS went, if not as the one before.
    Imds(Result<(), String>),
    /// Configuration and keys, read again.
    Reread(Box<Result<(Config, KeyRing), Findings>>),
    /// Who bears the pair's tag, or why that is not known.
    Found(Result<Finding, String>),
    /// Why metrics are not served, or that they are.
    Metrics(Result<(), String>),
    /// What the checks of the own service say.
    Checked(Verdict),
    /// What an examination of this node that somebody asked for has found.
    Examined(Vec<Examination>),
    /// This process was sent a signal.
    Signal(Signal),
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, SIGINT: an end that the peer is told of.
    Stop,
    /// SIGHUP: read configuration and keys again.
    Reload,
}

/// Something about one address.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it travels in a box, as part of its news")]
pub enum AddressNews {
    /// Something for its core.
    Input(Input),
    /// An EC2 call failed.
    CallFailed {
        /// Which call.
        id: CallId,
        /// How, sorted.
        fault: CallFault,
        /// How, in words.
        error: String,
    },
    /// The Elastic IP behind the allocation.
    PublicIp(Ipv4Addr),
    /// A takeover was rehearsed.
    Rehearsed {
        /// How that went, and another address that a takeover would knock off.
        outcome: Result<Option<Address>, CallError>,
        /// How many seconds this host's clock is ahead of EC2's.
        clock_ahead_s: Option<i64>,
    },
    /// How the last writing of what operators have ordered went.
    Kept(Result<(), String>),
    /// How the last writing of a record of the core's inputs went.
    Recorded(Result<(), String>),
    /// Why the address could not land on this host (F-21); empty if it could.
    Landing(Vec<Obstacle>),
}

impl AddressNews {
    /// The news that this is about that address.
    #[must_use]
    pub fn about(self, address: AddressIndex) -> News {
        News::Address(address, Box::new(self))
    }
}
