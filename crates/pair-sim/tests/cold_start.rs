//! Starts without a history (F-6d, F-8, F-10).

use std::time::Duration;

use pair_core::{Alarm, InstanceState, Rule, Verdict};
use pair_sim::{A, B, Owner, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn both_start_and_the_preferred_one_claims_once() {
    let mut world = World::new(1);
    world.run_for(SECOND * 10);
    assert!(world.holds(A));
    assert_eq!(world.claim_requests().len(), 1);
    assert_eq!(world.claims()[0].by, A);
    assert_eq!(world.claims()[0].decision.rule, Rule::F6d);
    assert!(!world.claims()[0].allow_reassociation);
    assert!(world.is_settled());
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
    world.run_for(SECOND * 30);
    assert!(world.holds(B));
}

#[test]
fn alone_beside_a_dead_holder_that_runs_nothing_is_claimed() {
    let mut world = World::dark(Settings::default(), 1);
    world.put_address(Some(Owner::Member(A)));
    world.crash_host(A);
    world.start(B);
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 0);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilenceUnproven));
    assert_eq!(world.view(B).decision.rule, Rule::F8);
}

#[test]
fn alone_beside_a_holder_whose_instance_is_stopped_it_is_claimed() {
    let mut world = World::dark(Settings::default(), 1);
    world.put_address(Some(Owner::Member(A)));
    world.crash_host(A);
    world.set_instance(A, InstanceState::Down);
    world.start(B);
    let waited = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(waited < SECOND * 2, "{waited:?}");
    assert_eq!(world.claim_requests().len(), 1);
}
