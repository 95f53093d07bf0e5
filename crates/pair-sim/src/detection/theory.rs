//! How often a detector should be wrong, by calculation: the simulation must agree where it can count.

use std::{collections::BTreeMap, time::Duration};

use pair_core::{Config, Member};

use super::{Loss, Profile};

/// Needless claims per day of watching that a node's detector makes at independent loss of `share` each way.
///
/// A silence begins after each life. Two heartbeats are lost, then each query fails unless it and its answer get through; the
/// peer goes on sending heartbeats, an interval after each query that reached it. The peer's own suspicion, which only helps,
/// is left out, and so is the time of a round trip.
#[must_use]
pub fn expected(profile: &Profile, share: f64) -> f64 {
    let times = Times::new(profile);
    lives_per_day(&times, share) * silence(&times, share)
}

/// Needless claims per day of watching by who waits for `beats` missed heartbeats: one that is heard, and all of those lost.
#[must_use]
pub fn expected_of_missed_beats(profile: &Profile, beats: u32, share: f64) -> f64 {
    let times = Times::new(profile);
    let exponent = i32::try_from(beats).expect("a handful of heartbeats");
    DAY_US / times.interval as f64 * (1.0 - share) * share.powi(exponent)
}

/// How often in a day a path is bad for the holdtime and longer: so often every detector with that holdtime is wrong.
#[must_use]
pub fn hopeless(profile: &Profile, loss: Loss) -> f64 {
    match loss {
        Loss::Independent { .. } => 0.0,
        Loss::Bursts { mean, .. } => {
            let bad_per_day = DAY_US / mean.as_micros() as f64 * loss.share();
            bad_per_day * (-profile.holdtime.div_duration_f64(mean)).exp()
        }
    }
}

/// What matters of a profile, in microseconds, wake-ups late by what they are on average.
struct Times {
    interval: u64,
    suspect: u64,
    gap: u64,
    holdtime: u64,
}

impl Times {
    fn new(profile: &Profile) -> Self {
        let settings = profile.settings();
        let config: Config = settings.config(Member::First);
        let late = settings.wake_late / 2;
        let micros = |time: Duration| u64::try_from(time.as_micros()).expect("a holdtime of some seconds");
        Self {
            interval: micros(config.interval + late),
            suspect: micros(config.suspect_after(config.interval) + late),
            gap: micros(config.query_gap() + late),
            holdtime: micros(config.holdtime),
        }
    }

    /// When queries leave, counted from the last life.
    fn queries(&self) -> impl Iterator<Item = u64> {
        (self.suspect..self.holdtime).step_by(usize::try_from(self.gap).expect("some milliseconds"))
    }
}

/// How often a day life comes: by one of two heartbeats, or by an answer.
fn lives_per_day(times: &Times, share: f64) -> f64 {
    let (heard, interval) = (1.0 - share, times.interval as f64);
    let answer = times.suspect as f64 + times.gap as f64 * (1.0 / (heard * heard) - 1.0);
    DAY_US / (heard * interval + share * heard * 2.0 * interval + share * share * answer)
}

/// The chance that the silence which begins with a life lasts for the holdtime.
fn silence(times: &Times, share: f64) -> f64 {
    let heard = 1.0 - share;
    // Of the silences that still last: when the peer sends its next heartbeat, and how likely that is.
    let mut lasting = BTreeMap::from([(times.interval, 1.0)]);
    for now in times.queries() {
        let mut next = BTreeMap::new();
        for (beat, chance) in lasting {
            let (beat, chance) = beats_lost(times, share, now, beat, chance);
            *next.entry(beat).or_insert(0.0) += chance * share;
            *next.entry(now + times.interval).or_insert(0.0) += chance * heard * share;
        }
        lasting = next;
    }
    let ends = lasting.into_iter();
    ends.map(|(beat, chance)| beats_lost(times, share, times.holdtime, beat, chance).1)
        .sum()
}

/// Lets the heartbeats due by `now` be lost: when the next one is due then, and how likely that is.
fn beats_lost(times: &Times, share: f64, now: u64, mut beat: u64, mut chance: f64) -> (u64, f64) {
    while beat < now {
        beat += times.interval;
        chance *= share;
    }
    (beat, chance)
}

const DAY_US: f64 = 24.0 * 60.0 * 60.0 * 1e6;
