//! The world itself: a seed is a whole history.

use std::time::Duration;

use pair_sim::{A, Schedule, Settings, Shape, World};

fn history(seed: u64) -> String {
    let mut world = World::dark(Settings::default(), seed).traced();
    world.start(A);
    world.start(A.peer());
    world.lose_datagrams(30);
    world.run_for(Duration::from_secs(5));
    world.crash_host(A);
    world.run_for(Duration::from_secs(5));
    world.trace()
}

#[test]
fn the_same_seed_is_the_same_history_and_another_is_another() {
    assert_eq!(history(1), history(1));
    assert_ne!(history(1), history(2));
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    let faults = |seed| Schedule::random(seed, Shape::default()).faults;
    assert_eq!(faults(5), faults(5));
    assert_ne!(faults(5), faults(6));
}
