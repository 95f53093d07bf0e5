//! What a decision looks at, gathered from the parts.

use super::Node;
use crate::{
    AssociationId, Fact, Holder, InstanceId, Instant, Objection, Situation, Source, Testimony,
    claim::Basis,
    config::{FACT_FRESH, GRACE_PROBES, NOBODY_PATIENCE, NOBODY_SKEW},
    running::RunTime,
};

impl Node {
    pub(super) fn situation(&self, now: Instant) -> Situation {
        let run = self.clock.now();
        let holdtime_over = self.detector.is_holdtime_over(run);
        Situation {
            me: self.config.me,
            holder: self.holder(),
            fitness: self.fitness,
            can_land: self
                .identity
                .as_ref()
                .is_some_and(|identity| identity.interface.is_some()),
            has_neighbour: self.has_neighbour,
            ready: self.ready || self.orders.is_forced(),
            refit: self.refit.is_over(run),
            my_turn: self.is_my_turn(run),
            released: self.has_released(),
            ordered: self.orders.wants(self.config.me),
            stopping: self.stopping.is_some(),
            leaving: self.is_leaving,
            ending: self.is_ending(),
            on_hold: self.holds.is_on(now),
            over_budget: self.budget.is_barring(run),
            bar_just_ended: self
                .released
                .is_some_and(|(at, _)| run.since(at) < self.config.holdtime),
            preempt_due: self.preempt.is_due(run) && !self.peer.holds_by_order(),
            link: self.detector.link(run),
            silence: self.detector.silence(run),
            holdtime_over,
            peer_fitness: self.peer.fitness(),
            peer_unfit_lasting: self.peer.is_unfit_for(run, self.config.unfit_delay),
            peer_yielding: self.peer.is_yielding(),
            peer_restarting: self.is_peer_restarting(run),
            witnesses_silent: holdtime_over && self.witnesses.are_silent_together(run),
            objection: holdtime_over.then(|| self.objection(run)).flatten(),
            testimony: holdtime_over.then(|| self.testimony(run)).flatten(),
        }
    }

    pub(super) fn objection(&self, run: RunTime) -> Option<Objection> {
        if self.probing.proves_life(run) {
            return Some(Objection::ProbeServed);
        }
        if self.witnesses.proves_life(run) {
            return Some(Objection::WitnessProved);
        }
        let was_saturated = self.peer.report().is_some_and(|report| report.saturated);
        let briefly = self.detector.silence(run) < self.config.lost_contact_takeover;
        (self.config.probe_timeout.is_some() && was_saturated && briefly).then_some(Objection::Saturated)
    }

    pub(super) fn testimony(&self, run: RunTime) -> Option<Testimony> {
        let (changed, hands) = (self.ownership.changed(), self.ownership.hands());
        let association = self.ownership.fact().and_then(|fact| fact.association.as_ref());
        let heartbeats_proven = self.detector.life().is_some_and(|life| {
            life > changed || self.peer.spoke_of_its_hold(self.config.me.peer(), association, hands)
        });
        let holder = self.holders_instance();
        if self.instance_watch.is_down(run, holder) {
            Some(Testimony::InstanceDown)
        } else if heartbeats_proven {
            Some(Testimony::Heartbeats)
        } else if self.probing.testifies(run, changed) {
            Some(Testimony::Probe)
        } else if self.witnesses.testifies(run, changed) {
            Some(Testimony::Witness)
        } else if self.probing.kernel_testifies(run) {
            Some(Testimony::KernelOnly)
        } else if self.instance_watch.is_unreachable(holder) {
            Some(Testimony::InstanceUnreachable)
        } else if self.has_slipped_back(run) {
            Some(Testimony::SlippedBack)
        } else {
            None
        }
    }

    /// Whether the peer's notice of a restart explains its silence; not if its service has gone, too (F-13).
    pub(super) fn is_peer_restarting(&self, run: RunTime) -> bool {
        !self.grace.remaining(run).is_zero() && !self.probing.has_lost_its_path(GRACE_PROBES)
    }

    /// Whether the address has long been back with a silent peer, by a claim that landed late (F-11).
    pub(super) fn has_slipped_back(&self, run: RunTime) -> bool {
        let patience = self.config.lost_contact_takeover;
        self.silence
            .as_ref()
            .is_some_and(|silence| silence.slip.testifies(run, patience))
    }

    /// Whether nobody holds the address because this node has released it (F-11, strict).
    pub(super) fn has_released(&self) -> bool {
        self.holder() == Some(Holder::Nobody) && self.claim.has_released()
    }

    /// What a claim may be built on (F-5). If it begins with a release, only a read of its own tells what to release (F-11).
    pub(super) fn basis(&self, now: Instant, is_release: bool) -> Basis {
        let peer = self.config.me.peer();
        // Who waited for its turn must have read since then that the other did not take it (F-10).
        let is_in_turn =
            self.config.preferred == self.config.me || self.orders.wants(self.config.me) || self.has_released();
        let waited = self.vacant_since.filter(|_| !is_in_turn);
        let is_late_enough = |at| waited.is_none_or(|(_, since)| at >= since + NOBODY_SKEW);
        // What was known before a bar ended is no ground for a claim after it (F-14).
        let is_new_enough = |at| self.released.is_none_or(|(_, since)| at >= since);
        let read_fresh = self
            .ownership
            .ec2_read()
            .is_some_and(|at| now.since(at) <= FACT_FRESH && is_late_enough(at) && is_new_enough(at));
        let is_silent = self.silence.is_some();
        let word_fresh = !is_silent
            && self
                .peer
                .age_of_hold(peer, now)
                .is_some_and(|age| age <= FACT_FRESH && is_new_enough(now - age));
        let last_word_fresh = self
            .peer
            .age_of_hold_when_heard(peer)
            .is_some_and(|age| age <= FACT_FRESH)
            && self.released.is_none_or(|(_, since)| self.peer.heard_at() >= since);
        let peer_tells = self.peer_holds() && !is_release;
        // A word newer than the read may have named another association since.
        let is_named = |fact: &Fact| fact.source == Source::Ec2;
        let read_tells = !is_release || self.ownership.fact().is_some_and(is_named);
        Basis {
            fact_fresh: (read_fresh && read_tells) || (peer_tells && word_fresh),
            word_usable: peer_tells && last_word_fresh && self.reads.gets_no_answer(now),
        }
    }

    /// Whether it is this node's turn to take an address that nobody serves (F-9, F-10).
    pub(super) fn is_my_turn(&self, run: RunTime) -> bool {
        let Some((since, _)) = self.vacant_since else {
            return false;
        };
        let waited = run.since(since);
        let peer_claims = self.peer.report().is_some_and(|report| report.claiming) && !self.detector.is_silent(run);
        // A peer that tries in vain must not keep the address from everybody: EC2 lets only one claim win.
        let peer_has_it = peer_claims && waited < NOBODY_PATIENCE;
        let skew_is_over = self.config.preferred == self.config.me || waited >= NOBODY_SKEW;
        skew_is_over && !peer_has_it
    }

    /// The instance that holds the address, as EC2 says, or the peer of its own.
    pub(super) fn holders_instance(&self) -> Option<&InstanceId> {
        let by_fact = self.ownership.fact().and_then(|fact| fact.instance.as_ref());
        by_fact.or_else(|| self.peer.instance())
    }

    pub(super) fn holder(&self) -> Option<Holder> {
        self.ownership.fact().map(|fact| fact.holder)
    }

    pub(super) fn peer_holds(&self) -> bool {
        self.holder() == Some(Holder::Member(self.config.me.peer()))
    }

    pub(super) fn own_hold(&self, association: AssociationId, source: Source, asked_at: Instant) -> Fact {
        Fact {
            holder: Holder::Member(self.config.me),
            association: Some(association),
            instance: self.identity.as_ref().map(|identity| identity.instance),
            source,
            asked_at,
        }
    }
}
