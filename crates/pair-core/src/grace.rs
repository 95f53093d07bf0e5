//! The grace that a restarting peer is given (F-13).
//!
//! A peer that is about to restart its agent says so, and its silence means nothing for a while. Once per two-way contact: the
//! grace belongs to the incarnation that asked for it, ends when another one is heard, and is not given twice.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Incarnation, Notice, config::LONGEST_GRACE, running::RunTime};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Grace {
    given: Option<(Incarnation, RunTime)>,
}

impl Grace {
    /// Takes in whether a heartbeat of `incarnation` gave notice of a restart. `is_two_way` says that it hears this node.
    pub(crate) fn hear(&mut self, run: RunTime, incarnation: Incarnation, notice: Option<Notice>, is_two_way: bool) {
        match (notice, self.given) {
            (Some(Notice::Restarting { .. }), Some((known, _))) if known == incarnation => {}
            (Some(Notice::Restarting { grace }), _) if is_two_way => {
                self.given = Some((incarnation, run + grace.min(LONGEST_GRACE)));
            }
            // It lives and is not about to go, or the next one lives.
            (Some(Notice::Leaving | Notice::HostEnds { .. }) | None, Some(_)) => self.given = None,
            (Some(Notice::Restarting { .. } | Notice::Leaving | Notice::HostEnds { .. }) | None, _) => {}
        }
    }

    /// How long the silence of the peer still means nothing.
    pub(crate) fn remaining(&self, run: RunTime) -> Duration {
        self.given.map_or(Duration::ZERO, |(_, until)| until.since(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Incarnation = Incarnation(1);
    const NEW: Incarnation = Incarnation(2);

    fn run(seconds: u64) -> RunTime {
        RunTime::default() + Duration::from_secs(seconds)
    }

    fn restarting(seconds: u64) -> Option<Notice> {
        let grace = Duration::from_secs(seconds);
        Some(Notice::Restarting { grace })
    }

    fn remaining(grace: &Grace, seconds: u64) -> u64 {
        grace.remaining(run(seconds)).as_secs()
    }

    #[test]
    fn a_notice_gives_grace_and_the_next_incarnation_ends_it() {
        let mut grace = Grace::default();
        grace.hear(run(10), OLD, restarting(30), true);
        assert_eq!((remaining(&grace, 10), remaining(&grace, 41)), (30, 0));
        grace.hear(run(12), NEW, None, true);
        assert_eq!(remaining(&grace, 12), 0);
    }

    #[test]
    fn repeating_a_notice_does_not_prolong_it() {
        let mut grace = Grace::default();
        grace.hear(run(10), OLD, restarting(30), true);
        grace.hear(run(39), OLD, restarting(30), true);
        assert_eq!(remaining(&grace, 39), 1);
    }

    #[test]
    fn who_does_not_hear_this_node_gets_none() {
        let mut grace = Grace::default();
        grace.hear(run(10), OLD, restarting(30), false);
        assert_eq!(remaining(&grace, 10), 0);
    }

    #[test]
    fn no_grace_is_longer_than_a_minute() {
        let mut grace = Grace::default();
        grace.hear(run(0), OLD, restarting(3_600), true);
        assert_eq!(remaining(&grace, 0), 60);
    }
}
