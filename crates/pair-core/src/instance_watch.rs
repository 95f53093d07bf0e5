//! What EC2 says of the holder's instance: the only witness that needs no history (F-8).

use core::time::Duration;

use crate::{InstanceId, InstanceState, Instant, running::RunTime};

/// Readings of the holder's instance during one silence.
#[derive(Clone, Debug, Default)]
pub(crate) struct InstanceWatch {
    instance: Option<InstanceId>,
    down: Option<RunTime>,
    /// When the first and the last of the readings in a row were asked that found it unreachable.
    unreachable: Option<(Instant, Instant)>,
    /// Unreachability has moved the address in this silence, and does so once only.
    is_spent: bool,
}

/// How far apart two readings of a failed reachability check must be.
const APART: Duration = Duration::from_secs(60);

/// How long a reading of "stopped" is good for: an instance can be started again.
const DOWN_VALID: Duration = Duration::from_secs(120);

impl InstanceWatch {
    /// Takes in a reading of `instance`, asked at `asked_at`.
    pub(crate) fn hear(&mut self, run: RunTime, asked_at: Instant, instance: InstanceId, state: InstanceState) {
        if self.instance.as_ref() != Some(&instance) {
            self.instance = Some(instance);
            self.unreachable = None;
        }
        self.down = (state == InstanceState::Down).then_some(run);
        self.unreachable = match state {
            InstanceState::Running { unreachable: true } => {
                let first = self.unreachable.map_or(asked_at, |(first, _)| first);
                Some((first, asked_at))
            }
            InstanceState::Running { unreachable: false } | InstanceState::Stopping | InstanceState::Down => None,
        };
    }

    /// Forgets everything: life came.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The address changed hands: the readings spoke of the hold before. `to_me` says whether they may have moved it here.
    pub(crate) fn follow_change(&mut self, to_me: bool) {
        let is_spent = self.is_spent || (to_me && self.unreachable.is_some());
        *self = Self {
            is_spent,
            ..Self::default()
        };
    }

    /// Whether `holder` was seen stopped or terminated, not long ago.
    pub(crate) fn is_down(&self, run: RunTime, holder: Option<&InstanceId>) -> bool {
        self.is_about(holder) && self.down.is_some_and(|at| run.since(at) < DOWN_VALID)
    }

    /// Whether the reachability check of `holder` failed in two readings a minute apart, for the first time in this silence.
    pub(crate) fn is_unreachable(&self, holder: Option<&InstanceId>) -> bool {
        let lasting = self.unreachable.is_some_and(|(first, last)| last.since(first) >= APART);
        self.is_about(holder) && lasting && !self.is_spent
    }

    fn is_about(&self, holder: Option<&InstanceId>) -> bool {
        self.instance.is_some() && self.instance.as_ref() == holder
    }
}
