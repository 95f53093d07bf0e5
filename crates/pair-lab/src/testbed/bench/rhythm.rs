//! How regularly heartbeats come: of each, how much later than one interval after the one before it reached the other node.

use std::time::Duration;

use serde::Serialize;

/// The lateness of heartbeats, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Rhythm {
    pub(super) beats: usize,
    pub(super) median_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
    /// How many were at most as late as each of [`BOUNDS_MS`], and later than the bound before; those above the last come last.
    pub(super) histogram: [usize; BOUNDS_MS.len() + 1],
}

impl Rhythm {
    /// Of these arrivals; nothing if there are not two. One that is early, for it answers something, is not late.
    pub(super) fn of(arrivals: &[Duration], interval: Duration) -> Option<Self> {
        let lateness = |pair: &[Duration]| pair[1].saturating_sub(pair[0]).saturating_sub(interval);
        let mut late: Vec<Duration> = arrivals.windows(2).map(lateness).collect();
        late.sort_unstable();
        let (beats, max) = (late.len(), *late.last()?);
        let us = |late: Duration| u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let mut histogram = [0; BOUNDS_MS.len() + 1];
        for late in &late {
            let bucket = BOUNDS_MS.iter().position(|bound| us(*late) as f64 <= bound * 1000.0);
            histogram[bucket.unwrap_or(BOUNDS_MS.len())] += 1;
        }
        Some(Self {
            beats,
            median_us: us(late[beats / 2]),
            p99_us: us(late[beats * 99 / 100]),
            max_us: us(max),
            histogram,
        })
    }
}

/// The upper bounds of the histogram's buckets, in milliseconds.
pub(super) const BOUNDS_MS: [f64; 9] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_as_late_as_it_comes_after_its_interval() {
        let at = |ms: &[u64]| ms.iter().copied().map(Duration::from_millis).collect::<Vec<_>>();
        let interval = Duration::from_millis(200);
        let rhythm = Rhythm::of(&at(&[0, 200, 407, 600, 900]), interval).unwrap();
        assert_eq!((rhythm.beats, rhythm.median_us, rhythm.max_us), (4, 7000, 100_000));
        assert_eq!(rhythm.histogram, [2, 0, 0, 0, 0, 0, 1, 0, 0, 1]);
        assert_eq!(Rhythm::of(&at(&[7]), interval), None);
    }
}
