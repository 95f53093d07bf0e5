//! What EC2 says of the holder's instance: the only witness that needs no history (F-8).

use core::time::Duration;

use crate::{InstanceState, running::RunTime};

/// Readings of the holder's instance during one silence.
#[derive(Clone, Debug, Default)]
pub(crate) struct InstanceWatch {
    down: Option<RunTime>,
    unreachable_since: Option<RunTime>,
    unreachable_last: Option<RunTime>,
}

/// How far apart two readings of a failed reachability check must be.
const APART: Duration = Duration::from_secs(60);

impl InstanceWatch {
    /// Takes in a reading asked at `run`.
    pub(crate) fn hear(&mut self, run: RunTime, state: InstanceState) {
        self.down = None;
        match state {
            InstanceState::Down => self.down = Some(run),
            InstanceState::Running { unreachable: true } => {
                self.unreachable_since.get_or_insert(run);
                self.unreachable_last = Some(run);
            }
            InstanceState::Running { unreachable: false } | InstanceState::Stopping => {
                self.unreachable_since = None;
                self.unreachable_last = None;
            }
        }
    }

    /// Forgets everything: life came, or the holder changed.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether the holder is stopped or terminated.
    pub(crate) const fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// Whether its reachability check failed in two readings a minute apart.
    pub(crate) fn is_unreachable(&self) -> bool {
        match (self.unreachable_since, self.unreachable_last) {
            (Some(first), Some(last)) => last.since(first) >= APART,
            (None, _) | (_, None) => false,
        }
    }
}
