//! The daemon's clock: the monotonic clock, counted from its own start.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pair_core::Instant;

/// Tells the core's time. Every thread of the daemon shares one origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// A clock that stands at zero.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: std::time::Instant::now(),
        }
    }

    /// The time, which never runs backwards and knows nothing of the wall clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    /// `instant` as the runtime's timers count it.
    #[must_use]
    pub fn deadline(&self, instant: Instant) -> tokio::time::Instant {
        (self.origin + Duration::from_nanos(instant.as_nanos())).into()
    }
}

/// Milliseconds of Unix time.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// The wall-clock time `ago` before now: RFC 3339, in UTC.
#[must_use]
pub fn wall_time(ago: Duration) -> String {
    let at = SystemTime::now().checked_sub(ago).unwrap_or(UNIX_EPOCH);
    jiff::Timestamp::try_from(at).map_or_else(|_| "unknown".to_owned(), |at| format!("{at:.3}"))
}

/// Whole milliseconds of a duration.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
