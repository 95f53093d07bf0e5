//! Running time: the clock on which silence is counted (F-4).
//!
//! ```text
//! real     |----|----|----------- pause -----------|----|
//! wake-up  ^    ^    ^                             ^    ^
//! running  0    1    2                             3    4     (in steps of at most one interval)
//! ```
//!
//! A node that did not run has no right to an opinion about the time that it missed. The clock advances only on a wake-up,
//! by the real time since the one before but at most by one step. Datagrams that waited in the socket are handled before the
//! wake-up, so a pause never looks like the peer's silence. Starvation slows the clock and never stops it.

use core::{ops::Add, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Instant;

/// A point in running time: how long this node has run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RunTime(Duration);

impl RunTime {
    /// Running time from `earlier` to this point; zero if `earlier` is later.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for RunTime {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

/// Counts running time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RunningClock {
    advanced_at: Instant,
    elapsed: RunTime,
    step: Duration,
    /// The step from the next wake-up on.
    next_step: Duration,
}

impl RunningClock {
    /// A clock that stands at zero at `now` and advances by at most `step` per wake-up.
    pub(crate) const fn new(now: Instant, step: Duration) -> Self {
        Self {
            advanced_at: now,
            elapsed: RunTime(Duration::ZERO),
            step,
            next_step: step,
        }
    }

    /// Advances to `now` and returns how much of the real time was not counted.
    pub(crate) fn advance(&mut self, now: Instant) -> Duration {
        let passed = now.since(self.advanced_at);
        self.elapsed = self.at(now);
        self.advanced_at = self.advanced_at.max(now);
        let missed = passed.saturating_sub(self.step);
        self.step = self.next_step;
        missed
    }

    /// Advances by at most `step` per wake-up from the next one on: the sleep under way was begun by the step before.
    pub(crate) const fn set_step(&mut self, step: Duration) {
        self.next_step = step;
    }

    /// The running time of the last wake-up: what every decision reads.
    pub(crate) const fn now(&self) -> RunTime {
        self.elapsed
    }

    /// When the next wake-up must come, so that no running time is lost.
    pub(crate) fn next_step(&self) -> Instant {
        self.advanced_at + self.step
    }

    /// Whether something that happens at `now` should have come after a wake-up: this node is late, and what waits in the
    /// socket may outdate what it is told.
    pub(crate) fn is_late(&self, now: Instant) -> bool {
        now.since(self.advanced_at) > self.step
    }

    /// The real time since the last wake-up.
    pub(crate) const fn asleep(&self, now: Instant) -> Duration {
        now.since(self.advanced_at)
    }

    /// The real time of the last wake-up.
    pub(crate) const fn woken_at(&self) -> Instant {
        self.advanced_at
    }

    /// The running time of something that happens at `now`, between two wake-ups.
    pub(crate) fn at(&self, now: Instant) -> RunTime {
        self.elapsed + now.since(self.advanced_at).min(self.step)
    }

    /// When the clock will show `point` if this node runs without a pause.
    pub(crate) fn when(&self, point: RunTime) -> Instant {
        self.advanced_at + point.since(self.elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(200);

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    #[test]
    fn a_pause_counts_as_one_step() {
        let mut clock = RunningClock::new(at(0), STEP);
        assert_eq!(clock.advance(at(200)), Duration::ZERO);
        assert_eq!(clock.advance(at(10_200)), Duration::from_millis(9_800));
        assert_eq!(clock.now(), RunTime(Duration::from_millis(400)));
    }

    #[test]
    fn another_step_counts_from_the_next_wake_up_on() {
        let mut clock = RunningClock::new(at(0), STEP);
        clock.set_step(STEP / 4);
        assert!(!clock.is_late(at(200)));
        assert_eq!(clock.advance(at(200)), Duration::ZERO);
        assert!(clock.is_late(at(251)));
        assert_eq!(clock.advance(at(400)), Duration::from_millis(150));
        assert_eq!(clock.now(), RunTime(Duration::from_millis(250)));
    }

    #[test]
    fn a_clock_that_steps_back_does_not_turn_time_back() {
        let mut clock = RunningClock::new(at(1_000), STEP);
        clock.advance(at(1_100));
        clock.advance(at(500));
        assert_eq!(clock.now(), RunTime(Duration::from_millis(100)));
    }

    #[test]
    fn a_deadline_is_told_in_real_time() {
        let mut clock = RunningClock::new(at(0), STEP);
        clock.advance(at(150));
        assert_eq!(clock.when(RunTime(Duration::from_millis(250))), at(250));
    }
}
