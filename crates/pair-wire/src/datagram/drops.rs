//! Why datagrams were dropped, and how many.

use std::collections::BTreeMap;
use std::iter::Sum;

use thiserror::Error;

/// Why a datagram was dropped. It had no effect but this count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum DropCause {
    /// The socket was full: it arrived faster than datagrams were read, and nobody knows what it was.
    #[error("arrived while the socket was full")]
    Overflow,
    /// Shorter than any datagram of ours: stray traffic, or cut on its way.
    #[error("too short for a heartbeat")]
    TooShort,
    /// Longer than any datagram of ours: stray traffic.
    #[error("too long for a heartbeat")]
    TooLong,
    /// It does not begin as a datagram of ours: stray traffic.
    #[error("not a heartbeat of paird")]
    Magic,
    /// Of another pair: a wrong peer address, or a wrong pair name on one node.
    #[error("from another pair")]
    Pair,
    /// Signed with a key whose id this node does not have: a key rotation gone wrong, or one node without a key.
    #[error("signed with a key that this node does not have")]
    KeyUnknown,
    /// The tag is wrong: different secrets under one key id, damage on the way, or a forgery.
    #[error("the tag is wrong")]
    Tag,
    /// It names this node as its sender: a wrong peer address, two nodes that both believe to be this one, or a reflection.
    #[error("this node's own heartbeat")]
    OwnEcho,
    /// Signed by the peer, and still not a heartbeat: one of the two agents has a bug.
    #[error("authentic but malformed")]
    Malformed,
    /// Seen before: duplicated by the network, or replayed by somebody.
    #[error("seen before")]
    Replayed,
    /// Too far behind the newest of its incarnation to know whether it was seen before.
    #[error("far behind the newest heartbeat")]
    TooOld,
}

impl DropCause {
    /// Every cause, from the outside of a datagram to its inside.
    pub const ALL: [Self; 11] = [
        Self::Overflow,
        Self::TooShort,
        Self::TooLong,
        Self::Magic,
        Self::Pair,
        Self::KeyUnknown,
        Self::Tag,
        Self::OwnEcho,
        Self::Malformed,
        Self::Replayed,
        Self::TooOld,
    ];

    /// The cause's name in status documents, metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overflow => "overflow",
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::Magic => "magic",
            Self::Pair => "pair",
            Self::KeyUnknown => "key-unknown",
            Self::Tag => "tag",
            Self::OwnEcho => "own-echo",
            Self::Malformed => "malformed",
            Self::Replayed => "replayed",
            Self::TooOld => "too-old",
        }
    }
}

/// How many datagrams were dropped, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops([u64; DropCause::ALL.len()]);

impl Drops {
    /// Counts one more.
    pub const fn count(&mut self, cause: DropCause) {
        self.count_many(cause, 1);
    }

    /// Counts so many more.
    pub const fn count_many(&mut self, cause: DropCause, more: u64) {
        let count = &mut self.0[cause as usize];
        *count = count.saturating_add(more);
    }

    /// How many were dropped for this cause.
    #[must_use]
    pub const fn of(&self, cause: DropCause) -> u64 {
        self.0[cause as usize]
    }

    /// How many were dropped in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    /// Each cause with its count, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (DropCause, u64)> + use<> {
        let counts = self.0;
        DropCause::ALL.into_iter().zip(counts)
    }

    /// The counts by the names of their causes, zeros included: what a status document carries.
    #[must_use]
    pub fn by_name(&self) -> BTreeMap<String, u64> {
        self.iter()
            .map(|(cause, count)| (cause.name().to_owned(), count))
            .collect()
    }
}

impl<'a> Sum<&'a Self> for Drops {
    /// What several receivers have dropped together.
    fn sum<I: Iterator<Item = &'a Self>>(several: I) -> Self {
        let mut total = Self::default();
        for (cause, count) in several.flat_map(Self::iter) {
            total.count_many(cause, count);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_counter_and_a_name_of_its_own() {
        let mut drops = Drops::default();
        for (place, cause) in DropCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, place);
            for _ in 0..=place {
                drops.count(cause);
            }
        }
        let counts: Vec<u64> = drops.iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(drops.total(), 66);
        assert_eq!(drops.by_name().len(), DropCause::ALL.len());
        assert_eq!(drops.by_name()["own-echo"], 8);
        assert_eq!([&drops, &drops].into_iter().sum::<Drops>().total(), 132);
    }
}
