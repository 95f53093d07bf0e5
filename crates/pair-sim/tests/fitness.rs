//! Whoever cannot serve gives the address away, and two that check the same backends do not trade it (F-5, F-6c).

use std::time::Duration;

use pair_core::{Reason, Rule, Verdict};
use pair_sim::{A, B, Owner, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

#[test]
fn a_dead_service_is_replaced_without_waiting_for_a_holdtime() {
    for seed in 0..20 {
        let mut world = settled(seed);
        world.set_service(A, Service::Gone);
        let taken = world.run_until(SECOND, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 200, "{taken:?}");
        assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6c);
        world.run_for(SECOND * 60);
        assert_eq!(world.claim_requests().len(), 2);
    }
}

#[test]
fn a_failing_check_must_last_for_the_unfit_delay() {
    let mut world = settled(1);
    for _ in 0..20 {
        world.set_service(A, Service::Failing);
        world.run_for(MS * 700);
        assert_eq!(world.view(B).decision.verdict, Verdict::Wait(Reason::PeerUnfitBriefly));
        world.set_service(A, Service::Serving);
        world.run_for(SECOND * 3);
    }
    assert_eq!(world.claims().len(), 1);
    world.set_service(A, Service::Failing);
    let taken = world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND && taken <= MS * 1_700, "{taken:?}");
}

#[test]
fn the_unfit_delay_is_over_when_it_is_over_and_not_at_a_beat_after_it() {
    for seed in 1..=20 {
        let mut world = settled(seed);
        world.run_for(MS * 13 * u32::try_from(seed).unwrap());
        world.set_service(A, Service::Failing);
        let is_told = |world: &World| world.view(B).decision.verdict == Verdict::Wait(Reason::PeerUnfitBriefly);
        world.run_until(SECOND, is_told).expect("it is told");
        let waited = world.run_until(SECOND * 3, |world| world.claims().len() == 2).unwrap();
        assert!((SECOND..SECOND + MS * 20).contains(&waited), "seed {seed}: {waited:?}");
    }
}

#[test]
fn an_unfit_peer_that_is_heard_one_way_is_replaced_too() {
    let mut world = settled(2);
    world.set_elastic_path(false);
    world.partition_oneway(B);
    world.run_for(SECOND * 5);
    assert_eq!(world.claims().len(), 1);
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 300, "{taken:?}");
}

#[test]
fn an_unfit_node_takes_nothing() {
    let mut world = settled(3);
    world.set_service(B, Service::Hung);
    world.run_for(SECOND);
    world.crash_host(A);
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Wait(Reason::NotFit));
    world.set_service(B, Service::Serving);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B));
    assert!(taken.is_some());
}

#[test]
fn an_unfit_node_does_not_take_what_nobody_holds() {
    let mut world = World::dark(Settings::default(), 4);
    world.set_service(A, Service::Failing);
    world.set_service(B, Service::Failing);
    world.start(A);
    world.start(B);
    world.run_for(SECOND * 60);
    assert_eq!(world.owner(), None);
    assert_eq!(world.claims().len(), 0);
    world.set_service(B, Service::Serving);
    world.run_for(SECOND * 10);
    assert!(world.holds(B));
}

#[test]
fn when_both_are_unfit_nothing_moves_until_one_is_fit() {
    let mut world = settled(5);
    world.set_service(B, Service::Failing);
    world.run_for(SECOND * 2);
    world.set_service(A, Service::Failing);
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 1);
    world.set_service(B, Service::Serving);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B));
    assert!(taken.is_some());
    world.run_for(SECOND * 600);
    assert_eq!(world.moves(), 2);
}

#[test]
fn who_was_unfit_while_it_held_must_be_fit_for_a_while_to_take_it_again() {
    let mut world = settled(6);
    world.set_service(A, Service::Gone);
    world.run_for(SECOND * 5);
    assert!(world.holds(B));
    world.set_service(A, Service::Serving);
    world.run_for(SECOND * 10);
    world.set_service(B, Service::Gone);
    world.run_for(SECOND * 30);
    assert!(world.holds(B));
    assert_eq!(world.view(A).decision.verdict, Verdict::Wait(Reason::NotRefit));
    let taken = world.run_until(SECOND * 60, |world| world.holds(A)).unwrap();
    assert!(taken >= SECOND * 15 && taken <= SECOND * 25, "{taken:?}");
}

#[test]
fn who_was_unfit_while_it_held_still_takes_it_from_a_dead_host() {
    let mut world = settled(7);
    world.set_service(A, Service::Gone);
    world.run_for(SECOND * 5);
    world.set_service(A, Service::Serving);
    world.run_for(SECOND * 10);
    assert!(world.holds(B));
    world.crash_host(B);
    let taken = world.run_until(SECOND * 3, |world| world.holds(A)).unwrap();
    assert!(taken <= MS * 1150, "{taken:?}");
}

#[test]
fn checks_that_flap_on_both_nodes_do_not_trade_the_address() {
    let mut world = settled(8);
    // The same backends, seen a little apart: both fail for two seconds in every ten, for an hour.
    for _ in 0..360 {
        world.set_service(A, Service::Failing);
        world.run_for(MS * 300);
        world.set_service(B, Service::Failing);
        world.run_for(MS * 1_700);
        world.set_service(A, Service::Serving);
        world.run_for(MS * 300);
        world.set_service(B, Service::Serving);
        world.run_for(MS * 7_700);
    }
    assert!(world.moves() <= 2, "{} moves", world.moves());
}

#[test]
fn checks_that_fail_in_turns_move_the_address_ever_more_rarely() {
    let mut world = settled(9);
    for _ in 0..360 {
        world.set_service(A, Service::Failing);
        world.run_for(SECOND * 3);
        world.set_service(A, Service::Serving);
        world.run_for(SECOND * 2);
        world.set_service(B, Service::Failing);
        world.run_for(SECOND * 3);
        world.set_service(B, Service::Serving);
        world.run_for(SECOND * 2);
    }
    assert!(world.moves() <= 3, "{} moves in an hour", world.moves());
}

#[test]
fn a_peer_that_is_fit_again_before_the_claim_is_sent_keeps_the_address() {
    let mut world = settled(10);
    world.black_hole(B);
    world.set_service(A, Service::Gone);
    world.run_for(MS * 100);
    world.set_service(A, Service::Serving);
    world.run_for(SECOND * 60);
    world.heal_api(B);
    world.run_for(SECOND * 60);
    assert_eq!(world.owner(), Some(Owner::Member(A)));
    assert!(world.is_settled());
}

#[test]
fn readiness_gates_neither_the_takeover_from_the_dead_nor_from_the_unfit() {
    let mut world = settled(11);
    world.set_ready(B, false);
    world.run_for(SECOND);
    world.set_service(A, Service::Gone);
    world.run_for(SECOND);
    assert!(world.holds(B));
    world.set_ready(A, false);
    world.set_service(A, Service::Serving);
    world.run_for(SECOND * 100);
    world.crash_host(B);
    world.run_for(SECOND * 3);
    assert!(world.holds(A));
}
