//! Random histories of faults: the invariants hold in every one of them, when all faults are over the pair is at rest with one
//! holder, and a last death is a failover like any other.
//!
//! `PAIR_SIM_SEED=n` begins at another seed, `PAIR_SIM_SEEDS=n` plays so many. What fails is shrunk and printed as a trace file,
//! for `pair-sim replay`.

use std::{env, thread, time::Duration};

use pair_sim::{Soak, Tally};

#[test]
fn two_thousand_random_histories_end_with_one_holder() {
    let soak = Soak {
        first_seed: number("PAIR_SIM_SEED").unwrap_or(0),
        histories: number("PAIR_SIM_SEEDS").unwrap_or(2_000),
        time: Duration::MAX,
        jobs: thread::available_parallelism().map_or(2, usize::from),
    };
    let (tally, broken) = soak.run();
    if let Some(broken) = broken {
        let shrunk = broken.schedule.clone().shrunk();
        panic!("{}\n{shrunk}", broken.why);
    }
    assert_eq!(
        tally.lacking(1),
        Vec::<String>::new(),
        "in 2,000 histories everything happens"
    );
    assert!(tally.failovers > soak.histories * 9 / 10, "{}", tally.failovers);
}

#[test]
fn the_same_seed_is_the_same_history() {
    let play = |seed| -> Tally {
        let soak = Soak {
            first_seed: seed,
            histories: 5,
            time: Duration::MAX,
            jobs: 1,
        };
        soak.run().0
    };
    assert_eq!(play(7), play(7));
    assert_ne!(play(7), play(8));
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
