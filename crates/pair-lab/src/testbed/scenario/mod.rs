//! The scenarios: what is done, what is measured, what must hold.

mod agent;
mod api;
mod death;
mod host;
mod notice;
mod operation;
mod path;
mod paths;
mod replacement;
mod service;
mod several;
mod soak;
mod witness;

use std::time::Duration;

use anyhow::Result;

use super::bed::Testbed;
use super::figures::{Figures, Limit};

/// A scenario. Each run begins with a pair that is content, agents without a past and no fault.
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What is done, and what must come of it, in a sentence.
    pub(crate) story: &'static str,
    /// How often it is played unless told otherwise.
    pub(crate) runs: u32,
    /// What must hold, by the holdtime.
    pub(crate) limits: fn(Duration) -> Vec<Limit>,
    /// Does it, and measures.
    pub(crate) play: fn(&mut Testbed) -> Result<Figures>,
}

/// All of them, in the order of the documentation.
pub(crate) const ALL: [&Scenario; 42] = [
    &death::HOST_DEATH,
    &service::KILLED,
    &service::HUNG,
    &agent::KILLED,
    &service::RELOADED,
    &path::CUT,
    &path::CUT_ONE_WAY,
    &path::CUT_BLIND,
    &paths::ONE_CUT,
    &paths::ONE_FLAPPING,
    &paths::ONE_LOSSY,
    &paths::BOTH_CUT,
    &witness::CUT,
    &witness::CUT_ONE_WAY,
    &witness::ISOLATED,
    &witness::DEAD,
    &path::RANDOM_LOSS,
    &path::BURSTY_LOSS,
    &path::DELAY,
    &agent::PAUSED,
    &host::STARVED,
    &service::SATURATED,
    &api::THROTTLED,
    &api::SLOW,
    &api::REPLY_LOST,
    &api::BLACK_HOLED,
    &api::AWAY,
    &agent::STOPPED,
    &host::DISK_FULL,
    &host::IMDS_GONE,
    &operation::MOVED,
    &operation::DRILLED,
    &operation::LEFT,
    &operation::RESTARTED,
    &operation::RELOADED,
    &operation::KEY_ROTATED,
    &operation::UNREADY,
    &notice::SPOT,
    &several::MUTUAL_BACKUP,
    &replacement::REPLACED,
    &replacement::THIRD,
    &soak::SOAK,
];

/// Finds a scenario by its name.
pub(crate) fn find(name: &str) -> Option<&'static Scenario> {
    ALL.into_iter().find(|scenario| scenario.name == name)
}

/// A duration in milliseconds.
fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A count as a figure.
fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// How long a takeover may take before it counts as lost: many times every holdtime.
const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_documented() {
        let document = include_str!("../../../../../docs/LAB.md");
        let lacking = ALL.map(|scenario| format!("| `{}` | {} |", scenario.name, scenario.runs));
        let lacking: Vec<_> = lacking.into_iter().filter(|row| !document.contains(row)).collect();
        assert_eq!(lacking, Vec::<String>::new());
    }

    #[test]
    fn every_name_is_there_once() {
        let mut names = ALL.map(|scenario| scenario.name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(find("host-death").is_some() && find("no-such-thing").is_none());
    }
}
