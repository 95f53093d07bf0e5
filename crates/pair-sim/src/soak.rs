//! Many random histories, one after the other, on several threads.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Schedule, Shape, Tally};

/// How long to go on, with what, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Soak {
    /// The seed of the first history; each one after it has the next number.
    pub first_seed: u64,
    /// What every pair is like.
    pub shape: Shape,
    /// How many histories at most.
    pub histories: u64,
    /// How long at most, in real time.
    pub time: Duration,
    /// On how many threads.
    pub jobs: usize,
}

/// A history in which something went wrong.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The history as it was.
    pub schedule: Schedule,
    /// What went wrong.
    pub why: String,
}

impl Soak {
    /// Plays histories until one is broken or the time is over. Says what has happened, and the broken one with the lowest
    /// seed of those that were under way.
    #[must_use]
    pub fn run(self) -> (Tally, Option<Broken>) {
        let began = Instant::now();
        let next = AtomicU64::new(0);
        let is_broken = AtomicBool::new(false);
        let tally = Mutex::new(Tally::default());
        let broken: Mutex<Option<Broken>> = Mutex::new(None);
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    let mut mine = Tally::default();
                    while began.elapsed() < self.time && !is_broken.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= self.histories {
                            break;
                        }
                        let schedule = Schedule::random(self.first_seed.wrapping_add(number), self.shape);
                        match schedule.played() {
                            Ok(seen) => mine.add(&seen),
                            Err(why) => {
                                is_broken.store(true, Ordering::Relaxed);
                                let mut worst = broken.lock().expect("no thread panics while it holds this");
                                let is_first = worst.as_ref().is_none_or(|worst| schedule.seed < worst.schedule.seed);
                                if is_first {
                                    *worst = Some(Broken { schedule, why });
                                }
                            }
                        }
                    }
                    tally.lock().expect("no thread panics while it holds this").add(&mine);
                });
            }
        });
        let tally = tally.into_inner().expect("no thread panics while it holds this");
        (
            tally,
            broken.into_inner().expect("no thread panics while it holds this"),
        )
    }
}

impl Schedule {
    /// Plays the schedule, a panic in it included.
    ///
    /// # Errors
    /// What went wrong, in one sentence or more.
    pub fn played(&self) -> Result<Tally, String> {
        panic::catch_unwind(AssertUnwindSafe(|| self.play(false))).unwrap_or_else(|payload| {
            let message = payload.downcast_ref::<String>().map(String::as_str);
            let message = message.or_else(|| payload.downcast_ref::<&str>().copied());
            Err(format!("panicked: {}", message.unwrap_or("without a word")))
        })
    }
}
