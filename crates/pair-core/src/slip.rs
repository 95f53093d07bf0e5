//! A claim of the peer that lands late and takes back what this node has won (F-11).
//!
//! ```text
//!         this node wins it            the peer has it again, within 60 s
//!  Never ──────────────────► Won ─────────────────────────────────────────► Back ──► Spent
//!                                                                                 this node wins it
//! ```
//!
//! A peer whose claim got no answer tells so. If it then falls silent, and the address goes to it although this node has won
//! it meanwhile, that was its old request, and nobody is there to serve. No channel can testify to that: none has carried
//! life since. So the address is taken again, once in a silence, and only after a long time.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{config::SETTLE, running::RunTime};

/// How far that went, in one silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Slip {
    #[default]
    Never,
    Won(RunTime),
    Back(RunTime),
    Spent,
}

impl Slip {
    /// This node has won the address.
    pub(crate) const fn won(&mut self, run: RunTime) {
        *self = match self {
            Self::Never | Self::Won(_) => Self::Won(run),
            Self::Back(_) | Self::Spent => Self::Spent,
        };
    }

    /// The peer holds what this node held. `has_told` says whether its last heartbeat told of a claim.
    pub(crate) fn lost(&mut self, run: RunTime, has_told: bool) {
        *self = match *self {
            Self::Won(since) if has_told && run.since(since) < SETTLE => Self::Back(run),
            Self::Never | Self::Won(_) => Self::Never,
            Self::Back(_) | Self::Spent => Self::Spent,
        };
    }

    /// Whether the address slipped back, and `patience` has passed since.
    pub(crate) fn testifies(self, run: RunTime, patience: Duration) -> bool {
        matches!(self, Self::Back(since) if run.since(since) >= patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn run(seconds: u64) -> RunTime {
        RunTime::default() + Duration::from_secs(seconds)
    }

    fn lost(at: u64, has_told: bool) -> Slip {
        let mut slip = Slip::default();
        slip.won(run(10));
        slip.lost(run(at), has_told);
        slip
    }

    #[test]
    fn what_slips_back_soon_to_a_peer_that_told_is_taken_after_a_long_time() {
        let slip = lost(69, true);
        assert!(!slip.testifies(run(128), PATIENCE));
        assert!(slip.testifies(run(129), PATIENCE));
    }

    #[test]
    fn a_peer_that_told_nothing_or_comes_late_has_it() {
        assert!(!lost(69, false).testifies(run(999), PATIENCE));
        assert!(!lost(70, true).testifies(run(999), PATIENCE));
    }

    #[test]
    fn what_was_never_won_cannot_slip() {
        let mut slip = Slip::default();
        slip.lost(run(20), true);
        assert!(!slip.testifies(run(999), PATIENCE));
    }

    #[test]
    fn it_is_taken_once_in_a_silence() {
        let mut slip = lost(20, true);
        slip.won(run(80));
        slip.lost(run(90), true);
        assert!(!slip.testifies(run(999), PATIENCE));
    }
}
