//! The return to the preferred member, where the configuration asks for it (F-6f).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{config::BUDGET_WINDOW, running::RunTime};

/// Whether the address should come back to this node by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Preempt {
    /// `None` if this node does not preempt: not asked to, or not preferred.
    delay: Option<Duration>,
    well_since: Option<RunTime>,
    took: Option<RunTime>,
    /// A preemption was undone, or an operator has put the address elsewhere: it stays there until an order.
    is_spent: bool,
}

impl Preempt {
    pub(crate) const fn new(delay: Option<Duration>) -> Self {
        Self {
            delay,
            well_since: None,
            took: None,
            is_spent: false,
        }
    }

    /// Follows another setting; what was undone stays undone.
    pub(crate) const fn configure(&mut self, delay: Option<Duration>) {
        self.delay = delay;
    }

    /// Follows whether both nodes are up and this one is fit.
    pub(crate) fn follow(&mut self, run: RunTime, is_well: bool) {
        if is_well {
            self.well_since.get_or_insert(run);
        } else {
            self.well_since = None;
        }
    }

    /// The address was taken back.
    pub(crate) const fn took(&mut self, run: RunTime) {
        self.took = Some(run);
    }

    /// The address was lost to the peer: soon after it was taken back, that undoes it.
    pub(crate) fn lost(&mut self, run: RunTime) {
        if self.took.take().is_some_and(|took| run.since(took) < PROVEN) {
            self.is_spent = true;
        }
    }

    /// An operator has put the address elsewhere.
    pub(crate) const fn spend(&mut self) {
        self.is_spent = true;
    }

    /// An order brought the address here.
    pub(crate) const fn renew(&mut self) {
        self.is_spent = false;
    }

    /// Whether it is time to take the address back.
    pub(crate) fn is_due(&self, run: RunTime) -> bool {
        let well_for = self.well_since.map(|since| run.since(since));
        !self.is_spent
            && self
                .delay
                .is_some_and(|delay| well_for.is_some_and(|time| time >= delay))
    }
}

/// The hold after which a loss is a new story, and undoes nothing: as long as the budget looks back.
const PROVEN: Duration = BUDGET_WINDOW;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: u64) -> RunTime {
        RunTime::default() + Duration::from_secs(seconds)
    }

    fn well(delay: Option<Duration>) -> Preempt {
        let mut preempt = Preempt::new(delay);
        preempt.follow(run(0), true);
        preempt
    }

    #[test]
    fn it_is_due_when_both_were_well_for_the_delay() {
        let mut preempt = well(Some(Duration::from_secs(60)));
        assert!(!preempt.is_due(run(59)));
        assert!(preempt.is_due(run(60)));
        preempt.follow(run(61), false);
        preempt.follow(run(62), true);
        assert!(!preempt.is_due(run(121)));
    }

    #[test]
    fn who_is_not_asked_never_preempts() {
        assert!(!well(None).is_due(run(9_999)));
    }

    #[test]
    fn what_was_undone_is_not_repeated_without_an_order() {
        let mut preempt = well(Some(Duration::from_secs(60)));
        preempt.took(run(60));
        preempt.lost(run(659));
        assert!(!preempt.is_due(run(9_999)));
        preempt.renew();
        assert!(preempt.is_due(run(9_999)));
    }

    #[test]
    fn what_lasted_ten_minutes_was_not_undone() {
        let mut preempt = well(Some(Duration::from_secs(60)));
        preempt.took(run(60));
        preempt.lost(run(660));
        assert!(preempt.is_due(run(660)));
    }

    #[test]
    fn where_an_operator_put_it_it_stays() {
        let mut preempt = well(Some(Duration::from_secs(60)));
        preempt.spend();
        assert!(!preempt.is_due(run(9_999)));
    }
}
