//! A zone dies under many pairs that share EC2's request limits (F-12).
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::time::Duration;

use pair_sim::{
    Calls, Limit,
    storm::{Figures, Goal, Storm},
};

fn played(pairs: u32, seed: u64) -> Figures {
    Storm::new(pairs, seed).play().unwrap()
}

#[test]
fn what_fits_into_the_burst_is_moved_at_once() {
    let figures = played(50, 1);
    assert_eq!(figures.starved, 0);
    assert_eq!(figures.claims, Calls { made: 50, throttled: 0 });
    // One under suspicion, one that reads the claim back.
    assert_eq!(
        figures.describes,
        Calls {
            made: 100,
            throttled: 0
        }
    );
    assert!(figures.waits.longest() <= figures.optimum, "{figures:?}");
}

#[test]
fn a_hundred_pairs_are_moved_within_the_goal() {
    for seed in 1..=5 {
        let figures = played(100, seed);
        assert_eq!(Goal::PROMISED.missed(&figures), [], "{figures:?}");
    }
}

#[test]
fn where_most_reads_are_throttled_the_bucket_of_claims_is_still_used_up() {
    let figures = played(200, 1);
    assert_eq!(figures.starved, 0);
    assert!(figures.ratio() <= Goal::PROMISED.ratio, "{figures:?}");
    // 6.4 claims and 27 describes before throttled calls had manners of their own.
    assert!(figures.per_address(figures.claims) <= 3.5, "{figures:?}");
    assert!(figures.per_address(figures.describes) <= 12.0, "{figures:?}");
}

#[test]
fn the_same_seed_is_the_same_storm() {
    assert_eq!(played(60, 7), played(60, 7));
    assert_ne!(played(60, 7).waits, played(60, 8).waits);
}

#[test]
fn nobody_waits_for_a_read_that_is_throttled() {
    // Somebody else uses up what the account may read.
    let storm = Storm {
        describes: Limit {
            burst: 0,
            per_second: 0,
        },
        ..Storm::new(50, 1)
    };
    let figures = storm.play().unwrap();
    assert_eq!(figures.claims, Calls { made: 50, throttled: 0 });
    assert!(figures.waits.longest() <= figures.optimum, "{figures:?}");
}

#[test]
fn a_goal_that_is_missed_is_told() {
    let nothing = Goal {
        ratio: 0.0,
        claims_per_address: 0.0,
    };
    let figures = played(10, 1);
    assert_eq!(Goal::PROMISED.missed(&figures), []);
    let told: Vec<String> = nothing.missed(&figures).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[1], "1.00 claims were made per address");
    assert!(figures.waits.percentile(50) > Duration::from_millis(700), "{figures:?}");
}
