//! What follows from a change: of the link, of the holder, of the way to EC2.

use super::{Node, Silence};
use crate::{
    CallFault, CallId, Event, Fitness, Holder, Instant, Link, Rule, config::ISOLATION_CALLS, ownership::Taken,
    running::RunTime, slip::Slip,
};

impl Node {
    /// Follows the link: suspicion begins or ends.
    pub(super) fn follow_link(&mut self, now: Instant) {
        let run = self.clock.now();
        let link = self.detector.link(run);
        if link != self.last_link {
            let silence = self.detector.silence(run);
            self.tell(Event::LinkChanged {
                from: self.last_link,
                to: link,
                silence,
            });
            self.last_link = link;
        }
        match (self.detector.is_silent(run), self.silence.is_some()) {
            (true, false) => {
                self.silence = Some(Silence {
                    began_at: now,
                    next_query: run,
                    queries_left: self.queries(),
                    unanswered: 0,
                    answered_at: None,
                    was_paused: false,
                    slip: Slip::Never,
                });
                self.instance_watch.clear();
                self.probing.suspect(now, run);
                self.witnesses.suspect(now, run);
                self.reads.want(run);
            }
            (false, true) => {
                self.silence = None;
                self.probing.relax();
                self.witnesses.relax();
                self.instance_watch.clear();
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Tells which witnesses have begun to answer, or to be silent.
    pub(super) fn follow_witnesses(&mut self) {
        for (witness, answers) in self.witnesses.changes(self.clock.now()) {
            self.tell(Event::Witness { witness, answers });
        }
    }

    /// Counts the silence anew, with all that belongs to a suspicion.
    pub(super) fn restart_silence(&mut self, now: Instant) {
        let run = self.clock.at(now);
        let queries = self.queries();
        if let Some(silence) = &mut self.silence {
            self.detector.start_silence_anew(run);
            self.probing.suspect(now, run);
            self.witnesses.suspect(now, run);
            silence.queries_left = queries;
            silence.next_query = run;
        }
    }

    /// How many queries one suspicion may send.
    pub(super) fn queries(&self) -> u32 {
        let queries = self.config.holdtime.as_nanos() / self.config.query_gap().as_nanos();
        u32::try_from(queries).unwrap_or(u32::MAX)
    }

    /// Follows whether this node was cut off from EC2 during the silence (F-11).
    pub(super) fn follow_isolation(&mut self, now: Instant, id: CallId, fault: Option<CallFault>) {
        let asked_at = self.reads.asked_at(id).or_else(|| self.claim.sent_at(id));
        let (Some(silence), Some(asked_at)) = (&mut self.silence, asked_at) else {
            return;
        };
        match fault {
            Some(CallFault::NotSent) => {}
            Some(fault) if !fault.is_answer() => {
                if silence.answered_at.is_none_or(|at| at < asked_at) {
                    silence.unanswered = silence.unanswered.saturating_add(1);
                }
            }
            Some(_) | None => {
                let was_cut_off = silence.unanswered >= ISOLATION_CALLS;
                silence.unanswered = 0;
                silence.answered_at = Some(now);
                if was_cut_off {
                    self.restart_silence(now);
                    self.tell(Event::SilenceStartsAnew);
                }
            }
        }
    }

    /// Follows a change of the holder: the peer is told at once.
    pub(super) fn follow_holder(&mut self, now: Instant, before: Option<Holder>) {
        let Some(fact) = self.ownership.fact() else { return };
        if before == Some(fact.holder) {
            return;
        }
        let event = Event::HolderChanged {
            from: before,
            to: fact.holder,
            association: fact.association,
            source: fact.source,
        };
        let (me, holder) = (Holder::Member(self.config.me), fact.holder);
        let peer = Holder::Member(self.config.me.peer());
        self.vacant_since = None;
        self.instance_watch.follow_change(holder == me);
        if holder == me {
            self.follow_win(before == Some(peer));
        } else {
            self.claim.stop_verifying();
        }
        if (before, holder) == (Some(me), peer) {
            self.follow_loss();
        }
        self.tell(event);
        self.beat(now, false);
    }

    /// The address is here, where it was not before.
    fn follow_win(&mut self, is_move: bool) {
        let run = self.clock.now();
        // Not if somebody else has put it here.
        let fact = self.ownership.fact().and_then(|fact| fact.association.as_ref());
        let won = self
            .claim
            .last()
            .filter(|takeover| takeover.association.as_ref() == fact);
        // A strict takeover has taken it from the peer, though nobody held it in between.
        let peer = Holder::Member(self.config.me.peer());
        let is_move = is_move || won.is_some_and(|takeover| takeover.from == peer);
        if is_move && !self.claims_freely {
            self.budget.spend(run);
        }
        let won = won.map(|takeover| takeover.rule);
        let given_by_order = won == Some(Rule::F6b) && !self.peer.is_leaving() && !self.peer.is_ending();
        self.holds_by_order = given_by_order || won == Some(Rule::F6e);
        if won == Some(Rule::F6f) {
            self.preempt.took(run);
        } else if self.holds_by_order {
            self.preempt.renew();
        }
        if let Some(silence) = &mut self.silence {
            silence.slip.won(run);
        }
    }

    /// The peer has what was here.
    fn follow_loss(&mut self) {
        let run = self.clock.now();
        if self.is_leaving || self.is_ending() {
            // It may come back when this node does.
        } else if self.orders.is_yielding(self.config.me) {
            self.preempt.spend();
        } else {
            self.preempt.lost(run);
        }
        let has_told = self.peer.report().is_some_and(|report| report.claiming);
        if let Some(silence) = &mut self.silence {
            silence.slip.lost(run, has_told);
        }
    }

    /// Follows for how long both have been well (F-6f).
    pub(super) fn follow_preempt(&mut self) {
        let run = self.clock.now();
        let is_away = self.is_leaving || self.is_ending();
        let is_well = self.fitness == Fitness::Fit && !is_away && self.detector.link(run) == Link::Up;
        self.preempt.follow(run, is_well);
    }

    /// Follows since when nobody serves the address, whoever is silent (F-9, F-10).
    pub(super) fn follow_vacancy(&mut self, now: Instant) {
        let run = self.clock.now();
        let is_vacant = match self.holder() {
            Some(Holder::Nobody) => true,
            Some(Holder::Former) => self.instance_watch.is_down(run, self.holders_instance()),
            Some(Holder::Member(_) | Holder::Misplaced(_) | Holder::Stranger) | None => false,
        };
        if is_vacant {
            self.vacant_since.get_or_insert((run, now));
        } else {
            self.vacant_since = None;
        }
    }

    pub(super) fn end_orders(&mut self, now: Instant) {
        let is_verified = !self.claim.is_verifying();
        self.orders.end(now, self.holder(), is_verified, &mut self.outputs);
    }

    /// Two members, or none, say that they hold the address, or IMDS drops it: EC2 settles it.
    pub(super) fn read_if_contested(&mut self, run: RunTime, taken: Taken) {
        match taken {
            Taken::Contested => self.reads.want_now(run),
            Taken::StillContested => self.reads.want(run),
            Taken::Believed | Taken::Ignored | Taken::Stale => {}
        }
    }
}
