//! The plain detector beside which paird's is judged: down after so many missed heartbeats, and no questions asked.

use std::time::Duration;

use pair_core::{Instant, Member};

use super::{Loss, Profile, path::Path};
use crate::Dice;

/// VRRP's rule: the other router is down once nothing was heard for `beats` intervals and the skew time (RFC 9568, section
/// 6.1: `Active_Down_Interval`, with three intervals).
///
/// It hears the heartbeats of the interval, on the same path in the same history as a [`Watch`](super::Watch).
#[derive(Debug)]
pub struct MissedBeats {
    interval: Duration,
    patience: Duration,
    way: Path,
    dice: Dice,
    wake_late: Duration,
    now: Instant,
    sent_at: Instant,
    /// `None` while it believes the other one dead.
    gives_up_at: Option<Instant>,
    presumed: u64,
}

impl MissedBeats {
    /// A detector that listens to `from` in the history of `seed`.
    #[must_use]
    pub fn new(profile: &Profile, beats: u32, loss: Loss, seed: u64, from: Member) -> Self {
        let settings = profile.settings();
        let mut dice = Dice::new(!seed);
        let first = Instant::ZERO + dice.between(Duration::ZERO, profile.interval);
        Self {
            interval: profile.interval,
            patience: Self::patience(profile, beats),
            way: Path::new(loss, &settings, seed, from),
            dice,
            wake_late: settings.wake_late,
            now: Instant::ZERO,
            sent_at: first,
            gives_up_at: None,
            presumed: 0,
        }
    }

    /// How long it listens in vain: `Active_Down_Interval` with `beats` in place of three.
    #[must_use]
    pub fn patience(profile: &Profile, beats: u32) -> Duration {
        profile.interval * beats + profile.interval * (256 - PRIORITY) / 256
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        self.now = self.now + time;
        while self.sent_at < self.now {
            if let Some(arrival) = self.way.carry(self.sent_at) {
                self.hear(arrival);
            }
            self.sent_at = self.sent_at + self.interval + self.dice.between(Duration::ZERO, self.wake_late);
        }
    }

    /// How often it has believed the living sender dead, silences that have ended.
    #[must_use]
    pub const fn presumed(&self) -> u64 {
        self.presumed
    }

    fn hear(&mut self, now: Instant) {
        if self.gives_up_at.is_some_and(|at| at < now) {
            self.presumed += 1;
        }
        self.gives_up_at = Some(now + self.patience);
    }
}

/// The default priority of a backup router (RFC 9568, section 5.2.4).
const PRIORITY: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the sender was believed dead by who hears its heartbeats but for `missing` ones after the fifth.
    fn presumed(missing: u64) -> u64 {
        let profile = Profile::DEFAULT;
        let loss = Loss::Independent { percent: 0 };
        let mut listener = MissedBeats::new(&profile, 3, loss, 1, Member::First);
        for beat in (0..20).filter(|beat| !(5..5 + missing).contains(beat)) {
            listener.hear(Instant::from_origin(Duration::from_millis(200 * beat)));
        }
        listener.presumed()
    }

    #[test]
    fn three_missed_heartbeats_are_down_and_two_are_not() {
        assert_eq!([2, 3, 10].map(presumed), [0, 1, 1]);
    }

    #[test]
    fn the_patience_is_that_of_the_rfc() {
        let patience = MissedBeats::patience(&Profile::DEFAULT, 3);
        assert_eq!(patience, Duration::from_micros(600_000 + 121_875));
    }

    #[test]
    fn what_is_lost_is_what_is_counted() {
        let mut listener = MissedBeats::new(
            &Profile::DEFAULT,
            3,
            Loss::Independent { percent: 30 },
            1,
            Member::First,
        );
        listener.run_for(Duration::from_secs(24 * 60 * 60));
        // 432,000 heartbeats, of which 0.7 · 0.3³ begin a silence of three.
        assert!(listener.presumed().abs_diff(8_144) < 400, "{}", listener.presumed());
    }
}
