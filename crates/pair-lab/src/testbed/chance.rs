//! Chance from a seed, so that a run can be repeated.

use std::time::Duration;

/// A small generator (SplitMix64; Steele, Lea and Flood 2014): plenty for choosing faults.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// A time between both, in whole milliseconds.
    pub(crate) fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from((to - from).as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        from + Duration::from_millis(self.below(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_within_bounds() {
        let numbers = |seed| {
            let mut chance = Chance::new(seed);
            [0; 8].map(|_: u8| chance.below(100))
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
        let (from, to) = (Duration::from_millis(5), Duration::from_millis(7));
        let mut chance = Chance::new(1);
        assert!((0..100).all(|_| (from..=to).contains(&chance.between(from, to))));
    }
}
