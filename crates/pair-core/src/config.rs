//! What a node is told when it is made, and anew by a reload.

use core::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Member, Version};

/// The settings of a node. Both nodes of a pair have the same but for `me`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Config {
    /// Which member this node is.
    pub me: Member,
    /// Which member takes an address that nobody holds first (F-10).
    pub preferred: Member,
    /// The private IP on which the address lands, per member; that of the peer counts for nothing once [`Input::Members`] has told
    /// who is there.
    ///
    /// [`Input::Members`]: crate::Input::Members
    pub private_ips: [IpAddr; 2],
    /// How often heartbeats are sent: 10 ms to 10 s.
    pub interval: Duration,
    /// The silence after which the peer is presumed dead (F-4): at least three intervals.
    pub holdtime: Duration,
    /// How long one probe of the peer's service may take; `None` if the service cannot be probed.
    pub probe_timeout: Option<Duration>,
    /// How long a peer whose service was seen to live must show no life before its address is taken (F-7).
    pub lost_contact_takeover: Duration,
    /// How long the peer must have been unfit before its address is taken (F-6c).
    pub unfit_delay: Duration,
    /// How long a node that was unfit while it held the address must have been fit before it takes it again (F-6c).
    pub refit: Duration,
    /// How long one EC2 call may take.
    pub call_timeout: Duration,
    /// How long this node and its peer must have been well before the preferred one takes the address back; `None` if it
    /// never does by itself (F-6f, F-19).
    pub preempt_delay: Option<Duration>,
    /// Whether an address is taken from its holder by compare-and-set: the association just read is released by its id, and
    /// the address then taken from nobody (F-11).
    pub strict: bool,
    /// How long a restart of this node's agent may take: what its notice asks of the peer, at most 60 s (F-13).
    pub restart_grace: Duration,
    /// How witnesses are asked about the peer (F-20).
    #[serde(default)]
    pub witnesses: Witnessing,
    /// The agent's version, told to the peer.
    pub version: Version,
}

/// The witnesses of a node, and what their silence means (F-20).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Witnessing {
    /// How many there are; none are asked if this is zero.
    pub count: u8,
    /// How long a claim is held off when the witnesses that answered before fall silent together with the peer; with
    /// `required`, how old the newest answer of a witness may be.
    pub isolation_grace: Duration,
    /// Whether a silent peer loses its address only while a witness answers.
    pub required: bool,
}

impl Config {
    /// The silence after which the peer is suspect: two heartbeats missed, plus a quarter interval for the network's jitter.
    ///
    /// A single lost datagram followed by one on time is no suspicion. `peer_interval` is what the peer says it sends at.
    #[must_use]
    pub fn suspect_after(&self, peer_interval: Duration) -> Duration {
        (peer_interval * 9 / 4).min(self.holdtime * 3 / 4)
    }

    /// How long both must have been well before this node takes the address back; `None` if it does not, or is not preferred.
    pub(crate) fn own_preempt_delay(&self) -> Option<Duration> {
        self.preempt_delay.filter(|_| self.preferred == self.me)
    }

    /// The sleep from which on the peer may have presumed this node dead (F-16): a holdtime less the interval that may have
    /// passed before it.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.holdtime.saturating_sub(self.interval).max(self.interval)
    }

    /// What the peer says its interval is, within bounds (F-17).
    #[must_use]
    pub fn bounded_interval(&self, peer_interval: Duration) -> Duration {
        peer_interval.min(self.holdtime / 3).max(SHORTEST_INTERVAL)
    }

    /// The gap between two rounds of questions to witnesses under suspicion: a quarter of the interval, at least 10 ms. At 10 %
    /// loss on each of four hops one question in three gets no answer, and of a dozen all with probability 4e-6.
    #[must_use]
    pub fn witness_gap(&self) -> Duration {
        (self.interval / 4).max(SHORTEST_INTERVAL)
    }

    /// The gap between two queries of a burst: a tenth of the interval, at least 10 ms (DESIGN: at 30 % loss each way thirty
    /// round trips all fail with probability 2e-9).
    #[must_use]
    pub fn query_gap(&self) -> Duration {
        (self.interval / 10).max(SHORTEST_INTERVAL)
    }
}

/// The shortest interval, and the shortest gap between two queries.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

/// How old a fact may be when a claim is built on it (F-5).
pub const FACT_FRESH: Duration = Duration::from_secs(5);

/// How long EC2's own reply to a claim beats reads that say otherwise (F-1): field reports of stale reads end within seconds.
pub const REPLY_TRUST: Duration = Duration::from_secs(10);

/// The time between two EC2 reads that together prove a loss (F-1).
pub const LOSS_CONFIRM: Duration = Duration::from_secs(2);

/// The least time between two EC2 reads that no claim waits for (F-3).
pub const READ_GAP: Duration = Duration::from_secs(5);

/// How often EC2 is read while the peer is silent (F-3).
pub const READ_WHILE_SILENT: Duration = Duration::from_secs(60);

/// How often EC2 is read in good times, before jitter: a guess that keeps a fleet's calls rare.
pub const READ_IN_GOOD_TIMES: Duration = Duration::from_secs(15 * 60);

/// How often the peer's service is probed in good times (F-3).
pub const PROBE_IN_GOOD_TIMES: Duration = Duration::from_secs(10);

/// How often the peer's service is probed once the holdtime has passed in silence, at the least.
pub const PROBE_WHILE_SILENT: Duration = Duration::from_secs(1);

/// How many rounds of probes, and of questions to witnesses, go out before a proof of life is too old (F-7), if their timeouts let them: with one,
/// a peer that proves its life each time loses its address to an answer that takes a millisecond longer than the one before.
pub const PROOFS_IN_PATIENCE: u32 = 3;

/// How often every witness is asked in good times (F-3).
pub const WITNESS_IN_GOOD_TIMES: Duration = Duration::from_secs(10);

/// How often every witness is asked once the holdtime has passed in silence, at the least.
pub const WITNESS_WHILE_SILENT: Duration = Duration::from_secs(1);

/// How long one question to a witness may take: four hops between zones, each with the spikes that are seen there (12 ms),
/// take a tenth of it.
pub const WITNESS_TIMEOUT: Duration = Duration::from_millis(500);

/// How long ago a witness may have answered to count as one that answers: three rounds in good times, and half a one.
pub const WITNESS_MEMORY: Duration = Duration::from_secs(35);

/// How long the member that is not preferred waits before it takes an address that nobody holds (F-10): longer than a
/// preferred node's read and claim take together.
pub const NOBODY_SKEW: Duration = Duration::from_secs(3);

/// How long heartbeats tell of a claim that was left unanswered (F-11).
pub const SETTLE: Duration = Duration::from_secs(60);

/// How long an operator's order is valid (F-6e).
pub const ORDER_VALID: Duration = Duration::from_secs(30);

/// How long a call may be under way before another goes out beside it (F-11), so that one lost reply is no isolation.
pub const SLOW_CALL: Duration = Duration::from_millis(500);

/// How long a call may outlast its timeout before it counts as unanswered: whoever makes the calls has failed to tell.
pub const CALL_GRACE: Duration = Duration::from_secs(2);

/// How often EC2 is read at first while nobody holds the address (F-10): whoever waits for its turn must see that the other
/// was quicker.
pub const NOBODY_READ: Duration = Duration::from_secs(1);

/// How long the other member lets a peer try to take an address that nobody holds (F-10): a peer that tries in vain must
/// not keep it from everybody.
pub const NOBODY_PATIENCE: Duration = Duration::from_secs(10);

/// How many calls must stay unanswered, with no answer since the first was sent, to call that an isolation (F-11).
pub const ISOLATION_CALLS: u32 = 2;

/// The longest hold that an operator can ask for (F-14): a forgotten one ends with the day.
pub const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest grace that a restarting peer is given, whatever it asks for (F-13).
pub const LONGEST_GRACE: Duration = Duration::from_secs(60);

/// How long a notice is repeated until the peer has heard it (F-13).
pub const NOTICE_TIME: Duration = Duration::from_millis(100);

/// The gap between two repetitions of a notice: five fit.
pub const NOTICE_GAP: Duration = Duration::from_millis(20);

/// How many probes of a path that worked must fail in a row to end a restarting peer's grace (F-13).
pub const GRACE_PROBES: u32 = 3;

/// How many moves the budget allows in its window (F-15).
pub const BUDGET_MOVES: usize = 3;

/// The time over which the budget counts (F-15).
pub const BUDGET_WINDOW: Duration = Duration::from_secs(10 * 60);

/// How long the first claim beyond the budget waits (F-15).
pub const BUDGET_FIRST_WAIT: Duration = Duration::from_secs(30);

/// How many instances that were members before are remembered (F-9): EC2 forgets a terminated one after about an hour.
pub const MOST_FORMER: usize = 16;
