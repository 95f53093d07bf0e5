//! A claim that lands late takes the address back to a node that is gone: it is taken again, once, after a long time (F-11).

use std::time::Duration;

use pair_core::{Rule, Testimony};
use pair_sim::{A, B, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

/// B cannot hear A, and sends two claims that land 20 s late; then its host dies. The first has landed, and A has had the address
/// back; then the second one has landed.
fn slipped_back(seed: u64) -> World {
    let settings = Settings {
        probe_timeout: None,
        ..Settings::default()
    };
    let mut world = World::settled(settings, seed);
    let before = world.claims().len();
    world.partition_oneway(A);
    world.land_late(B, SECOND * 20);
    world
        .run_until(SECOND * 5, |world| world.claims().len() == before + 1)
        .expect("B claims");
    world.run_for(SECOND);
    world.land_late(B, SECOND * 20);
    world
        .run_until(SECOND * 9, |world| world.claims().len() == before + 2)
        .expect("B claims again");
    world.run_for(SECOND);
    world.crash_host(B);
    world
        .run_until(SECOND * 25, |world| world.holds(B))
        .expect("the first lands");
    world
        .run_until(SECOND * 5, |world| world.holds(A))
        .expect("B announced it, so A need not wait");
    world
        .run_until(SECOND * 25, |world| world.holds(B))
        .expect("it slips back");
    world
}

#[test]
fn what_slips_back_is_taken_again_a_minute_later() {
    for seed in 0..10 {
        let mut world = slipped_back(seed);
        let taken = world.run_until(SECOND * 100, |world| world.holds(A)).unwrap();
        assert!(taken >= SECOND * 60 && taken <= SECOND * 72, "seed {seed}: {taken:?}");
        let decision = &world.claims().last().unwrap().decision;
        assert_eq!(decision.rule, Rule::F6a);
        assert_eq!(decision.evidence.testimony, Some(Testimony::SlippedBack));
    }
}

#[test]
fn a_second_time_in_the_same_silence_it_stays() {
    let mut world = slipped_back(1);
    world
        .run_until(SECOND * 100, |world| world.holds(A))
        .expect("taken again");
    world.put_address(Some(pair_sim::Owner::Member(B)));
    world.run_for(SECOND * 600);
    assert!(world.holds(B));
}

#[test]
fn a_peer_that_lives_again_keeps_it() {
    let mut world = slipped_back(2);
    world.run_for(SECOND * 30);
    world.heal();
    world.restart(B);
    world.run_for(SECOND * 300);
    assert!(world.holds(B) && world.is_settled());
}
