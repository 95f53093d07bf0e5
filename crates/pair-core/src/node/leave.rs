//! A node that leaves the pair for a while, and comes back (F-13).
//!
//! Who leaves claims nothing, and wants the peer to take what it holds, for as long as it is away: the peer takes it as soon
//! as it can. Two leavers do not swap.

use super::Node;
use crate::{Event, Holder, Instant, OrderId, OrderOutcome, Output, order::Order};

impl Node {
    /// Leaves: at once if the address is not here, else with the order to hand it over, or not at all if the peer cannot take
    /// it.
    pub(super) fn leave(&mut self, now: Instant, id: OrderId) {
        let is_elsewhere = self
            .holder()
            .is_some_and(|holder| holder != Holder::Member(self.config.me));
        if is_elsewhere {
            let outcome = OrderOutcome::Done;
            self.outputs.push_back(Output::Ordered { id, outcome });
        } else {
            let to = self.config.me.peer();
            let force = false;
            self.hear_order(now, Order { id, to, force });
            if !self.orders.is_pending(id) {
                return;
            }
        }
        self.set_leaving(now, true);
    }

    /// Comes back.
    pub(super) fn join(&mut self, now: Instant) {
        self.set_leaving(now, false);
    }

    /// Whether the peer is asked to take the address.
    pub(super) fn is_yielding(&self) -> bool {
        (self.is_leaving || self.orders.is_yielding(self.config.me)) && self.ownership.is_mine()
    }

    fn set_leaving(&mut self, now: Instant, is_leaving: bool) {
        if self.is_leaving == is_leaving {
            return;
        }
        self.is_leaving = is_leaving;
        self.tell(Event::Leaving(is_leaving));
        self.keep(now);
        self.beat(now, false);
    }
}
