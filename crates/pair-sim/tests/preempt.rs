//! The address comes back to the preferred node by itself only where that is asked for, and not where that was undone (F-6f).

use std::time::Duration;

use pair_core::Rule;
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A pair whose first node wants the address back after a minute.
fn wanting(seed: u64) -> World {
    let settings = Settings {
        preempt_delay: Some(SECOND * 60),
        ..Settings::default()
    };
    World::settled(settings, seed)
}

fn dies_and_returns(world: &mut World) {
    world.crash_host(A);
    world.run_for(SECOND * 10);
    assert!(world.holds(B));
    world.restart(A);
}

#[test]
fn the_preferred_node_takes_it_back_once_both_were_well_for_the_delay() {
    for seed in 0..10 {
        let mut world = wanting(seed);
        dies_and_returns(&mut world);
        let taken = world.run_until(SECOND * 100, |world| world.holds(A)).unwrap();
        assert!(taken >= SECOND * 60 && taken <= SECOND * 63, "{taken:?}");
        assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6f);
        world.run_for(SECOND * 600);
        assert!(world.holds(A));
    }
}

#[test]
fn unasked_it_stays_where_it_is() {
    let mut world = World::settled(Settings::default(), 1);
    dies_and_returns(&mut world);
    world.run_for(SECOND * 7_200);
    assert!(world.holds(B));
}

#[test]
fn a_link_that_flaps_starts_the_delay_anew() {
    let mut world = wanting(2);
    dies_and_returns(&mut world);
    for _ in 0..20 {
        world.run_for(SECOND * 50);
        world.partition();
        world.run_for(MS * 700);
        world.heal();
    }
    assert!(world.holds(B));
    world.run_for(SECOND * 65);
    assert!(world.holds(A));
}

#[test]
fn what_was_undone_is_not_repeated() {
    let mut world = wanting(3);
    dies_and_returns(&mut world);
    world.run_for(SECOND * 70);
    assert!(world.holds(A));
    world.set_service(A, Service::Failing);
    world.run_for(SECOND * 5);
    assert!(world.holds(B));
    world.set_service(A, Service::Serving);
    world.run_for(SECOND * 7_200);
    assert!(world.holds(B));
    world.order(A, A);
    world.run_for(SECOND * 5);
    assert!(world.holds(A));
    world.run_for(SECOND * 700);
    dies_and_returns(&mut world);
    world.run_for(SECOND * 70);
    assert!(world.holds(A), "an order makes it good");
}

#[test]
fn where_an_operator_put_it_it_stays() {
    for asked in [A, B] {
        let mut world = wanting(4);
        world.order(asked, B);
        world.run_for(SECOND * 5);
        assert!(world.holds(B));
        world.run_for(SECOND * 7_200);
        assert!(world.holds(B), "asked {asked:?}");
    }
}

#[test]
fn whoever_left_and_joined_gets_it_back() {
    let mut world = wanting(5);
    world.leave(A);
    world.run_for(SECOND * 300);
    assert!(world.holds(B));
    world.join(A);
    world.run_for(SECOND * 65);
    assert!(world.holds(A));
}

#[test]
fn a_hold_keeps_it_back() {
    let mut world = wanting(6);
    dies_and_returns(&mut world);
    world.hold(B, SECOND * 300);
    world.run_for(SECOND * 290);
    assert!(world.holds(B));
    world.run_for(SECOND * 20);
    assert!(world.holds(A));
}

#[test]
fn an_unready_node_does_not_take_it_back() {
    let mut world = wanting(7);
    dies_and_returns(&mut world);
    world.run_for(SECOND);
    world.set_ready(A, false);
    world.run_for(SECOND * 300);
    assert!(world.holds(B));
}
