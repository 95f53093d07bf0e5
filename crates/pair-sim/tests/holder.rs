//! Who holds the address is what EC2 says, and a stranger keeps what it has (F-1, F-9, F-10, F-21).

use std::time::Duration;

use pair_core::{Alarm, Holder, Reason, Rule, Verdict};
use pair_sim::{A, B, Owner, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

#[test]
fn a_strangers_address_is_never_touched() {
    let mut world = settled(1);
    world.put_address(Some(Owner::Stranger));
    world.run_for(SECOND * 600);
    assert_eq!(world.view(A).decision.verdict, Verdict::Alarm(Alarm::HeldByStranger));
    assert_eq!(world.view(A).decision.rule, Rule::F9);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::HeldByStranger));
    let instance = world.view(A).fact.unwrap().instance.unwrap();
    assert_eq!(instance.as_str(), "i-0fff");
    world.crash_host(A);
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn a_strangers_address_is_not_taken_when_the_last_holder_fails_right_after() {
    let mut world = settled(2);
    world.put_address(Some(Owner::Stranger));
    world.run_for(SECOND * 20);
    world.crash_host(A);
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.owner(), Some(Owner::Stranger));
}

#[test]
fn an_address_that_a_stranger_lets_go_is_taken_by_the_preferred_one() {
    let mut world = settled(3);
    world.put_address(Some(Owner::Stranger));
    world.run_for(SECOND * 300);
    world.put_address(None);
    world.run_for(SECOND * 90);
    assert!(world.holds(A) && world.is_settled());
    assert_eq!(world.moves(), 2);
}

#[test]
fn an_address_on_the_wrong_private_ip_is_an_alarm_and_no_claim() {
    let mut world = settled(4);
    for misplaced in [A, B] {
        world.put_address(Some(Owner::Misplaced(misplaced)));
        world.run_for(SECOND * 200);
        for member in [A, B] {
            assert_eq!(world.view(member).decision.verdict, Verdict::Alarm(Alarm::Misplaced));
            assert_eq!(world.view(member).decision.rule, Rule::F1);
        }
    }
    world.crash_host(B);
    world.run_for(SECOND * 200);
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn an_address_that_somebody_drops_is_taken_again_by_the_preferred_one() {
    let mut world = settled(5);
    world.put_address(None);
    let taken = world.run_until(SECOND * 20, |world| world.holds(A)).unwrap();
    assert!(taken <= SECOND * 5, "{taken:?}");
    world.run_for(SECOND * 10);
    assert!(world.is_settled());
    assert_eq!(world.moves(), 2);
    assert!(!world.claims().last().unwrap().allow_reassociation);
}

#[test]
fn an_address_that_somebody_moves_to_the_other_one_stays_there() {
    let mut world = settled(6);
    world.put_address(Some(Owner::Member(B)));
    let learned = world.run_until(SECOND * 20, World::is_settled).unwrap();
    assert!(learned <= SECOND * 5, "{learned:?}");
    world.run_for(SECOND * 600);
    assert!(world.holds(B) && world.is_settled());
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn the_old_holder_learns_within_two_seconds_who_took_its_address() {
    for seed in 0..20 {
        let mut world = settled(seed);
        world.set_service(A, Service::Gone);
        world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
        let knows = |world: &World| world.view(A).is_active == Some(false) && world.view(B).is_active == Some(true);
        let learned = world.run_until(SECOND * 10, knows).unwrap();
        assert!(learned <= SECOND * 2, "seed {seed}: {learned:?}");
    }
}

#[test]
fn stale_reads_after_a_claim_are_not_believed() {
    for stale in [2, 5, 9] {
        let mut world = settled(7);
        world.read_stale(SECOND * stale);
        world.crash_host(A);
        world
            .run_until(SECOND * 20, |world| world.view(B).is_active == Some(true))
            .unwrap();
        for _ in 0..200 {
            world.run_for(Duration::from_millis(100));
            assert_eq!(world.view(B).is_active, Some(true), "reads {stale} s old");
        }
        assert_eq!(world.moves(), 2);
        assert!(world.view(B).takeover.unwrap().verify.is_some());
    }
}

#[test]
fn stale_reads_and_a_slow_imds_move_nothing_while_both_are_well() {
    let settings = Settings {
        imds_lag: SECOND * 5,
        ..Settings::default()
    };
    let mut world = World::settled(settings, 8);
    world.read_stale(SECOND * 5);
    world.set_service(A, Service::Gone);
    world.run_for(SECOND * 2);
    assert!(world.holds(B));
    world.set_service(A, Service::Serving);
    world.run_for(SECOND * 600);
    assert!(world.holds(B) && world.is_settled());
    assert_eq!(world.moves(), 2);
}

#[test]
fn another_address_at_the_place_to_land_is_not_knocked_off() {
    let mut world = settled(10);
    world.set_neighbour(B, true);
    world.crash_host(A);
    world.run_for(SECOND * 300);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::PlaceTaken));
    world.set_neighbour(B, false);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B));
    assert!(taken.is_some());
}

#[test]
fn without_a_place_to_land_nobody_claims() {
    let mut world = settled(9);
    world.set_place(B, false);
    world.run_for(SECOND);
    world.crash_host(A);
    world.run_for(SECOND * 60);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Wait(Reason::NoPlaceToLand));
    world.set_place(B, true);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B));
    assert!(taken.is_some());
}

#[test]
fn the_role_is_what_the_fact_says() {
    let mut world = settled(10);
    assert_eq!(world.view(A).is_active, Some(true));
    assert_eq!(world.view(B).is_active, Some(false));
    assert_eq!(world.view(B).fact.unwrap().holder, Holder::Member(A));
    // Nothing that a node could believe of itself survives its restart: only what EC2 and IMDS say does.
    world.put_address(Some(Owner::Member(B)));
    world.restart(A);
    world.restart(B);
    world.run_for(SECOND * 10);
    assert_eq!(world.view(A).is_active, Some(false));
    assert_eq!(world.view(B).is_active, Some(true));
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn in_good_times_ec2_is_hardly_asked() {
    let mut world = settled(11);
    let before = world.ec2().log().len();
    world.run_for(SECOND * 3600 * 4);
    let asked = world.ec2().log().len() - before;
    assert!(asked <= 2 * 4 * 6, "{asked} calls of two nodes in four hours");
}

/// How often the survivor of a takeover asks EC2 in an hour that begins when it has settled.
fn calls_of_a_survivor(world: &mut World) -> usize {
    world.crash_host(A);
    world.run_for(SECOND * 120);
    assert!(world.holds(B));
    let before = world.ec2().log().len();
    world.run_for(SECOND * 3600);
    world.ec2().log().len() - before
}

#[test]
fn a_holder_whose_peer_is_dead_hardly_asks_ec2_while_its_imds_confirms_the_hold() {
    let calls = calls_of_a_survivor(&mut settled(12));
    assert!(calls <= 6, "{calls} calls in an hour");
}

#[test]
fn a_holder_whose_peer_is_silent_and_whose_imds_says_nothing_asks_each_minute() {
    let mut world = settled(13);
    world.set_imds(B, false);
    let calls = calls_of_a_survivor(&mut world);
    assert!((55..=85).contains(&calls), "{calls} calls in an hour");
}
