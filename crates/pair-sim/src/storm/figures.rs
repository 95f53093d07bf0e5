//! What a storm was like, in numbers.

use std::time::Duration;

use super::Storm;
use crate::{Action, Calls, Limits};

/// The outcome of one storm.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// How many pairs there were.
    pub pairs: u32,
    /// From what seed it came.
    pub seed: u64,
    /// The time until the last address can be moved if no call is wasted.
    pub optimum: Duration,
    /// How long each address had to wait from the death of its holder.
    pub waits: Waits,
    /// How many addresses were not moved at all before the storm was given up.
    pub starved: u32,
    /// The calls that would move an address.
    pub claims: Calls,
    /// The calls that read something.
    pub describes: Calls,
}

/// The waits of one storm, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits(Vec<Duration>);

impl Figures {
    pub(super) fn new(storm: &Storm, waits: Vec<Duration>, limits: &Limits) -> Self {
        let moved = u32::try_from(waits.len()).unwrap_or(u32::MAX);
        let sum = |one: Action, other: Action| {
            let (one, other) = (limits.calls(one), limits.calls(other));
            Calls {
                made: one.made + other.made,
                throttled: one.throttled + other.throttled,
            }
        };
        Self {
            pairs: storm.pairs,
            seed: storm.seed,
            optimum: storm.optimum(),
            waits: Waits::new(waits),
            starved: storm.pairs.saturating_sub(moved),
            claims: sum(Action::Associate, Action::Disassociate),
            describes: sum(Action::DescribeAddresses, Action::DescribeInstanceStatus),
        }
    }

    /// How many times the optimum the last address took.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.waits.longest().div_duration_f64(self.optimum)
    }

    /// So many calls per address.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "nobody counts 2^52 calls")]
    pub fn per_address(&self, calls: Calls) -> f64 {
        calls.made as f64 / f64::from(self.pairs)
    }
}

impl Waits {
    /// These waits.
    #[must_use]
    pub fn new(mut waits: Vec<Duration>) -> Self {
        waits.sort_unstable();
        Self(waits)
    }

    /// The wait that so many percent do not exceed; zero if nobody waited.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    /// The longest wait; zero if nobody waited.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.percentile(100)
    }

    /// All of them, the shortest first.
    #[must_use]
    pub fn sorted(&self) -> &[Duration] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_waits() {
        let waits = Waits::new([3, 1, 2, 4].map(Duration::from_secs).to_vec());
        let seconds = [1, 50, 75, 99, 100].map(|percent| waits.percentile(percent).as_secs());
        assert_eq!(seconds, [1, 2, 3, 4, 4]);
        assert_eq!(Waits::default().longest(), Duration::ZERO);
    }
}
