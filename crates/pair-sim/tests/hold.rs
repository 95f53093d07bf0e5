//! A hold keeps the address where it is, for no longer than asked, on the nodes that it reached (F-14).

use std::time::Duration;

use pair_core::{Alarm, Event, OrderOutcome, Reason, Rule, Verdict};
use pair_sim::{A, B, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

/// A pair with a hold of this length, given at the passive node or at the active one, heard by both.
fn held(seed: u64, length: Duration) -> World {
    let mut world = settled(seed);
    world.hold(if seed.is_multiple_of(2) { A } else { B }, length);
    world.run_for(SECOND);
    for member in [A, B] {
        assert!(world.view(member).hold_left().is_some(), "{member:?}");
    }
    world
}

#[test]
fn under_hold_a_dead_holder_is_not_replaced_and_that_is_an_alarm() {
    for seed in 0..10 {
        let mut world = held(seed, SECOND * 600);
        world.crash_host(A);
        world.run_for(SECOND * 500);
        assert_eq!(world.moves(), 1, "seed {seed}");
        let decision = world.view(B).decision;
        assert_eq!(
            (decision.rule, decision.verdict),
            (Rule::F14, Verdict::Alarm(Alarm::OnHold))
        );
    }
}

#[test]
fn when_it_ends_a_claim_needs_one_fresh_holdtime() {
    for seed in 0..10 {
        let mut world = held(seed, SECOND * 60);
        world.crash_host(A);
        world.run_for(SECOND * 58 + MS * 990);
        assert!(world.holds(A), "seed {seed}");
        let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
        assert!(taken >= SECOND && taken <= MS * 1_600, "seed {seed}: {taken:?}");
    }
}

#[test]
fn it_can_be_ended_early_at_either_node() {
    for seed in 0..10 {
        let mut world = held(seed, SECOND * 3_600);
        let asked = if seed < 5 { A } else { B };
        world.end_hold(asked);
        world.run_for(SECOND * 2);
        for member in [A, B] {
            assert!(world.view(member).hold_left().is_none(), "{member:?}");
        }
        world.crash_host(A);
        let taken = world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 1_150, "seed {seed}: {taken:?}");
    }
}

#[test]
fn ended_while_the_holder_is_dead_it_lets_the_address_go_after_one_holdtime() {
    let mut world = held(0, SECOND * 3_600);
    world.crash_host(A);
    world.run_for(SECOND * 100);
    world.end_hold(B);
    world.run_for(MS * 900);
    assert!(world.holds(A));
    let decision = world.view(B).decision;
    assert_eq!(decision.verdict, Verdict::Wait(Reason::PeerSuspect));
    let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 700, "{taken:?}");
}

#[test]
fn an_order_passes_it() {
    let mut world = held(1, SECOND * 600);
    let order = world.order(B, B);
    world.run_for(SECOND * 2);
    assert_eq!(world.outcome(order), Some(OrderOutcome::Done));
    assert!(world.holds(B) && world.view(B).hold_left().is_some());
}

#[test]
fn leaving_passes_it() {
    let mut world = held(1, SECOND * 600);
    let order = world.leave(A);
    world.run_for(SECOND * 2);
    assert_eq!(world.outcome(order), Some(OrderOutcome::Done));
    assert!(world.holds(B));
}

#[test]
fn a_restart_does_not_forget_it_and_does_not_prolong_it() {
    let mut world = held(0, SECOND * 100);
    for member in [A, B] {
        world.crash(member);
    }
    world.run_for(SECOND * 50);
    for member in [A, B] {
        world.start(member);
    }
    world.run_for(SECOND * 20);
    assert!(world.view(A).hold_left().is_some() && world.view(B).hold_left().is_some());
    world.run_for(SECOND * 30);
    assert!(world.view(A).hold_left().is_none() && world.view(B).hold_left().is_none());
}

#[test]
fn a_node_that_lost_its_disk_learns_it_from_the_other() {
    let mut world = held(0, SECOND * 600);
    world.lose_disk(B);
    world.restart(B);
    world.run_for(SECOND * 5);
    assert!(world.view(B).hold_left().is_some());
}

#[test]
fn in_a_split_it_binds_the_nodes_that_it_reached() {
    let mut world = settled(3);
    world.partition();
    world.set_elastic_path(false);
    world.hold(A, SECOND * 600);
    world.run_for(SECOND * 200);
    assert!(world.holds(B), "B never heard of it");
    world.heal();
    world.run_for(SECOND * 5);
    assert!(world.view(B).hold_left().is_some(), "and learns of it when it hears A");
}

#[test]
fn nobodys_address_is_not_taken_either() {
    let mut world = held(0, SECOND * 30);
    world.put_address(None);
    world.run_for(SECOND * 25);
    assert_eq!(world.owner(), None);
    world.run_for(SECOND * 20);
    assert!(world.holds(A));
}

#[test]
fn its_beginning_and_its_end_are_told_once() {
    let mut world = held(0, SECOND * 20);
    world.run_for(SECOND * 60);
    for member in [A, B] {
        let told = world.host(member).events().iter();
        let told = told.filter(|(_, event)| matches!(event, Event::HoldChanged { .. }));
        assert_eq!(told.count(), 2, "{member:?}");
    }
}
