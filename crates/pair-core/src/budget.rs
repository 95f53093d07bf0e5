//! The budget of moves: three in ten minutes, then each one waits (F-15).
//!
//! ```text
//! moves in the window   0, 1, 2   3      4      5      …
//! a claim waits         –         30 s   1 min  2 min  … at most one window
//! ```
//!
//! It counts moves from one member to the other, and never attempts. Whoever wins the address counts the move, since it knows
//! whether it was free, and tells its peer; of two lists the longer one is the more complete, so a restart forgets nothing that
//! the other node remembers. A claim waits for as long as its reason lasts, so a wait is never for ever; what it was granted is
//! used up by the next move.

use alloc::collections::VecDeque;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Few,
    config::{BUDGET_FIRST_WAIT, BUDGET_MOVES, BUDGET_WINDOW},
    running::RunTime,
};

/// The ages of moves, newest first: what a report tells of them.
pub type Moves = Few<Duration, REMEMBERED>;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// When each move leaves the window, newest first.
    moves: VecDeque<RunTime>,
    wait: Wait,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Wait {
    #[default]
    None,
    Since(RunTime),
    /// The wait is over: the next claim is free.
    Over,
}

impl Budget {
    /// This node has taken the address from the other, at a cost.
    pub(crate) fn spend(&mut self, run: RunTime) {
        self.wait = Wait::None;
        self.moves.truncate(REMEMBERED - 1);
        self.moves.push_front(run + BUDGET_WINDOW);
    }

    /// Takes in the ages of the moves that the peer remembers, newest first.
    pub(crate) fn hear(&mut self, run: RunTime, ages: &[Duration]) {
        let left = ages.iter().map(|age| BUDGET_WINDOW.saturating_sub(*age));
        let ends = left.filter(|left| !left.is_zero()).map(|left| run + left);
        let said = ends.take(REMEMBERED);
        // Counted first: each heartbeat tells them again, and few tell of more.
        if said.clone().count() > self.moves(run) {
            self.moves = said.collect();
            self.wait = Wait::None;
        }
    }

    /// The ages of the moves in the window, newest first.
    pub(crate) fn told(&self, run: RunTime) -> Moves {
        let left = self.moves.iter().map(|end| end.since(run));
        left.filter(|left| !left.is_zero())
            .map(|left| BUDGET_WINDOW.saturating_sub(left))
            .collect()
    }

    /// Follows whether a claim that costs is wanted. `lasts` says that its reason may be about to return: the silence that it
    /// came from goes on. Returns whether a wait has ended with this.
    pub(crate) fn follow(&mut self, run: RunTime, is_wanted: bool, lasts: bool) -> bool {
        match self.wait {
            Wait::None if is_wanted && self.moves(run) >= BUDGET_MOVES => self.wait = Wait::Since(run),
            Wait::Since(since) if run.since(since) >= self.wait_needed(run) => {
                self.wait = Wait::Over;
                return true;
            }
            Wait::Since(_) | Wait::Over if !is_wanted && !lasts => self.wait = Wait::None,
            Wait::None | Wait::Since(_) | Wait::Over => {}
        }
        false
    }

    /// Whether a claim that costs must wait.
    pub(crate) fn is_barring(&self, run: RunTime) -> bool {
        self.wait != Wait::Over && self.moves(run) >= BUDGET_MOVES
    }

    /// How many moves the last ten minutes saw.
    pub(crate) fn moves(&self, run: RunTime) -> usize {
        self.moves.iter().filter(|end| run < **end).count()
    }

    fn wait_needed(&self, run: RunTime) -> Duration {
        let beyond = self.moves(run).saturating_sub(BUDGET_MOVES);
        let doublings = u32::try_from(beyond).unwrap_or(DOUBLINGS).min(DOUBLINGS);
        (BUDGET_FIRST_WAIT * (1 << doublings)).min(BUDGET_WINDOW)
    }
}

/// How many moves are remembered and told: enough for the wait to reach a whole window.
const REMEMBERED: usize = 16;

/// How often the wait doubles: five times is more than a window.
const DOUBLINGS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: u64) -> RunTime {
        RunTime::default() + Duration::from_secs(seconds)
    }

    fn spent(moves: u64) -> Budget {
        let mut budget = Budget::default();
        (0..moves).for_each(|second| budget.spend(run(second)));
        budget
    }

    /// The second at which a claim wanted from `from` on is let go.
    fn waits_from(budget: &mut Budget, from: u64) -> u64 {
        (from..from + 2_000)
            .find(|second| {
                budget.follow(run(*second), true, true);
                !budget.is_barring(run(*second))
            })
            .expect("never for ever")
            - from
    }

    #[test]
    fn three_moves_are_free() {
        assert!(!spent(2).is_barring(run(10)));
        assert!(spent(3).is_barring(run(10)));
        assert!(!spent(3).is_barring(run(602)));
    }

    #[test]
    fn beyond_them_the_wait_doubles_up_to_one_window() {
        assert_eq!(waits_from(&mut spent(3), 10), 30);
        assert_eq!(waits_from(&mut spent(4), 10), 60);
        assert_eq!(waits_from(&mut spent(5), 10), 120);
        // The moves grow old while it waits.
        assert!(waits_from(&mut spent(16), 16) <= 600);
    }

    #[test]
    fn a_wait_that_is_over_is_used_up_by_the_next_move() {
        let mut budget = spent(3);
        waits_from(&mut budget, 10);
        budget.spend(run(40));
        assert!(budget.is_barring(run(40)));
        assert_eq!(waits_from(&mut budget, 40), 60);
    }

    #[test]
    fn what_the_peer_remembers_counts_where_it_remembers_more() {
        let seconds = |ages: &[u64]| ages.iter().map(|age| Duration::from_secs(*age)).collect::<Moves>();
        let mut budget = Budget::default();
        budget.hear(run(5), &seconds(&[1, 200, 599, 600]));
        assert_eq!(budget.told(run(5)), seconds(&[1, 200, 599]));
        assert!(budget.is_barring(run(5)) && !budget.is_barring(run(6)));
        budget.hear(run(7), &seconds(&[0]));
        assert_eq!(budget.told(run(7)), seconds(&[3, 202]));
    }

    #[test]
    fn a_peer_that_tells_of_very_many_is_heard_up_to_a_bound() {
        let mut budget = Budget::default();
        budget.hear(run(5), &[Duration::ZERO; 1_000]);
        assert_eq!(budget.moves(run(5)), 16);
    }

    #[test]
    fn a_wait_whose_reason_has_gone_is_forgotten() {
        let mut budget = spent(3);
        budget.follow(run(10), true, true);
        budget.follow(run(30), false, true);
        budget.follow(run(35), false, false);
        assert_eq!(waits_from(&mut budget, 36), 30);
    }
}
