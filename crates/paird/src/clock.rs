//! The daemon's clock: the boot clock, counted from the daemon's own start.
//!
//! It goes on while the host sleeps (clock_gettime(2), `CLOCK_BOOTTIME`): a hold must not outlast what was asked because of
//! that, and the core takes a sleep for what it is, a pause.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pair_core::Instant;
use rustix::time::{ClockId, clock_gettime};

/// Tells the core's time. Every thread of the daemon shares one origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Duration,
}

impl Clock {
    /// A clock that stands at zero.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: boot_time() }
    }

    /// The time, which never runs backwards and knows nothing of the wall clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_origin(boot_time().saturating_sub(self.origin))
    }

    /// How long the host has been up at `instant`.
    #[must_use]
    pub fn boot_time(&self, instant: Instant) -> Duration {
        self.origin + instant.since(Instant::ZERO)
    }
}

/// The time since the host booted, its sleep included.
#[must_use]
pub fn boot_time() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    // The kernel's clock starts at zero and its nanoseconds stay below a second.
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Milliseconds of Unix time.
#[must_use]
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// Microseconds of Unix time.
#[must_use]
pub fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// The wall-clock time as the name of a file, such as `20260102T030405Z`: names sort by age.
#[must_use]
pub fn file_time() -> String {
    jiff::Timestamp::try_from(SystemTime::now()).map_or_else(
        |_| "unknown".to_owned(),
        |now| now.strftime("%Y%m%dT%H%M%SZ").to_string(),
    )
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
