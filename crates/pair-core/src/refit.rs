//! How long a node that failed while it held the address must be well before it takes it from an unfit peer (F-6c).

use core::{mem, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Fitness, running::RunTime};

/// Remembers failures while holding. Two nodes that check the same backends must not trade the address when those flap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// Follows another setting; the failures are kept.
    pub(crate) const fn configure(&mut self, base: Duration) {
        self.base = base;
    }

    /// Takes in this node's own fitness as it was measured. Returns whether an unfitness has ended with this.
    pub(crate) fn hear(&mut self, run: RunTime, measured: Fitness, is_holder: bool) -> bool {
        match measured {
            Fitness::Fit => {
                self.fit_since.get_or_insert(run);
                return mem::take(&mut self.is_unfit);
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
        false
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unfitness;

    const UNFIT: Fitness = Fitness::Unfit(Unfitness::CheckFailed);

    fn run(seconds: u64) -> RunTime {
        RunTime::default() + Duration::from_secs(seconds)
    }

    fn refit() -> Refit {
        let mut refit = Refit::new(Duration::from_secs(60));
        refit.hear(run(0), Fitness::Fit, true);
        refit
    }

    #[test]
    fn who_never_failed_while_holding_need_not_wait() {
        let mut refit = refit();
        refit.hear(run(5), UNFIT, false);
        refit.hear(run(6), Fitness::Fit, false);
        assert!(refit.is_over(run(6)));
    }

    #[test]
    fn who_failed_while_holding_must_be_fit_for_as_long_as_asked() {
        let mut refit = refit();
        refit.hear(run(5), UNFIT, true);
        refit.hear(run(10), Fitness::Fit, false);
        assert!(!refit.is_over(run(69)));
        assert!(refit.is_over(run(70)));
    }

    #[test]
    fn each_failure_doubles_the_time_up_to_a_bound() {
        let mut refit = refit();
        let mut now = 0;
        for needed in [60, 120, 240, 480, 960, 1_920, 1_920, 1_920] {
            refit.hear(run(now), UNFIT, true);
            refit.hear(run(now + 1), Fitness::Fit, true);
            assert!(!refit.is_over(run(now + needed)));
            assert!(refit.is_over(run(now + 1 + needed)));
            now += needed + 2;
        }
    }

    #[test]
    fn a_failure_that_goes_on_is_one_failure_even_across_a_pause() {
        let mut refit = refit();
        refit.hear(run(1), UNFIT, true);
        refit.hear(run(2), UNFIT, true);
        refit.hear(run(3), Fitness::Unknown, true);
        refit.hear(run(4), UNFIT, true);
        refit.hear(run(5), Fitness::Fit, false);
        assert!(refit.is_over(run(65)));
    }

    #[test]
    fn unknown_is_not_fit() {
        let mut refit = refit();
        refit.hear(run(1), UNFIT, true);
        refit.hear(run(2), Fitness::Fit, false);
        refit.hear(run(50), Fitness::Unknown, false);
        refit.hear(run(51), Fitness::Fit, false);
        assert!(!refit.is_over(run(62)));
        assert!(refit.is_over(run(111)));
    }

    #[test]
    fn long_fitness_forgets_all_failures() {
        let mut refit = refit();
        for second in [1, 3, 5] {
            refit.hear(run(second), UNFIT, true);
            refit.hear(run(second + 1), Fitness::Fit, true);
        }
        // Three failures need 240 s; ten times as long forgets them.
        refit.hear(run(2_406), UNFIT, true);
        refit.hear(run(2_407), Fitness::Fit, false);
        assert!(refit.is_over(run(2_467)));
    }
}
