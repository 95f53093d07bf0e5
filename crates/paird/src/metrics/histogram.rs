//! A histogram of durations, in plain numbers.

use std::time::Duration;

/// Counts durations by upper bounds in seconds.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One for each bound, each without those below it, and one for what is longer than all.
    counts: Vec<u64>,
    sum: Duration,
}

impl Histogram {
    /// An empty one; `bounds` rise.
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: Duration::ZERO,
        }
    }

    /// Counts one more.
    pub(super) fn observe(&mut self, duration: Duration) {
        let place = self.bounds.partition_point(|bound| *bound < duration.as_secs_f64());
        self.counts[place] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together, in seconds.
    pub(super) fn sum(&self) -> f64 {
        self.sum.as_secs_f64()
    }

    /// Each upper bound with what lies between it and the one before.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(self.counts.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_once_and_a_bound_is_included() {
        let mut histogram = Histogram::new(&[0.1, 1.0]);
        for ms in [0, 100, 101, 1_000, 60_000] {
            histogram.observe(Duration::from_millis(ms));
        }
        assert_eq!(histogram.buckets(), [(0.1, 2), (1.0, 2), (f64::INFINITY, 1)]);
        assert_eq!((histogram.count(), histogram.sum()), (5, 61.201));
    }
}
