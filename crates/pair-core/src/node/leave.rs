//! A node that leaves the pair for a while, and comes back (F-13).
//!
//! Who leaves claims nothing, and wants the peer to take what it holds, for as long as it is away: the peer takes it as soon
//! as it can. Two leavers do not swap.
//!
//! A node whose host AWS takes away does the same unasked, with two differences. It can be left without a peer that takes what it
//! holds, and then serves on; and while it lives it takes what nobody else serves, for some minutes of service are better than none.

use super::Node;
use crate::{Ending, Event, Holder, Instant, OrderId, OrderOutcome, Output, order::Order};

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

    /// Takes in what AWS says of the end of this host.
    pub(super) fn hear_ending(&mut self, now: Instant, ending: Option<Ending>) {
        if self.ending != ending {
            self.ending = ending;
            self.tell(Event::HostEnds(ending));
            self.beat(now, false);
        }
    }

    /// Whether this node gives away what it holds because its host ends.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_some_and(|ending| ending.hands_over)
    }

    /// Whether the peer is asked to take the address. A hold keeps it from AWS's word, and not from an operator's (F-14).
    pub(super) fn is_yielding(&self, now: Instant) -> bool {
        let is_driven_out = self.is_ending() && !self.holds.is_on(now);
        (self.is_leaving || self.orders.is_yielding(self.config.me) || is_driven_out) && self.ownership.is_mine()
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
