//! What follows from a change: of the link, of the holder, of the way to EC2.

use super::{Node, Silence};
use crate::{CallFault, CallId, Event, Holder, Instant, config::ISOLATION_CALLS, ownership::Taken, running::RunTime};

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
                });
                self.instance_watch.clear();
                self.probing.suspect(now, run);
                self.reads.want(run);
            }
            (false, true) => {
                self.silence = None;
                self.probing.relax();
                self.instance_watch.clear();
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Counts the silence anew, with all that belongs to a suspicion.
    pub(super) fn restart_silence(&mut self, now: Instant) {
        let run = self.clock.now();
        let queries = self.queries();
        if let Some(silence) = &mut self.silence {
            self.detector.start_silence_anew(run);
            self.probing.suspect(now, run);
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
            association: fact.association.clone(),
            source: fact.source,
        };
        self.nobody_since = (fact.holder == Holder::Nobody).then(|| (self.clock.now(), now));
        self.instance_watch.follow_change(self.ownership.is_mine());
        if !self.ownership.is_mine() {
            self.claim.stop_verifying();
        }
        self.tell(event);
        self.beat(now, false);
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
