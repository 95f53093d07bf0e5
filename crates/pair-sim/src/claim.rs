//! A claim as the world sees it: who asked for the address, and what was true when it did.

use std::time::Duration;

use pair_core::{Decision, Instant, Member};

use crate::Owner;

/// A request to take the address that left a node: an `AssociateAddress`, or the release that comes before a strict one.
#[derive(Clone, Debug)]
pub struct Claim {
    /// When it left.
    pub at: Instant,
    /// Who asks.
    pub by: Member,
    /// The decision behind it.
    pub decision: Decision,
    /// Whether it may take the address from another holder.
    pub allow_reassociation: bool,
    /// Who held the address in truth.
    pub truth: Option<Owner>,
    /// For how long that had been so.
    pub truth_for: Duration,
    /// How many claims the node has under way, this one included.
    pub in_flight: usize,
    /// How long ago the newest EC2 read that was answered had been asked.
    pub read_age: Option<Duration>,
    /// How old the peer's newest word about its own hold was, when it was said.
    pub word_age_when_said: Option<Duration>,
    /// How long ago that word arrived.
    pub word_heard: Option<Duration>,
    /// Whether the node speaks to the instance that is its peer. Where members are found it may not have found it yet: what it
    /// knows of its peer is about the one before.
    pub has_found_peer: bool,
    /// For how long nothing has been wrong with the network, the hosts and the services.
    pub calm_for: Duration,
    /// Whether EC2 answers both nodes as it should.
    pub api_is_well: bool,
    /// How long ago the last pause of the node ended, if it ever had one.
    pub resumed: Option<Duration>,
    /// How long ago the node was told other settings, if it ever was, and the holdtime that they name.
    pub reloaded: Option<(Duration, Duration)>,
    /// For how long the peer has been running and serving, with a network in which nothing is wrong.
    pub peer_well_for: Duration,
    /// For how long the peer has been running and serving, with a witness that carries questions to it and answers back.
    pub witnessed_for: Duration,
    /// Whether a hold that was asked of this very node is in force.
    pub is_held: bool,
    /// How many moves that cost something this run of the node has made in ten minutes, and how long ago the last one was.
    pub own_moves: (usize, Option<Duration>),
    /// How many claims by the silence of heartbeats this node has won since it last got a datagram.
    pub won_in_this_silence: u32,
}
