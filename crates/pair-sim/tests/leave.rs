//! Who leaves the pair hands over first, claims nothing while it is away, and comes back when told (F-13).

use std::time::Duration;

use pair_core::{OrderOutcome, Reason, Refusal, Rule, Verdict};
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

#[test]
fn the_holder_hands_over_before_it_has_left() {
    for seed in 0..10 {
        let mut world = settled(seed);
        let order = world.leave(A);
        assert_eq!(world.run_to_outcome(order), OrderOutcome::Done);
        assert!(world.holds(B));
        assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6b);
    }
}

#[test]
fn who_is_away_takes_nothing_until_it_has_joined() {
    let mut world = settled(1);
    let order = world.leave(B);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Done);
    world.crash_host(A);
    world.run_for(SECOND * 300);
    assert!(world.holds(A));
    assert_eq!(world.view(B).decision.verdict, Verdict::Wait(Reason::Leaving));
    world.join(B);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
    assert!(taken <= SECOND * 2, "{taken:?}");
}

#[test]
fn two_leavers_do_not_swap() {
    let mut world = settled(2);
    let second = world.leave(B);
    assert_eq!(world.run_to_outcome(second), OrderOutcome::Done);
    world.run_for(SECOND);
    let first = world.leave(A);
    assert_eq!(
        world.run_to_outcome(first),
        OrderOutcome::Refused(Refusal::TargetLeaving)
    );
    world.run_for(SECOND * 300);
    assert_eq!(world.claims().len(), 1);
    assert!(world.holds(A) && !world.view(A).is_leaving);
}

#[test]
fn two_that_leave_at_the_same_moment_do_not_swap_either() {
    let mut world = settled(3);
    world.leave(A);
    world.leave(B);
    world.run_for(SECOND * 60);
    assert!(world.claims().len() <= 2);
}

#[test]
fn nobody_leaves_what_the_other_cannot_take() {
    let mut world = settled(4);
    world.set_service(B, Service::Failing);
    world.run_for(SECOND);
    let order = world.leave(A);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Refused(Refusal::TargetUnfit));
    assert!(!world.view(A).is_leaving);
    world.crash_host(B);
    world.run_for(SECOND * 2);
    let order = world.leave(A);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Refused(Refusal::TargetNotUp));
}

#[test]
fn the_address_is_not_ordered_to_who_is_away() {
    let mut world = settled(5);
    world.leave(B);
    world.run_for(SECOND);
    for asked in [A, B] {
        let order = world.order(asked, B);
        assert_eq!(
            world.run_to_outcome(order),
            OrderOutcome::Refused(Refusal::TargetLeaving)
        );
    }
}

#[test]
fn a_restart_does_not_bring_it_back() {
    let mut world = settled(6);
    world.leave(A);
    world.run_for(SECOND * 2);
    world.crash_host(A);
    world.run_for(SECOND * 60);
    world.restart(A);
    world.run_for(SECOND * 5);
    assert!(world.view(A).is_leaving);
    world.crash_host(B);
    world.run_for(SECOND * 10);
    assert!(world.holds(B));
    world.join(A);
    world.run_for(SECOND * 100);
    assert!(world.holds(A));
}

#[test]
fn a_leaver_that_got_the_address_all_the_same_gives_it_away() {
    let mut world = settled(7);
    world.leave(A);
    world.run_for(SECOND * 2);
    world.put_address(Some(pair_sim::Owner::Member(A)));
    let given = world.run_until(SECOND * 30, |world| world.holds(B));
    assert!(given.is_some());
}

#[test]
fn leaving_costs_no_request_but_the_one() {
    let mut world = settled(8);
    let before = world.claim_requests().len();
    world.leave(A);
    world.run_for(SECOND * 60);
    assert_eq!(world.claim_requests().len(), before + 1);
    let mut waited = MS;
    for _ in 0..5 {
        world.join(A);
        world.leave(A);
        world.run_for(waited);
        waited *= 10;
    }
    assert_eq!(world.claim_requests().len(), before + 1);
}
