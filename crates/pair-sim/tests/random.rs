//! Random histories of faults: the invariants hold in every one of them, and when all faults are over the pair is at rest
//! with one holder.
//!
//! `PAIR_SIM_SEED=n` plays one seed with its trace, `PAIR_SIM_SEEDS=n` plays so many, `PAIR_SIM_FIRST=n` begins at another.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use pair_sim::Schedule;

#[test]
fn two_thousand_random_histories_end_with_one_holder() {
    if let Some(seed) = number("PAIR_SIM_SEED") {
        return replay(seed);
    }
    let first = number("PAIR_SIM_FIRST").unwrap_or(0);
    let end = first + number("PAIR_SIM_SEEDS").unwrap_or(2_000);
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    if let Err(why) = play(&Schedule::random(seed), false) {
                        failed.lock().unwrap().push((seed, why));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    if let Some((seed, why)) = failed.first() {
        let seeds: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
        panic!(
            "{} of {} histories failed: {seeds:?}\nseed {seed}: {why}\n{:#?}\nreplay: PAIR_SIM_SEED={seed} cargo test -p pair-sim \
             --test random -- --nocapture",
            failed.len(),
            end - first,
            Schedule::random(*seed).shrunk().faults
        );
    }
}

fn replay(seed: u64) {
    let schedule = Schedule::random(seed);
    match play(&schedule, true) {
        Ok(()) => println!("seed {seed} passes: {schedule:#?}"),
        Err(why) => panic!("seed {seed}: {why}\n{:#?}", schedule.shrunk()),
    }
}

/// Plays a schedule; a panic is a failure like any other.
fn play(schedule: &Schedule, traced: bool) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| schedule.play(traced))).unwrap_or_else(|_| Err("a node panicked".to_owned()))
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
