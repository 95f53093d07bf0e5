//! How long a node that failed while it held the address must be well before it takes it from an unfit peer (F-6c).

use core::time::Duration;

use crate::{Fitness, running::RunTime};

/// Remembers failures while holding. Two nodes that check the same backends must not trade the address when those flap.
#[derive(Clone, Debug)]
pub(crate) struct Refit {
    base: Duration,
    fit_since: Option<RunTime>,
    /// The last measured fitness was unfit: "unknown" in between, after a pause, makes no second failure of it.
    is_unfit: bool,
    failures: u32,
}

/// How often the time doubles at most: 32 times the base.
const DOUBLINGS: u32 = 5;

/// Being fit for this many times the needed time forgets all failures: a guess.
const FORGIVENESS: u32 = 10;

impl Refit {
    pub(crate) const fn new(base: Duration) -> Self {
        Self {
            base,
            fit_since: None,
            is_unfit: false,
            failures: 0,
        }
    }

    /// Takes in this node's own fitness as it was measured.
    pub(crate) fn hear(&mut self, run: RunTime, measured: Fitness, is_holder: bool) {
        match measured {
            Fitness::Fit => {
                self.is_unfit = false;
                self.fit_since.get_or_insert(run);
            }
            Fitness::Unfit(_) => {
                if self.fit_for(run) >= self.needed() * FORGIVENESS {
                    self.failures = 0;
                }
                if is_holder && !self.is_unfit {
                    self.failures = self.failures.saturating_add(1);
                }
                self.is_unfit = true;
                self.fit_since = None;
            }
            Fitness::Unknown => self.fit_since = None,
        }
    }

    /// Whether this node has been fit for long enough.
    pub(crate) fn is_over(&self, run: RunTime) -> bool {
        self.failures == 0 || self.fit_for(run) >= self.needed()
    }

    fn fit_for(&self, run: RunTime) -> Duration {
        self.fit_since.map_or(Duration::ZERO, |since| run.since(since))
    }

    fn needed(&self) -> Duration {
        self.base * (1 << self.failures.saturating_sub(1).min(DOUBLINGS))
    }
}
