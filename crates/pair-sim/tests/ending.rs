//! A node whose host AWS takes away gives up what it holds, as soon as the peer can take it (F-13).

use std::time::Duration;

use pair_core::{Ending, EndingCause, Event, OrderOutcome, Refusal, Rule};
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

const SPOT: Option<Ending> = Some(Ending {
    cause: EndingCause::Spot,
    at: None,
    hands_over: true,
});

/// What is only told.
const REBALANCE: Option<Ending> = Some(Ending {
    cause: EndingCause::Rebalance,
    at: None,
    hands_over: false,
});

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

fn claims_of(world: &World) -> Vec<Rule> {
    world.claims().iter().map(|claim| claim.decision.rule).collect()
}

#[test]
fn a_holder_whose_host_ends_hands_over_at_once_and_by_one_call() {
    for seed in 0..10 {
        let mut world = settled(seed);
        let before = world.claims().len();
        world.end_host(A, SPOT);
        let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
        assert!(taken <= SECOND, "{taken:?}");
        world.run_for(SECOND * 30);
        assert_eq!(claims_of(&world)[before..], [Rule::F6b]);
        world.crash_host(A);
        world.run_for(SECOND * 60);
        assert_eq!(world.claims().len(), before + 1);
    }
}

#[test]
fn who_is_only_told_moves_nothing() {
    let mut world = settled(1);
    let before = world.claims().len();
    world.end_host(A, REBALANCE);
    world.run_for(SECOND * 60);
    assert!(world.holds(A));
    assert_eq!(world.claims().len(), before);
    let told = world.view(B).peer.and_then(|report| report.notice);
    assert!(told.is_some(), "the peer knows");
}

#[test]
fn without_a_peer_that_can_take_it_the_address_is_served_on_and_goes_as_soon_as_one_can() {
    let mut world = settled(2);
    world.set_service(B, Service::Failing);
    world.run_for(SECOND * 2);
    world.end_host(A, SPOT);
    world.run_for(SECOND * 30);
    assert!(world.holds(A));
    world.set_service(B, Service::Serving);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
    assert!(taken <= SECOND * 2, "{taken:?}");
}

#[test]
fn two_whose_hosts_end_do_not_swap() {
    for seed in 0..10 {
        let mut world = settled(seed);
        let before = world.claims().len();
        world.end_host(B, SPOT);
        world.run_for(SECOND);
        world.end_host(A, SPOT);
        world.run_for(SECOND * 120);
        assert!(world.holds(A));
        assert_eq!(world.claims().len(), before);
    }
}

#[test]
fn who_has_left_is_given_nothing_by_a_host_that_ends() {
    let mut world = settled(3);
    world.leave(B);
    world.run_for(SECOND);
    world.end_host(A, SPOT);
    world.run_for(SECOND * 60);
    assert!(world.holds(A));
}

#[test]
fn while_it_lives_it_takes_what_a_dead_peer_held() {
    let mut world = settled(4);
    world.end_host(B, SPOT);
    world.run_for(SECOND * 5);
    world.crash_host(A);
    let taken = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(taken <= SECOND * 3, "{taken:?}");
    // And gives it back to whoever comes.
    world.restart(A);
    let given = world.run_until(SECOND * 60, |world| world.holds(A));
    assert!(given.is_some());
}

#[test]
fn a_notice_that_is_withdrawn_brings_the_node_back_and_the_address_stays() {
    let mut world = settled(5);
    world.end_host(A, SPOT);
    world.run_for(SECOND * 5);
    assert!(world.holds(B));
    let moves = world.claims().len();
    world.end_host(A, None);
    world.run_for(SECOND * 60);
    assert!(world.holds(B));
    assert_eq!(world.claims().len(), moves);
    world.crash_host(B);
    assert!(world.run_until(SECOND * 10, |world| world.holds(A)).is_some());
}

#[test]
fn a_notice_that_is_withdrawn_leaves_an_operators_leave_as_it_is() {
    let mut world = settled(6);
    world.end_host(B, SPOT);
    world.leave(B);
    world.run_for(SECOND);
    world.end_host(B, None);
    world.run_for(SECOND);
    assert!(world.view(B).is_leaving);
    world.end_host(B, SPOT);
    world.join(B);
    world.run_for(SECOND);
    let view = world.view(B);
    assert!(!view.is_leaving && view.ending == SPOT);
}

#[test]
fn a_hold_keeps_the_address_on_a_host_that_ends() {
    let mut world = settled(7);
    world.hold(A, SECOND * 20);
    world.run_for(SECOND);
    world.end_host(A, SPOT);
    world.run_for(SECOND * 15);
    assert!(world.holds(A));
    assert!(world.run_until(SECOND * 10, |world| world.holds(B)).is_some());
}

#[test]
fn the_address_is_not_ordered_to_a_host_that_ends() {
    let mut world = settled(8);
    world.end_host(B, SPOT);
    world.run_for(SECOND);
    for asked in [A, B] {
        let order = world.order(asked, B);
        world.run_until(SECOND * 40, |world| world.outcome(order).is_some());
        assert_eq!(world.outcome(order), Some(OrderOutcome::Refused(Refusal::TargetEnding)));
    }
}

#[test]
fn a_restart_of_its_agent_does_not_hide_it() {
    let mut world = settled(9);
    world.end_host(B, SPOT);
    world.run_for(SECOND);
    world.restart(B);
    world.run_for(SECOND * 5);
    assert_eq!(world.view(B).ending, SPOT);
}

#[test]
fn each_change_is_told_once() {
    let mut world = settled(10);
    for ending in [SPOT, SPOT, None, None] {
        world.end_host(B, ending);
        world.run_for(SECOND);
    }
    let told: Vec<Option<Ending>> = world
        .host(B)
        .events()
        .iter()
        .filter_map(|(_, event)| match event {
            Event::HostEnds(ending) => Some(*ending),
            _ => None,
        })
        .collect();
    assert_eq!(told, [SPOT, None]);
}
