//! The main job: the holder dies (F-3, F-4, F-6a, F-7, F-11).

use std::time::Duration;

use pair_core::{Alarm, Rule, Verdict};
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

#[test]
fn a_dead_host_is_replaced_with_one_call_when_the_holdtime_ends() {
    for seed in 0..20 {
        let mut world = settled(seed);
        let before = world.claim_requests().len();
        world.crash_host(A);
        let decided = world
            .run_until(SECOND * 3, |world| world.claims().len() > before)
            .unwrap();
        // The last heartbeat may be an interval old; a query gap and two late wake-ups are the rest.
        assert!(decided >= Duration::from_millis(790), "seed {seed}: {decided:?}");
        assert!(decided <= Duration::from_millis(1030), "seed {seed}: {decided:?}");
        world.run_for(SECOND * 20);
        assert!(world.holds(B));
        assert_eq!(world.claim_requests().len(), before + 1);
        assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6a);
        let takeover = world.view(B).takeover.unwrap();
        assert_eq!(takeover.attempts, 1);
        let detect = takeover.detect.unwrap();
        assert!(
            detect >= SECOND && detect <= Duration::from_millis(1030),
            "seed {seed}: {detect:?}"
        );
        assert!(takeover.verify.is_some());
    }
}

#[test]
fn a_dead_agent_whose_service_lives_keeps_the_address_until_the_service_dies_too() {
    let mut world = settled(3);
    world.crash(A);
    world.run_for(SECOND * 600);
    assert_eq!(world.moves(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilentButServing));
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND * 120, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 58 && taken <= SECOND * 62, "{taken:?}");
}

#[test]
fn a_dead_service_is_replaced_without_waiting_for_a_holdtime() {
    let mut world = settled(4);
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND, |world| world.holds(B)).unwrap();
    assert!(taken < Duration::from_millis(200), "{taken:?}");
    assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6c);
}

#[test]
fn a_dead_agent_and_a_dead_service_are_a_dead_host() {
    let mut world = settled(5);
    world.crash(A);
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
    assert!(taken < Duration::from_millis(1150), "{taken:?}");
}
