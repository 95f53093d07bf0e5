//! Members that are found by their tag: who speaks to which instance.
//!
//! ```text
//!  replace ── the old instance is gone, the new one finds its peer at its start ── FINDING_TAKES ──► the survivor finds it
//!             └──────────────── neither hears the other ───────────────────────────┘
//! ```

use std::time::Duration;

use pair_core::{Input, Member};

use crate::World;

/// How long it takes a survivor to find the instance that came to its peer's place: it knocks, and EC2 is asked.
pub(crate) const FINDING_TAKES: Duration = Duration::from_secs(5);

impl World {
    /// Tells an agent who is at its peer's place, where that is found; from then on it speaks to that one.
    pub(crate) fn find(&mut self, at: Member, run: u64) {
        if !self.settings.is_found || self.host(at).run != run {
            return;
        }
        self.spoken_to[at.index()] = self.ec2.generation(at.peer());
        let members = self.ec2.members(at);
        self.reach(at, Input::Members(members));
    }

    /// Whether a member speaks to its peer's present instance, asks witnesses about it and probes it.
    pub(crate) fn has_found_peer(&self, at: Member) -> bool {
        !self.settings.is_found || self.spoken_to[at.index()] == self.ec2.generation(at.peer())
    }

    /// Whether each speaks to the other's present instance.
    pub(crate) fn are_in_touch(&self) -> bool {
        Member::BOTH.into_iter().all(|at| self.has_found_peer(at))
    }
}
