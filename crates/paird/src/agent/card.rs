//! What this agent says of itself, and what it hears of the other: for people, and behind the core's back (F-5).

use pair_core::Heartbeat;
use pair_wire::datagram::Card;

use super::Agent;
use crate::clock::unix_ms;
use crate::problems::{self, Cards};

impl Agent {
    /// What is so at this moment.
    pub(super) fn card(&self) -> Card {
        Card {
            config: self.digest,
            haproxy: self.haproxy,
            unix_ms: unix_ms(),
        }
    }

    /// Keeps the peer's card beside this node's. A recording of an earlier run may be played to this node: only who echoes this
    /// run is heard.
    pub(super) fn compare_cards(&mut self, heartbeat: &Heartbeat) {
        let is_alive = heartbeat
            .prefix
            .echo
            .is_some_and(|echo| echo.incarnation == self.node.incarnation());
        if !is_alive {
            return;
        }
        self.known.cards = self.receiver.card().map(|theirs| Cards {
            own: self.card(),
            theirs,
        });
        self.known.keys_apart = self
            .receiver
            .peer_keys()
            .and_then(|theirs| problems::of_keys(&self.ring, &theirs, self.names.peer()));
    }
}
