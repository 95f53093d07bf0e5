//! What keeps a node from a claim for a while, and what follows from its end (F-14, F-15).

use super::Node;
use crate::{Event, Instant, Output, Standing, decide::wants_to_spend};

impl Node {
    /// Follows the hold and the budget.
    pub(super) fn follow_bars(&mut self, now: Instant) {
        self.follow_hold(now);
        let run = self.clock.now();
        let is_wanted = wants_to_spend(&self.situation(now));
        if self.budget.follow(run, is_wanted, self.silence.is_some()) {
            self.release(now);
        }
    }

    /// A bar has ended: a claim needs a fresh fact and one fresh holdtime from here on, whatever was ripe before.
    pub(super) fn release(&mut self, now: Instant) {
        self.released = Some((self.clock.at(now), now));
        self.restart_silence(now);
    }

    /// What operators have ordered and a restart must not forget.
    pub(super) fn keep(&mut self, now: Instant) {
        let standing = Standing {
            hold: self.holds.told(now),
            is_leaving: self.is_leaving,
        };
        self.outputs.push_back(Output::Keep(standing));
    }

    /// Takes up what a run before this one has kept.
    pub(super) fn restore(&mut self, now: Instant, standing: Standing) {
        self.is_leaving = standing.is_leaving;
        if let Some(hold) = standing.hold {
            self.holds.hear(now, hold);
        }
    }

    fn follow_hold(&mut self, now: Instant) {
        let Some(hold) = self.holds.told(now) else { return };
        let state = Some((hold.version, self.holds.is_on(now)));
        if state == self.told_hold {
            return;
        }
        let was_on = self.told_hold.is_some_and(|(_, is_on)| is_on);
        self.told_hold = state;
        self.tell(Event::HoldChanged { hold });
        self.keep(now);
        self.beat(now, false);
        if was_on && !self.holds.is_on(now) {
            self.release(now);
        }
    }
}
