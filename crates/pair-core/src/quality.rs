//! How good the path to the peer is: round-trip time and loss, for people to read. No rule depends on it.

use alloc::{vec, vec::Vec};
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Echo, Instant, Sequence};

/// Round-trip time and loss of the path to the peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Quality {
    /// The newest numbers sent and when, each in the slot of its number.
    sent: Vec<(Sequence, Instant)>,
    round_trip: Option<Duration>,
    newest: Sequence,
    /// Bit n: whether number `newest - n` arrived. Bits beyond `expected` say nothing.
    arrived: u64,
    expected: u32,
}

/// How many of its own datagrams a node remembers the sending time of: a burst of queries over one holdtime fits.
const REMEMBERED: usize = 64;

impl Default for Quality {
    fn default() -> Self {
        Self {
            sent: vec![(Sequence(0), Instant::ZERO); REMEMBERED],
            round_trip: None,
            newest: Sequence(0),
            arrived: 0,
            expected: 0,
        }
    }
}

impl Quality {
    pub(crate) fn sent(&mut self, sequence: Sequence, now: Instant) {
        if let Some(sent) = self.sent.get_mut(slot(sequence)) {
            *sent = (sequence, now);
        }
    }

    /// Smooths the round-trip time with a gain of 1/8 (RFC 6298, section 2).
    pub(crate) fn echoed(&mut self, now: Instant, echo: &Echo) {
        let Some((_, sent_at)) = self
            .sent
            .get(slot(echo.sequence))
            .filter(|(sequence, _)| *sequence == echo.sequence)
        else {
            return;
        };
        let held = Duration::from_micros(u64::from(echo.age_us));
        let sample = now.since(*sent_at).saturating_sub(held);
        self.round_trip = Some(self.round_trip.map_or(sample, |old| (old * 7 + sample) / 8));
    }

    pub(crate) const fn restart(&mut self, first: Sequence) {
        self.newest = first;
        self.arrived = 1;
        self.expected = 1;
    }

    pub(crate) fn received(&mut self, sequence: Sequence) {
        if sequence > self.newest {
            let ahead = sequence.0 - self.newest.0;
            self.arrived = u32::try_from(ahead)
                .ok()
                .and_then(|n| self.arrived.checked_shl(n))
                .unwrap_or(0)
                | 1;
            self.expected = self
                .expected
                .saturating_add(u32::try_from(ahead).unwrap_or(u32::MAX))
                .min(u64::BITS);
            self.newest = sequence;
        } else if let Some(bit) = u32::try_from(self.newest.0 - sequence.0)
            .ok()
            .and_then(|n| 1_u64.checked_shl(n))
        {
            self.arrived |= bit;
        }
    }

    pub(crate) const fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The share of the peer's last 64 datagrams that did not arrive, in percent; `None` before the first.
    pub(crate) fn loss_percent(&self) -> Option<u32> {
        let mask = match self.expected {
            0 => return None,
            64.. => u64::MAX,
            n => (1 << n) - 1,
        };
        let missing = self.expected - (self.arrived & mask).count_ones();
        Some(missing * 100 / self.expected)
    }
}

fn slot(sequence: Sequence) -> usize {
    usize::try_from(sequence.0 % REMEMBERED as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Incarnation;

    fn at(us: u64) -> Instant {
        Instant::from_origin(Duration::from_micros(us))
    }

    fn echo(sequence: u64, age_us: u32) -> Echo {
        Echo {
            incarnation: Incarnation(1),
            sequence: Sequence(sequence),
            age_us,
        }
    }

    #[test]
    fn a_round_trip_is_what_the_peer_did_not_hold() {
        let mut quality = Quality::default();
        quality.sent(Sequence(7), at(1_000));
        quality.echoed(at(151_500), &echo(7, 150_000));
        assert_eq!(quality.round_trip(), Some(Duration::from_micros(500)));
    }

    #[test]
    fn round_trips_are_smoothed() {
        let mut quality = Quality::default();
        quality.sent(Sequence(1), at(0));
        quality.echoed(at(800), &echo(1, 0));
        quality.sent(Sequence(2), at(1_000));
        quality.echoed(at(2_600), &echo(2, 0));
        assert_eq!(quality.round_trip(), Some(Duration::from_micros(900)));
    }

    #[test]
    fn an_echo_of_what_is_not_remembered_says_nothing() {
        let mut quality = Quality::default();
        quality.sent(Sequence(1), at(0));
        quality.sent(Sequence(65), at(5));
        quality.echoed(at(800), &echo(1, 0));
        assert_eq!(quality.round_trip(), None);
    }

    #[test]
    fn an_age_that_cannot_be_makes_no_negative_time() {
        let mut quality = Quality::default();
        quality.sent(Sequence(1), at(0));
        quality.echoed(at(800), &echo(1, u32::MAX));
        assert_eq!(quality.round_trip(), Some(Duration::ZERO));
    }

    #[test]
    fn loss_counts_what_is_missing_among_the_last_64() {
        let mut quality = Quality::default();
        assert_eq!(quality.loss_percent(), None);
        quality.restart(Sequence(10));
        for sequence in (12..=108).step_by(2) {
            quality.received(Sequence(sequence));
        }
        assert_eq!(quality.loss_percent(), Some(50));
    }

    #[test]
    fn a_latecomer_fills_its_gap_and_a_duplicate_none() {
        let mut quality = Quality::default();
        quality.restart(Sequence(1));
        quality.received(Sequence(4));
        assert_eq!(quality.loss_percent(), Some(50));
        quality.received(Sequence(2));
        quality.received(Sequence(2));
        assert_eq!(quality.loss_percent(), Some(25));
    }

    #[test]
    fn no_jump_of_the_number_overflows() {
        let mut quality = Quality::default();
        quality.restart(Sequence(1));
        quality.received(Sequence(u64::MAX));
        quality.received(Sequence(1));
        assert_eq!(quality.loss_percent(), Some(98));
    }
}
