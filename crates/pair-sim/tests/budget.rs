//! Three moves in ten minutes are free; beyond them each waits, and none for ever (F-15).

use std::time::Duration;

use pair_core::{Alarm, InstanceState, Member, Rule, Verdict};
use pair_sim::{A, B, Owner, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

fn holder(world: &World) -> Member {
    match world.owner() {
        Some(Owner::Member(member)) => member,
        other => panic!("held by {other:?}"),
    }
}

/// Kills the holder's host, and says how long it took until the other one had the address; then brings it back.
fn death(world: &mut World) -> Duration {
    let holder = holder(world);
    world.crash_host(holder);
    let next = holder.peer();
    let taken = world.run_until(SECOND * 700, |world| world.holds(next));
    world.restart(holder);
    world.run_for(SECOND * 10);
    taken.expect("a dead holder is replaced")
}

fn after_three_deaths(seed: u64) -> World {
    let mut world = settled(seed);
    for round in 0..3 {
        let taken = death(&mut world);
        assert!(taken <= MS * 1_150, "round {round}: {taken:?}");
    }
    world
}

#[test]
fn the_fourth_death_waits_half_a_minute_and_one_holdtime_and_the_fifth_twice_that() {
    for seed in 0..10 {
        let mut world = after_three_deaths(seed);
        let fourth = death(&mut world);
        assert!(
            fourth >= SECOND * 31 && fourth <= SECOND * 34,
            "seed {seed}: {fourth:?}"
        );
        let fifth = death(&mut world);
        assert!(fifth >= SECOND * 61 && fifth <= SECOND * 64, "seed {seed}: {fifth:?}");
    }
}

#[test]
fn while_it_waits_it_is_an_alarm() {
    let mut world = after_three_deaths(1);
    let dead = holder(&world);
    world.crash_host(dead);
    world.run_for(SECOND * 10);
    let decision = world.view(dead.peer()).decision;
    assert_eq!(
        (decision.rule, decision.verdict),
        (Rule::F15, Verdict::Alarm(Alarm::OverBudget))
    );
    assert_eq!(world.view(dead.peer()).moves, 3);
}

#[test]
fn ten_minutes_later_a_move_is_free_again() {
    let mut world = after_three_deaths(2);
    world.run_for(SECOND * 600);
    let taken = death(&mut world);
    assert!(taken <= MS * 1_150, "{taken:?}");
}

#[test]
fn no_death_is_left_without_an_end_however_many_there_were() {
    let mut world = settled(3);
    for _ in 0..12 {
        let taken = death(&mut world);
        assert!(taken <= SECOND * 610, "{taken:?}");
    }
}

#[test]
fn two_whose_services_die_in_turn_do_not_trade_the_address_without_end() {
    let settings = Settings {
        refit: MS,
        ..Settings::default()
    };
    let mut world = World::settled(settings, 4);
    let before = world.moves();
    for _ in 0..600 {
        let holder = holder(&world);
        world.set_service(holder, Service::Gone);
        world.run_for(MS * 500);
        world.set_service(holder, Service::Serving);
        world.run_for(MS * 500);
    }
    assert!(world.moves() - before <= 3 + 5, "{}", world.moves() - before);
}

#[test]
fn orders_are_free() {
    let mut world = settled(5);
    for _ in 0..10 {
        let to = holder(&world).peer();
        world.order(to, to);
        let taken = world.run_until(SECOND * 2, |world| world.holds(to)).unwrap();
        assert!(taken <= MS * 200, "{taken:?}");
        world.run_for(SECOND * 5);
    }
    let taken = death(&mut world);
    assert!(taken <= MS * 1_150, "the orders cost nothing: {taken:?}");
}

#[test]
fn a_holder_that_ec2_says_is_stopped_is_replaced_beyond_the_budget() {
    let mut world = after_three_deaths(6);
    let dead = holder(&world);
    world.crash_host(dead);
    world.set_instance(dead, InstanceState::Down);
    let taken = world.run_until(SECOND * 10, |world| world.holds(dead.peer())).unwrap();
    assert!(taken <= SECOND * 3, "{taken:?}");
}

#[test]
fn an_address_that_nobody_holds_is_taken_beyond_the_budget() {
    let mut world = after_three_deaths(7);
    world.put_address(None);
    let taken = world.run_until(SECOND * 20, |world| world.owner().is_some()).unwrap();
    assert!(taken <= SECOND * 12, "{taken:?}");
}

#[test]
fn attempts_cost_nothing() {
    let mut world = settled(8);
    world.crash_host(A);
    world.deny(B);
    world.run_for(SECOND * 300);
    assert!(world.claim_requests().len() > 4 && world.holds(A));
    world.heal_api(B);
    world.run_for(SECOND * 70);
    assert!(world.holds(B) && world.view(B).moves == 1);
}
