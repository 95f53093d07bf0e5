//! How soon a peer that dies is presumed dead.

use std::time::Duration;

use pair_core::{Link, Member};

use super::{Loss, Profile, Watch};
use crate::Dice;

/// How long it took each time, in order of length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delays(Vec<Duration>);

impl Delays {
    /// The shortest.
    #[must_use]
    pub fn least(&self) -> Duration {
        self.0.first().copied().unwrap_or_default()
    }

    /// The middle one.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// The longest.
    #[must_use]
    pub fn most(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Delays {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

/// Kills a peer so many times, each time in a history of its own and at any point of its interval. Returns the time from the
/// last life to the presumption, and from the death to it.
#[must_use]
pub fn deaths(profile: &Profile, loss: Loss, times: u64, seed: u64) -> (Delays, Delays) {
    let seeds = seed..seed + times;
    let (since_life, since_death): (Vec<_>, Vec<_>) = seeds.map(|seed| death(profile, loss, seed)).unzip();
    (since_life.into_iter().collect(), since_death.into_iter().collect())
}

fn death(profile: &Profile, loss: Loss, seed: u64) -> (Duration, Duration) {
    let mut watch = Watch::new(profile, loss, seed);
    watch.run_for(profile.holdtime * 4 + Dice::new(seed).between(Duration::ZERO, profile.interval));
    // Who is not seen alive cannot be seen to die.
    while matches!(watch.link(SURVIVOR), Some(Link::NeverHeard | Link::PresumedDead)) {
        watch.run_for(profile.interval);
    }
    watch.kill(SURVIVOR.peer());
    let since_death = watch
        .run_until_presumed(SURVIVOR, profile.holdtime * 2)
        .expect("the dead send nothing, so the holdtime ends");
    (watch.silence(SURVIVOR), since_death)
}

const SURVIVOR: Member = Member::Second;
