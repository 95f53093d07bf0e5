//! What a node knows, for people to read.

use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    CallFault, Decision, Ending, Fact, Fitness, Hold, Link, ProbeOutcome, Report, Source, Takeover, WitnessView,
};

/// A snapshot of what a node knows and does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct View {
    /// Whether the fact says that this node holds the address; `None` while that is unknown.
    pub is_active: Option<bool>,
    /// The fact about the holder.
    pub fact: Option<Fact>,
    /// The newest confirmation of the fact, and how old it is.
    pub confirmed: Option<(Source, Duration)>,
    /// How long ago EC2 was read.
    pub ec2_read_age: Option<Duration>,
    /// Whether the last read of EC2 failed.
    pub ec2_read_failed: bool,
    /// This node's own fitness.
    pub fitness: Fitness,
    /// Whether this node is ready to take over.
    pub ready: bool,
    /// The link to the peer.
    pub link: Link,
    /// How long ago the peer was heard.
    pub heard_age: Option<Duration>,
    /// Round-trip time to the peer.
    pub round_trip: Option<Duration>,
    /// Loss on the way from the peer, in percent of its last 64 datagrams.
    pub loss_percent: Option<u32>,
    /// What the peer last said.
    pub peer: Option<Report>,
    /// What the last probe of the peer's service got.
    pub probe: Option<ProbeOutcome>,
    /// What each witness has told, in the order of the configuration (F-20).
    pub witnesses: Vec<WitnessView>,
    /// What should be done, by which rule.
    pub decision: Decision,
    /// The newest hold, in force or over (F-14).
    pub hold: Option<Hold>,
    /// Whether this node leaves the pair, or has left it (F-13).
    pub is_leaving: bool,
    /// What AWS says of the end of this node's host (F-13).
    pub ending: Option<Ending>,
    /// How many moves the last ten minutes saw that the budget counts (F-15).
    pub moves: usize,
    /// How long the silence of a restarting peer still means nothing (F-13).
    pub restart_grace: Duration,
    /// Requests sent for the claim under way.
    pub attempts: u32,
    /// Why the last of them failed.
    pub claim_fault: Option<CallFault>,
    /// This node's last takeover.
    pub takeover: Option<Takeover>,
}

impl View {
    /// How long a hold still keeps the address where it is; `None` if none is in force (F-14).
    #[must_use]
    pub fn hold_left(&self) -> Option<Duration> {
        self.hold.map(|hold| hold.remaining).filter(|left| !left.is_zero())
    }
}
