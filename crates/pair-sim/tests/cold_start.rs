//! Starts without a history: nobody claims on a guess, and nobody waits for ever (F-6d, F-8, F-10).

use std::time::Duration;

use pair_core::{Alarm, Holder, InstanceState, Reason, Rule, Testimony, Verdict};
use pair_sim::{A, B, Owner, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

/// Only B runs, and EC2 says that A holds the address.
fn alone_beside_a_silent_holder() -> World {
    let mut world = World::dark(Settings::default(), 1);
    world.put_address(Some(Owner::Member(A)));
    world.crash_host(A);
    world.start(B);
    world
}

#[test]
fn both_start_and_the_preferred_one_claims_once() {
    for seed in 0..50 {
        let mut world = World::new(seed);
        world.run_for(SECOND * 10);
        assert!(world.holds(A));
        assert_eq!(world.claim_requests().len(), 1);
        assert_eq!(world.claims()[0].by, A);
        assert_eq!(world.claims()[0].decision.rule, Rule::F6d);
        assert!(!world.claims()[0].allow_reassociation);
        assert!(world.is_settled());
    }
}

#[test]
fn the_second_of_the_configuration_may_be_the_preferred_one() {
    let settings = Settings {
        preferred: B,
        ..Settings::default()
    };
    let world = World::settled(settings, 1);
    assert!(world.holds(B));
    assert_eq!(world.claim_requests().len(), 1);
}

#[test]
fn the_other_one_claims_after_the_skew_when_the_preferred_one_is_not_there() {
    let mut world = World::dark(Settings::default(), 1);
    world.start(B);
    let waited = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(waited >= SECOND * 3 && waited < SECOND * 4, "{waited:?}");
    world.run_for(SECOND * 10);
    assert_eq!(world.claim_requests().len(), 1);
}

#[test]
fn the_other_one_claims_after_the_skew_when_the_preferred_one_is_unfit() {
    let mut world = World::dark(Settings::default(), 1);
    world.set_service(A, Service::Failing);
    world.start(A);
    world.start(B);
    world.run_for(SECOND * 10);
    assert!(world.holds(B));
    assert_eq!(world.claim_requests().len(), 1);
}

#[test]
fn the_other_one_claims_although_the_preferred_one_tries_in_vain() {
    let mut world = World::dark(Settings::default(), 1);
    world.deny(A);
    world.start(A);
    world.start(B);
    let waited = world.run_until(SECOND * 30, |world| world.holds(B)).unwrap();
    assert!(waited >= SECOND * 3 && waited <= SECOND * 11, "{waited:?}");
    assert_eq!(world.moves(), 1);
}

#[test]
fn the_other_one_leaves_it_to_a_preferred_one_whose_call_is_slow() {
    let mut world = World::dark(Settings::default(), 1);
    world.slow_api(A, Duration::from_millis(2_900));
    world.start(A);
    world.start(B);
    world.run_for(SECOND * 20);
    assert!(world.holds(A));
    assert_eq!(world.claim_requests().len(), 1);
}

#[test]
fn the_other_one_sees_within_two_seconds_what_the_preferred_one_took_even_if_it_does_not_hear_it() {
    let mut world = World::dark(Settings::default(), 1);
    world.partition();
    world.start(A);
    world.start(B);
    world.run_for(SECOND * 2);
    assert!(world.holds(A));
    assert_eq!(world.view(B).fact.map(|fact| fact.holder), Some(Holder::Member(A)));
    world.run_for(SECOND * 60);
    assert_eq!(world.claim_requests().len(), 1);
}

#[test]
fn two_that_claim_at_once_are_sorted_out_by_ec2() {
    // Neither hears the other: both take their turn, and EC2 lets the first one win.
    let mut world = World::dark(Settings::default(), 1);
    world.partition();
    world.slow_api(A, Duration::from_millis(2_900));
    world.start(A);
    world.start(B);
    world.run_for(SECOND * 60);
    assert!(world.claims().iter().all(|claim| !claim.allow_reassociation));
    assert_eq!(world.moves(), 1);
}

#[test]
fn alone_beside_a_silent_holder_it_alarms_and_does_not_claim() {
    let mut world = alone_beside_a_silent_holder();
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 0);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilenceUnproven));
    assert_eq!(world.view(B).decision.rule, Rule::F8);
}

#[test]
fn alone_beside_a_holder_whose_instance_is_stopped_it_claims_at_once() {
    let mut world = alone_beside_a_silent_holder();
    world.set_instance(A, InstanceState::Down);
    let waited = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(waited < SECOND * 2, "{waited:?}");
    assert_eq!(world.claim_requests().len(), 1);
    let evidence = &world.claims()[0].decision.evidence;
    assert_eq!(evidence.testimony, Some(Testimony::InstanceDown));
}

#[test]
fn alone_beside_a_holder_whose_instance_is_stopping_it_waits() {
    let mut world = alone_beside_a_silent_holder();
    world.set_instance(A, InstanceState::Stopping);
    world.run_for(SECOND * 300);
    assert_eq!(world.claims().len(), 0);
    world.set_instance(A, InstanceState::Down);
    let waited = world.run_until(SECOND * 90, |world| world.holds(B)).unwrap();
    assert!(waited <= SECOND * 62, "{waited:?}");
}

#[test]
fn without_a_fact_nobody_claims() {
    let mut world = World::dark(Settings::default(), 1);
    world.black_hole(A);
    world.black_hole(B);
    world.start(A);
    world.start(B);
    world.run_for(SECOND * 300);
    assert_eq!(world.claims().len(), 0);
    assert_eq!(world.view(A).decision.verdict, Verdict::Wait(Reason::HolderUnknown));
    world.heal_api(A);
    world.run_for(SECOND * 90);
    assert!(world.holds(A));
    assert_eq!(world.moves(), 1);
}

#[test]
fn a_holder_that_restarts_adopts_its_address_without_a_call_that_changes_anything() {
    let mut world = World::settled(Settings::default(), 1);
    for _ in 0..10 {
        world.restart(A);
        world.run_for(SECOND * 2);
        assert_eq!(world.view(A).is_active, Some(true));
        world.run_for(SECOND * 10);
        assert!(world.is_settled());
    }
    assert_eq!(world.claim_requests().len(), 1);
}

#[test]
fn both_restart_at_once_and_nothing_moves() {
    let mut world = World::settled(Settings::default(), 1);
    world.restart(A);
    world.restart(B);
    world.run_for(SECOND * 60);
    assert!(world.is_settled());
    assert_eq!(world.claim_requests().len(), 1);
}
