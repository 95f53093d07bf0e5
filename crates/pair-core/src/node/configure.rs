//! Other settings while the node runs: a reload.
//!
//! ```text
//!               at once    not before the peer's heartbeats say that it fits
//!  interval     shorter    longer: the peer's own is as long, so it has been told, too
//!  holdtime     longer     shorter: three of the peer's intervals fit into it
//!  all others   at once
//! ```
//!
//! Of two nodes one is told first. Until the other one is, the link is kept as the more careful of both settings wants it: heartbeats
//! as often as either of them expects, and a silence as long as either of them grants. So no order in which two nodes are told
//! makes a living one look dead. A shorter holdtime begins with a heartbeat that was just heard, never in a silence.
//!
//! What the other settings make ripe has to wait for a fresh fact and one fresh holdtime, like what a bar has kept back (F-14): a
//! reload causes no claim. Everything that the node knows stays: its incarnation, the silence, holds, orders, budget, and the
//! claim under way.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Node;
use crate::{Config, Instant, Witnessing};

/// How often heartbeats are sent, and the silence after which a peer is presumed dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Pace {
    pub(super) interval: Duration,
    pub(super) holdtime: Duration,
}

impl Pace {
    pub(super) const fn of(config: &Config) -> Self {
        Self {
            interval: config.interval,
            holdtime: config.holdtime,
        }
    }
}

impl Node {
    /// Takes other settings up, as far as they can change: which member this is, where the address lands, how many
    /// witnesses there are and the version are what
    /// a run of the node is about, and stay.
    pub(super) fn configure(&mut self, now: Instant, config: &Config) {
        let wanted = Config {
            me: self.config.me,
            private_ips: self.config.private_ips,
            witnesses: Witnessing {
                count: self.config.witnesses.count,
                ..config.witnesses
            },
            version: self.config.version,
            ..*config
        };
        if wanted == self.configured() {
            return;
        }
        self.pace = Pace::of(&wanted);
        self.config = Config {
            interval: wanted.interval.min(self.config.interval),
            holdtime: wanted.holdtime.max(self.config.holdtime),
            ..wanted
        };
        let config = &self.config;
        self.probing.configure(config);
        self.witnesses.configure(config);
        self.refit.configure(config.refit);
        self.preempt.configure(config.own_preempt_delay());
        self.keep_pace();
        self.next_beat = self.next_beat.min(now + self.config.interval);
        self.released = Some((self.clock.at(now), now));
        // The peer waits for what this node says of its interval.
        self.beat(now, false);
    }

    /// Takes up what of the wanted pace fits to the interval that the peer has just told.
    pub(super) fn follow_pace(&mut self, peer_interval: Duration) {
        let Pace { interval, holdtime } = self.pace;
        let before = Pace::of(&self.config);
        if peer_interval >= interval {
            self.config.interval = interval;
        }
        if peer_interval * INTERVALS_PER_HOLDTIME <= holdtime {
            self.config.holdtime = holdtime;
        }
        if Pace::of(&self.config) != before {
            self.keep_pace();
        }
    }

    /// What this node was told last, in force or not.
    fn configured(&self) -> Config {
        Config {
            interval: self.pace.interval,
            holdtime: self.pace.holdtime,
            ..self.config.clone()
        }
    }

    fn keep_pace(&mut self) {
        let peer_interval = self.peer.report().map(|report| report.interval);
        self.detector.configure(&self.config, peer_interval);
        self.clock.set_step(self.config.interval);
    }
}

/// The intervals that fit into a holdtime at the least (DESIGN §4): one lost datagram must not end it.
const INTERVALS_PER_HOLDTIME: u32 = 3;
