//! The profiles of paird, by what a detector knows of them.

use std::time::Duration;

use crate::Settings;

/// How often a node sends, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: &'static str,
    /// How often heartbeats are sent.
    pub interval: Duration,
    /// The silence after which the peer is presumed dead.
    pub holdtime: Duration,
}

impl Profile {
    /// The one that a pair has unless it asks for another.
    pub const DEFAULT: Self = Self::new("default", 200, 1_000);

    /// The profiles, by holdtime.
    pub const ALL: [Self; 3] = [Self::new("fast", 50, 300), Self::DEFAULT, Self::new("calm", 500, 3_000)];

    const fn new(name: &'static str, interval_ms: u64, holdtime_ms: u64) -> Self {
        Self {
            name,
            interval: Duration::from_millis(interval_ms),
            holdtime: Duration::from_millis(holdtime_ms),
        }
    }

    /// The settings of a pair of this profile that does not probe.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            interval: self.interval,
            holdtime: self.holdtime,
            probe_timeout: None,
            ..Settings::default()
        }
    }

    /// How many missed heartbeats take as long as the holdtime.
    #[must_use]
    pub fn beats_in_holdtime(&self) -> u32 {
        u32::try_from(self.holdtime.as_nanos() / self.interval.as_nanos())
            .expect("a holdtime is a handful of intervals")
    }
}
