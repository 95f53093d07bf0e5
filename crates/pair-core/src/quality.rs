//! How good the path to the peer is: round-trip time and loss, for people to read. No rule depends on it.

use core::time::Duration;

use crate::{Echo, Instant, Sequence};

/// Round-trip time and loss of the path to the peer.
#[derive(Clone, Debug)]
pub(crate) struct Quality {
    sent: [(Sequence, Instant); REMEMBERED],
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
            sent: [(Sequence(0), Instant::ZERO); REMEMBERED],
            round_trip: None,
            newest: Sequence(0),
            arrived: 0,
            expected: 0,
        }
    }
}

impl Quality {
    pub(crate) fn sent(&mut self, sequence: Sequence, now: Instant) {
        self.sent[slot(sequence)] = (sequence, now);
    }

    /// Smooths the round-trip time with a gain of 1/8 (RFC 6298, section 2).
    pub(crate) fn echoed(&mut self, now: Instant, echo: &Echo) {
        let (sequence, sent_at) = self.sent[slot(echo.sequence)];
        if sequence != echo.sequence {
            return;
        }
        let held = Duration::from_micros(u64::from(echo.age_us));
        let sample = now.since(sent_at).saturating_sub(held);
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
