//! An operator's order: valid 30 s, one claim, refused with a reason (F-6b, F-6e, F-19).

use std::time::Duration;

use pair_core::{OrderId, OrderOutcome, Refusal, Rule};
use pair_sim::{A, ApiFault, B, Owner, Scope, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

fn refusal_of(world: &mut World, order: OrderId) -> Refusal {
    world.run_for(MS);
    match world.outcome(order) {
        Some(OrderOutcome::Refused(refusal)) => refusal,
        other => panic!("not refused at once: {other:?}"),
    }
}

#[test]
fn the_node_that_shall_take_it_obeys() {
    let mut world = settled(1);
    let order = world.order(B, B);
    let taken = world.run_until(SECOND * 2, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 200, "{taken:?}");
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Done);
    assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6e);
    world.run_for(SECOND * 60);
    assert_eq!(world.claim_requests().len(), 2);
    assert!(world.is_settled());
}

#[test]
fn the_holder_yields_and_the_other_one_takes_it() {
    let mut world = settled(2);
    let order = world.order(A, B);
    let taken = world.run_until(SECOND * 2, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 300, "{taken:?}");
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Done);
    assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6b);
    world.run_for(SECOND * 60);
    assert_eq!(world.claim_requests().len(), 2);
}

#[test]
fn back_and_forth_by_order_and_never_by_itself() {
    let mut world = settled(3);
    for round in 0..6 {
        let (holder, next) = if round % 2 == 0 { (A, B) } else { (B, A) };
        let asked = if round < 3 { holder } else { next };
        let order = world.order(asked, next);
        assert_eq!(world.run_to_outcome(order), OrderOutcome::Done, "round {round}");
        world.run_for(SECOND * 600);
        assert!(world.holds(next) && world.is_settled());
    }
    assert_eq!(world.claim_requests().len(), 7);
}

#[test]
fn where_it_is_already_nothing_is_done() {
    let mut world = settled(4);
    for asked in [A, B] {
        let order = world.order(asked, A);
        assert_eq!(world.run_to_outcome(order), OrderOutcome::AlreadyThere);
    }
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn a_second_order_is_refused_while_one_is_under_way() {
    let mut world = settled(5);
    world.black_hole(B);
    world.order(B, B);
    world.run_for(SECOND);
    let second = world.order(B, B);
    assert_eq!(refusal_of(&mut world, second), Refusal::Busy);
}

#[test]
fn without_a_known_holder_an_order_is_refused() {
    let mut world = World::dark(Settings::default(), 6);
    world.black_hole(A);
    world.start(A);
    world.run_for(SECOND);
    let order = world.order(A, A);
    assert_eq!(refusal_of(&mut world, order), Refusal::HolderUnknown);
}

#[test]
fn an_order_takes_nothing_from_a_stranger_or_from_a_wrong_place() {
    let mut world = settled(7);
    for owner in [Owner::Stranger, Owner::Misplaced(A)] {
        world.put_address(Some(owner));
        world.run_for(SECOND * 100);
        let order = world.order(B, B);
        assert_eq!(refusal_of(&mut world, order), Refusal::NotOurs);
    }
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn who_does_not_hold_it_cannot_give_it_away() {
    let mut world = World::dark(Settings::default(), 8);
    world.set_service(A, Service::Failing);
    world.set_service(B, Service::Failing);
    world.start(A);
    world.start(B);
    world.run_for(SECOND * 5);
    let order = world.order(A, B);
    assert_eq!(refusal_of(&mut world, order), Refusal::AskTheOther);
}

#[test]
fn a_target_that_is_not_up_fit_and_ready_is_refused() {
    let mut world = settled(9);
    world.set_service(B, Service::Failing);
    world.run_for(SECOND);
    let order = world.order(A, B);
    assert_eq!(refusal_of(&mut world, order), Refusal::TargetUnfit);
    let order = world.order(B, B);
    assert_eq!(refusal_of(&mut world, order), Refusal::TargetUnfit);
    world.set_service(B, Service::Serving);
    world.set_ready(B, false);
    world.run_for(SECOND);
    let order = world.order(A, B);
    assert_eq!(refusal_of(&mut world, order), Refusal::TargetNotReady);
    let order = world.order(B, B);
    assert_eq!(refusal_of(&mut world, order), Refusal::TargetNotReady);
    world.crash_host(B);
    world.run_for(SECOND * 2);
    let order = world.order(A, B);
    assert_eq!(refusal_of(&mut world, order), Refusal::TargetNotUp);
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn an_order_that_cannot_be_carried_out_expires() {
    let mut world = settled(10);
    world.deny(B);
    let given = world.now();
    let order = world.order(B, B);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Expired);
    let lasted = world.now().since(given);
    assert!(lasted >= SECOND * 30 && lasted <= SECOND * 31, "{lasted:?}");
    world.heal_api(B);
    world.run_for(SECOND * 120);
    assert!(world.holds(A));
    assert_eq!(world.moves(), 1);
}

#[test]
fn a_yield_that_nobody_takes_expires_and_the_holder_goes_on() {
    let mut world = settled(11);
    world.deny(B);
    let order = world.order(A, B);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Expired);
    world.heal_api(B);
    world.run_for(SECOND * 120);
    assert!(world.holds(A) && world.is_settled());
}

#[test]
fn an_order_waits_for_a_node_that_becomes_unready_and_obeys_when_it_is_ready() {
    let mut world = settled(12);
    world.throttle(B);
    let order = world.order(B, B);
    world.run_for(MS * 100);
    world.set_ready(B, false);
    world.heal_api(B);
    world.run_for(SECOND * 5);
    assert!(world.holds(A));
    world.set_ready(B, true);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Done);
}

#[test]
fn two_contrary_orders_do_not_make_the_address_swing() {
    let mut world = settled(13);
    let to_b = world.order(B, B);
    world.run_until(SECOND, |world| world.holds(B)).unwrap();
    let to_a = world.order(A, A);
    world.run_for(SECOND * 60);
    assert!(world.outcome(to_b).is_some() && world.outcome(to_a).is_some());
    assert!(world.moves() <= 3, "{} moves", world.moves());
    assert!(world.is_settled());
}

#[test]
fn an_order_is_one_claim_although_nothing_has_shown_it_yet() {
    let mut world = settled(15);
    world.set_api(B, Some((ApiFault::BlackHole, Scope::Reads)));
    world.order(B, B);
    let knows = |world: &World| world.view(A).is_active == Some(false);
    world.run_until(SECOND * 5, knows).unwrap();
    let to_a = world.order(A, A);
    assert_eq!(world.run_to_outcome(to_a), OrderOutcome::Done);
    world.run_for(SECOND * 60);
    assert!(world.holds(A));
    assert_eq!(world.moves(), 3);
}

#[test]
fn an_order_for_what_nobody_holds_does_not_wait_for_the_skew() {
    let mut world = World::dark(Settings::default(), 16);
    world.set_service(A, Service::Failing);
    world.start(A);
    world.start(B);
    world.run_for(MS * 1_500);
    let before = world.ec2().log().len();
    let order = world.order(B, B);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Done);
    let taken = world.claims()[0].at.since(world.host(B).events()[0].0);
    assert!(taken <= MS * 1_900, "{taken:?}");
    assert!(world.ec2().log().len() - before <= 6);
}

#[test]
fn an_order_takes_the_address_from_a_silent_peer_that_still_serves() {
    let mut world = settled(14);
    world.crash(A);
    world.run_for(SECOND * 30);
    assert!(world.holds(A));
    let order = world.order(B, B);
    assert_eq!(world.run_to_outcome(order), OrderOutcome::Done);
    assert!(world.holds(B));
}

#[test]
fn by_force_readiness_is_not_asked_for_and_fitness_is() {
    for asked in [A, B] {
        let mut world = settled(9);
        world.set_ready(B, false);
        world.run_for(SECOND);
        let order = world.order(asked, B);
        assert_eq!(refusal_of(&mut world, order), Refusal::TargetNotReady);
        let order = world.order_by_force(asked, B);
        assert_eq!(world.run_to_outcome(order), OrderOutcome::Done, "asked at {asked:?}");
        assert!(world.holds(B));

        let mut world = settled(9);
        world.set_service(B, Service::Failing);
        world.run_for(SECOND);
        let order = world.order_by_force(asked, B);
        assert_eq!(refusal_of(&mut world, order), Refusal::TargetUnfit);
    }
}
