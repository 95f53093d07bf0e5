//! What this agent says of itself, and what it hears of the other: for people, and behind the core's back (F-5).

use pair_core::Heartbeat;

use super::Agent;
use crate::clock::unix_ms;
use crate::problems::Cards;

impl Agent {
    /// Puts on the next heartbeat what is so at this moment.
    pub(super) fn show_card(&mut self) {
        self.sender.show(self.digest, self.haproxy, unix_ms());
    }

    /// Keeps the peer's card beside this node's. A recording of an earlier run may be played to this node: only who echoes this
    /// run is heard.
    pub(super) fn compare_cards(&mut self, heartbeat: &Heartbeat) {
        let is_alive = heartbeat
            .prefix
            .echo
            .is_some_and(|echo| echo.incarnation == self.node.incarnation());
        let Some(theirs) = self.receiver.card().filter(|_| is_alive) else {
            return;
        };
        self.show_card();
        if let Some(own) = self.sender.card() {
            self.known.cards = Some(Cards { own, theirs });
        }
    }
}
