//! What EC2 says of the holder's instance: the only witness that needs no history (F-8).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{InstanceId, InstanceState, Instant, running::RunTime};

/// Readings of the holder's instance during one silence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

#[cfg(test)]
mod tests {
    use super::*;

    const UNREACHABLE: InstanceState = InstanceState::Running { unreachable: true };
    const REACHABLE: InstanceState = InstanceState::Running { unreachable: false };

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn run(seconds: u64) -> RunTime {
        RunTime::default() + Duration::from_secs(seconds)
    }

    fn id(name: &str) -> InstanceId {
        InstanceId::of(name)
    }

    fn hear(watch: &mut InstanceWatch, seconds: u64, state: InstanceState) {
        watch.hear(run(seconds), at(seconds), id("i-1"), state);
    }

    fn is_unreachable(watch: &InstanceWatch) -> bool {
        watch.is_unreachable(Some(&id("i-1")))
    }

    #[test]
    fn down_counts_at_once_for_its_instance_and_for_a_while() {
        let mut watch = InstanceWatch::default();
        hear(&mut watch, 0, InstanceState::Stopping);
        assert!(!watch.is_down(run(0), Some(&id("i-1"))));
        hear(&mut watch, 1, InstanceState::Down);
        assert!(watch.is_down(run(1), Some(&id("i-1"))));
        assert!(!watch.is_down(run(1), Some(&id("i-2"))) && !watch.is_down(run(1), None));
        assert!(!watch.is_down(run(121), Some(&id("i-1"))));
        hear(&mut watch, 2, REACHABLE);
        assert!(!watch.is_down(run(2), Some(&id("i-1"))));
    }

    #[test]
    fn unreachable_needs_two_readings_a_minute_apart_with_none_to_the_contrary() {
        let mut watch = InstanceWatch::default();
        hear(&mut watch, 0, UNREACHABLE);
        hear(&mut watch, 59, UNREACHABLE);
        assert!(!is_unreachable(&watch));
        hear(&mut watch, 60, UNREACHABLE);
        assert!(is_unreachable(&watch));
        hear(&mut watch, 61, REACHABLE);
        hear(&mut watch, 62, UNREACHABLE);
        assert!(!is_unreachable(&watch));
    }

    #[test]
    fn readings_of_two_instances_do_not_add_up() {
        let mut watch = InstanceWatch::default();
        watch.hear(run(0), at(0), id("i-2"), UNREACHABLE);
        hear(&mut watch, 70, UNREACHABLE);
        assert!(!is_unreachable(&watch));
    }

    #[test]
    fn unreachable_counts_once_in_a_silence() {
        let mut watch = InstanceWatch::default();
        hear(&mut watch, 0, UNREACHABLE);
        hear(&mut watch, 60, UNREACHABLE);
        watch.follow_change(true);
        watch.follow_change(false);
        hear(&mut watch, 120, UNREACHABLE);
        hear(&mut watch, 180, UNREACHABLE);
        assert!(!is_unreachable(&watch));
        watch.clear();
        hear(&mut watch, 240, UNREACHABLE);
        hear(&mut watch, 300, UNREACHABLE);
        assert!(is_unreachable(&watch));
    }
}
