//! The journal of a node: its transitions and orders over all its runs, as `pairctl events` asks for them.

use serde::{Deserialize, Serialize};

use super::Transition;

/// A part of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// The number of the newest entry in the journal: there are more as long as that is greater than the last one here.
    pub newest: u64,
}

/// One entry: a line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, counted over all runs of the daemon.
    pub number: u64,
    /// How long the daemon had been running, in milliseconds: what is between two entries of one run, whatever the wall clock did.
    pub uptime_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub transition: Transition,
}
