//! What comes from witnesses, and goes to whoever asked (F-20).

use std::{future, io};

use pair_core::Instant;

use super::Agent;
use crate::witness::Booth;

impl Agent {
    /// Answers whoever asks this node, and tells each core what came of its questions: after the heartbeats that waited, and
    /// before any core is woken (F-4).
    pub(super) fn hear_witnesses(&mut self, now: Instant) {
        let fitness = self.shared.known.fitness();
        let Some(booth) = &mut self.shared.booth else { return };
        for (by, input) in booth.turn(now, fitness) {
            if let Some(seat) = self.seats.get_mut(by.0) {
                seat.handle(now, input, &mut self.shared);
            }
        }
    }
}

/// Waits until something has come; for ever where there are no witnesses.
pub(super) async fn readable(booth: Option<&Booth>) -> io::Result<()> {
    match booth {
        Some(booth) => booth.readable().await,
        None => future::pending().await,
    }
}
