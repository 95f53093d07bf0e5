//! The one clock that request log, ownership history and client records are read on.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Milliseconds since an origin, on the monotonic clock.
///
/// A test that takes its own readings gives the lab its origin, and the numbers compare.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    wall_at_origin: Timestamp,
}

impl Clock {
    /// Makes a clock that shows zero at `origin`, and zero for anything earlier.
    pub fn new(origin: Instant) -> Self {
        let age = SignedDuration::try_from(origin.elapsed()).unwrap_or(SignedDuration::ZERO);
        let wall_at_origin = Timestamp::now().checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { origin, wall_at_origin }
    }

    /// Reads the clock, in milliseconds.
    pub fn ms(&self) -> u64 {
        self.ms_at(Instant::now())
    }

    /// Says what the clock showed, or will show, at `instant`.
    pub fn ms_at(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.origin);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    /// Gives the wall time of a reading as RFC 3339 in UTC with milliseconds, as if the wall clock had never been set.
    pub fn wall(&self, ms: u64) -> String {
        let since = SignedDuration::try_from(Duration::from_millis(ms)).unwrap_or(SignedDuration::MAX);
        let at = self.wall_at_origin.checked_add(since).unwrap_or(Timestamp::MAX);
        format!("{at:.3}")
    }
}
