//! The curve: every profile at every loss, by every detector.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use pair_core::Member;

use super::{Delays, Loss, MissedBeats, Profile, Rate, Watch, deaths};

/// How long to watch, and in which history.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// The seed of every history.
    pub seed: u64,
    /// How many days of watching the point of the promise gets; see [`Point::days`].
    pub days: f64,
    /// After how many needless claims a point is known well enough.
    pub enough: u64,
    /// How many peers die for each detection time.
    pub deaths: u64,
    /// On how many threads.
    pub jobs: usize,
}

/// How to tell that a peer is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detector {
    /// As paird does: by suspicion, queries, and the holdtime.
    Paird,
    /// As VRRP does: by so many missed heartbeats.
    MissedBeats(u32),
}

/// One detector of one profile at one loss.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// The profile.
    pub profile: Profile,
    /// The loss each way.
    pub loss: Loss,
    /// The detector.
    pub detector: Detector,
}

/// How long a profile takes to presume a dead peer dead.
#[derive(Clone, Debug)]
pub struct Death {
    /// The profile.
    pub profile: Profile,
    /// The loss each way.
    pub loss: Loss,
    /// From the last life to the presumption.
    pub since_life: Delays,
    /// From the death to the presumption.
    pub since_death: Delays,
}

/// All that was measured.
#[derive(Clone, Debug)]
pub struct Curve {
    /// The needless claims.
    pub rates: Vec<(Point, Rate)>,
    /// The detection times.
    pub deaths: Vec<Death>,
}

impl Curve {
    /// Measures everything. The result depends on the seed and the limits, not on the number of threads.
    #[must_use]
    pub fn measure(effort: &Effort) -> Self {
        let mut points = Point::all();
        // The longest first, so that no thread is left alone with one.
        points.sort_by(|one, other| other.cost(effort).total_cmp(&one.cost(effort)));
        let rates = spread(&points, effort.jobs, |point| (*point, point.measure(effort)));
        let dying: Vec<_> = Profile::ALL
            .into_iter()
            .flat_map(|profile| DYING_AT.map(|loss| (profile, loss)))
            .collect();
        let deaths = spread(&dying, effort.jobs, |(profile, loss)| {
            let (since_life, since_death) = deaths(profile, *loss, effort.deaths, effort.seed);
            Death {
                profile: *profile,
                loss: *loss,
                since_life,
                since_death,
            }
        });
        Self { rates, deaths }
    }

    /// The rate that was measured at a point.
    #[must_use]
    pub fn rate(&self, profile: &Profile, loss: Loss, detector: Detector) -> Option<Rate> {
        let is_it = |point: &Point| point.profile == *profile && point.loss == loss && point.detector == detector;
        self.rates.iter().find(|(point, _)| is_it(point)).map(|(_, rate)| *rate)
    }
}

impl Detector {
    /// The detectors that are compared: paird's, VRRP's, and VRRP's with the patience of the holdtime.
    #[must_use]
    pub fn of(profile: &Profile) -> [Self; 3] {
        [
            Self::Paird,
            Self::MissedBeats(3),
            Self::MissedBeats(profile.beats_in_holdtime()),
        ]
    }

    /// How long a peer must be silent for it.
    #[must_use]
    pub fn patience(self, profile: &Profile) -> Duration {
        match self {
            Self::Paird => profile.holdtime,
            Self::MissedBeats(beats) => MissedBeats::patience(profile, beats),
        }
    }
}

impl Point {
    /// Every point of the curve.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let of = |profile: Profile, loss: Loss| {
            Detector::of(&profile).map(|detector| Self {
                profile,
                loss,
                detector,
            })
        };
        let mut points = Vec::new();
        for profile in Profile::ALL {
            for loss in Loss::all() {
                points.extend(of(profile, loss));
            }
        }
        points
    }

    /// For how many days this point is watched at most: the one that the promise is about for all of them, every other for a
    /// tenth, and a profile that sends more often for fewer, since it has as many heartbeats in these.
    #[must_use]
    pub fn days(&self, effort: &Effort) -> f64 {
        let by_interval = self.profile.interval.div_duration_f64(Profile::DEFAULT.interval);
        let is_promised = self.profile == Profile::DEFAULT && self.loss == Loss::PROMISED;
        let by_weight = if is_promised { 1.0 } else { 0.1 };
        effort.days * by_interval.min(1.0) * by_weight
    }

    /// Watches until enough was counted or the days are over. A day of the pair is two days of watching, one of each node.
    #[must_use]
    pub fn measure(&self, effort: &Effort) -> Rate {
        let days = self.days(effort);
        match self.detector {
            Detector::Paird => {
                let mut watch = Watch::new(&self.profile, self.loss, effort.seed);
                watched(days, effort.enough, |time| {
                    watch.run_for(time);
                    Member::BOTH.into_iter().map(|member| watch.presumed(member)).sum()
                })
            }
            Detector::MissedBeats(beats) => {
                let listener = |from| MissedBeats::new(&self.profile, beats, self.loss, effort.seed, from);
                let mut listeners = Member::BOTH.map(listener);
                watched(days, effort.enough, |time| {
                    for listener in &mut listeners {
                        listener.run_for(time);
                    }
                    listeners.iter().map(MissedBeats::presumed).sum()
                })
            }
        }
    }

    /// Roughly how much work it is at most.
    fn cost(&self, effort: &Effort) -> f64 {
        let each = match self.detector {
            Detector::Paird => 20.0,
            Detector::MissedBeats(_) => 1.0,
        };
        each * self.days(effort) / self.profile.interval.as_secs_f64()
    }
}

/// Lets both nodes watch for an hour at a time.
fn watched(days: f64, enough: u64, mut watch_for: impl FnMut(Duration) -> u64) -> Rate {
    let (mut claims, mut hours) = (0, 0.0);
    while claims < enough && hours < days * 24.0 {
        claims = watch_for(HOUR);
        hours += 2.0;
    }
    let days = hours / 24.0;
    Rate { claims, days }
}

/// Does the same to all items, on several threads; results are in the order of the items.
fn spread<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let result = work(item);
                    results
                        .lock()
                        .expect("no thread panics while it holds this")
                        .push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panics while it holds this");
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The losses at which peers die.
const DYING_AT: [Loss; 2] = [Loss::Independent { percent: 0 }, Loss::PROMISED];
