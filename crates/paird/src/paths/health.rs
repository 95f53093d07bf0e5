//! How a path is, by what came by it.

use std::collections::BTreeMap;
use std::time::Duration;

use pair_core::{Incarnation, Instant, Prefix};

use crate::config::AddressIndex;

/// How a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathState {
    /// Nothing has come by it since this daemon started.
    NeverHeard,
    /// Heartbeats come by it.
    Alive,
    /// None has come by it for a holdtime.
    Silent,
    /// Its own address is not on this host.
    Closed,
}

/// A path is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It has fallen silent.
    FellSilent,
    /// It speaks, for the first time or again.
    Speaks,
}

/// What came by a path.
#[derive(Debug, Default)]
pub(super) struct Health {
    heard_at: Option<Instant>,
    is_alive: bool,
    /// What was seen of the numbers of each address's heartbeats.
    spans: BTreeMap<usize, Span>,
}

/// The newest numbers of one run of the peer, and which of them came by this path.
#[derive(Debug)]
struct Span {
    incarnation: Incarnation,
    newest: u64,
    /// The lowest bit is the newest number.
    seen: u64,
    /// How many of the bits mean something.
    length: u32,
}

impl Health {
    pub(super) fn hear(&mut self, now: Instant, address: AddressIndex, prefix: &Prefix) {
        self.heard_at = Some(now);
        let number = prefix.sequence.0;
        match self.spans.get_mut(&address.0) {
            Some(span) if span.incarnation == prefix.incarnation => span.note(number),
            Some(_) | None => {
                let span = Span {
                    incarnation: prefix.incarnation,
                    newest: number,
                    seen: 1,
                    length: 1,
                };
                self.spans.insert(address.0, span);
            }
        }
    }

    /// Whether nothing came by it for so long.
    pub(super) fn is_silent(&self, now: Instant, holdtime: Duration) -> bool {
        self.heard_at.is_none_or(|at| now.since(at) >= holdtime)
    }

    pub(super) fn follow(&mut self, now: Instant, holdtime: Duration) -> Option<Change> {
        let was_alive = self.is_alive;
        self.is_alive = !self.is_silent(now, holdtime);
        match (was_alive, self.is_alive) {
            (true, false) => Some(Change::FellSilent),
            (false, true) => Some(Change::Speaks),
            (true, true) | (false, false) => None,
        }
    }

    pub(super) const fn state(&self) -> PathState {
        match (self.heard_at, self.is_alive) {
            (None, _) => PathState::NeverHeard,
            (Some(_), true) => PathState::Alive,
            (Some(_), false) => PathState::Silent,
        }
    }

    pub(super) const fn heard_at(&self) -> Option<Instant> {
        self.heard_at
    }

    pub(super) fn loss_percent(&self) -> Option<u32> {
        let sent: u32 = self.spans.values().map(|span| span.length).sum();
        let seen: u32 = self.spans.values().map(|span| span.seen.count_ones()).sum();
        (sent > 0).then(|| sent.saturating_sub(seen) * 100 / sent)
    }
}

impl Span {
    fn note(&mut self, number: u64) {
        if let Some(ahead) = number.checked_sub(self.newest).filter(|ahead| *ahead > 0) {
            let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.length = self.length.saturating_add(ahead).min(u64::BITS);
            self.newest = number;
        } else if let Ok(behind) = u32::try_from(self.newest - number)
            && behind < self.length
        {
            self.seen |= 1 << behind;
        }
    }
}

#[cfg(test)]
mod tests {
    use pair_core::{Member, Sequence};

    use super::*;

    const HOLDTIME: Duration = Duration::from_secs(1);

    fn prefix(incarnation: u64, sequence: u64) -> Prefix {
        Prefix {
            sender: Member::Second,
            incarnation: Incarnation(incarnation),
            sequence: Sequence(sequence),
            echo: None,
        }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    fn heard(numbers: impl IntoIterator<Item = u64>) -> Health {
        let mut health = Health::default();
        for number in numbers {
            health.hear(at(number), AddressIndex(0), &prefix(1, number));
        }
        health
    }

    #[test]
    fn what_does_not_come_is_lost_unless_it_comes_later() {
        assert_eq!(Health::default().loss_percent(), None);
        assert_eq!(heard(1..=100).loss_percent(), Some(0));
        assert_eq!(heard((2..=200).step_by(2)).loss_percent(), Some(50));
        assert_eq!(heard([1, 3, 2, 4]).loss_percent(), Some(0));
        assert_eq!(heard([1, 1_000]).loss_percent(), Some(98));
        assert_eq!(heard([1, 4]).loss_percent(), Some(50));
    }

    #[test]
    fn a_new_run_of_the_peer_begins_anew() {
        let mut health = heard([1, 50]);
        health.hear(at(60), AddressIndex(0), &prefix(2, 1));
        assert_eq!(health.loss_percent(), Some(0));
    }

    #[test]
    fn each_change_is_told_once() {
        let mut health = Health::default();
        assert_eq!(
            (health.state(), health.follow(at(0), HOLDTIME)),
            (PathState::NeverHeard, None)
        );
        health.hear(at(100), AddressIndex(0), &prefix(1, 1));
        assert_eq!(health.follow(at(100), HOLDTIME), Some(Change::Speaks));
        assert_eq!(health.follow(at(1_099), HOLDTIME), None);
        assert_eq!(health.follow(at(1_100), HOLDTIME), Some(Change::FellSilent));
        assert_eq!(health.state(), PathState::Silent);
        assert_eq!(health.follow(at(5_000), HOLDTIME), None);
    }
}
