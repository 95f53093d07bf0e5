//! Members that are found by their tag: who speaks to which instance.
//!
//! ```text
//!  replace ── the old instance is gone, the new one finds its peer at its start ── FINDING_TAKES ──► the survivor finds it
//!             └──────────────── neither hears the other ───────────────────────────┘
//! ```

use std::{net::Ipv4Addr, time::Duration};

use pair_core::{Config, Input, Member, Members};

use crate::World;

/// How long it takes a survivor to find the instance that came to its peer's place: it knocks, and EC2 is asked.
pub(crate) const FINDING_TAKES: Duration = Duration::from_secs(5);

impl World {
    /// The configuration of an agent, which knows its own place; where members are found it knows no other.
    pub(crate) fn placed(&self, config: Config) -> Config {
        if !self.settings.is_found {
            return config;
        }
        let mut private_ips = [Ipv4Addr::UNSPECIFIED.into(); 2];
        private_ips[config.me.index()] = self.ec2.place(config.me).private_ip;
        Config { private_ips, ..config }
    }

    /// Tells an agent who is at its peer's place, where that is found; from then on it speaks to that one.
    pub(crate) fn find(&mut self, at: Member, run: u64) {
        if !self.settings.is_found || self.host(at).run != run {
            return;
        }
        self.spoken_to[at.index()] = self.ec2.generation(at.peer());
        let peer = Some(self.ec2.place(at.peer()));
        let former = self.ec2.former();
        self.reach(at, Input::Members(Members { peer, former }));
    }

    /// Whether each speaks to the other's present instance.
    pub(crate) fn are_in_touch(&self) -> bool {
        let is_met = |at: Member| self.spoken_to[at.index()] == self.ec2.generation(at.peer());
        !self.settings.is_found || Member::BOTH.into_iter().all(is_met)
    }
}
