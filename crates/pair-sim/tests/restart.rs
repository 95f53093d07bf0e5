//! An agent that ends says so, and its silence means nothing for a while (F-13).

use std::time::Duration;

use pair_core::{Event, Link, Reason, Rule, Verdict};
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A pair without a probe: nothing but the notice speaks for a silent peer.
fn unprobed(seed: u64) -> World {
    let settings = Settings {
        probe_timeout: None,
        ..Settings::default()
    };
    World::settled(settings, seed)
}

fn stopped(world: &mut World) -> Duration {
    world.stop(A);
    world
        .run_until(SECOND, |world| world.host(A).node().is_none())
        .expect("an agent may end soon")
}

#[test]
fn a_restart_moves_nothing_though_nothing_can_be_probed() {
    for seed in 0..20 {
        let mut world = unprobed(seed);
        for _ in 0..20 {
            stopped(&mut world);
            world.run_for(SECOND * 8);
            world.start(A);
            world.run_for(SECOND * 20);
        }
        assert_eq!(world.claims().len(), 1, "seed {seed}");
        assert!(world.is_settled());
    }
}

#[test]
fn without_a_notice_the_same_is_a_death() {
    let mut world = unprobed(1);
    world.crash(A);
    let taken = world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 1_150, "{taken:?}");
}

#[test]
fn the_agent_ends_as_soon_as_the_peer_has_heard_it() {
    let mut world = unprobed(2);
    let took = stopped(&mut world);
    assert!(took <= MS * 30, "{took:?}");
}

#[test]
fn whom_nobody_answers_may_end_after_a_tenth_of_a_second() {
    let mut world = unprobed(3);
    world.partition();
    let took = stopped(&mut world);
    assert!(took >= MS * 100 && took <= MS * 110, "{took:?}");
    world.start(A);
    world.run_for(SECOND * 5);
    let took = stopped(&mut world);
    assert!(took <= MS * 5, "nobody to wait for: {took:?}");
}

#[test]
fn a_lost_notice_is_repeated() {
    for seed in 0..20 {
        let mut world = unprobed(seed);
        world.lose_datagrams(30);
        world.run_for(MS * 10);
        stopped(&mut world);
        world.heal();
        world.run_for(SECOND * 8);
        assert!(world.holds(A), "seed {seed}");
    }
}

#[test]
fn it_is_a_reason_to_wait_and_no_alarm() {
    let mut world = unprobed(4);
    stopped(&mut world);
    world.run_for(SECOND * 5);
    let view = world.view(B);
    assert_eq!(view.link, Link::PresumedDead);
    assert_eq!(
        (view.decision.rule, view.decision.verdict),
        (Rule::F13, Verdict::Wait(Reason::PeerRestarts))
    );
}

#[test]
fn who_does_not_come_back_is_replaced_when_the_grace_is_over() {
    let mut world = unprobed(5);
    stopped(&mut world);
    let taken = world.run_until(SECOND * 20, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 9 && taken <= MS * 10_300, "{taken:?}");
}

#[test]
fn a_service_that_dies_meanwhile_ends_the_grace() {
    let mut world = World::settled(Settings::default(), 6);
    stopped(&mut world);
    world.run_for(SECOND);
    world.set_service(A, Service::Gone);
    world.run_for(SECOND * 5);
    // It served under suspicion, so F-7 has the word.
    assert_eq!(world.view(B).decision.rule, Rule::F7);
    let taken = world.run_until(SECOND * 70, |world| world.holds(B)).unwrap();
    assert!(taken <= SECOND * 60, "{taken:?}");
}

#[test]
fn a_host_that_dies_meanwhile_ends_the_grace() {
    let mut world = World::settled(Settings::default(), 7);
    world.stop(A);
    world.run_for(MS * 50);
    world.crash_host(A);
    let taken = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(taken <= SECOND * 5, "{taken:?}");
}

#[test]
fn an_agent_whose_service_is_unfit_asks_for_no_grace() {
    let mut world = World::settled(Settings::default(), 8);
    world.set_service(B, Service::Failing);
    world.set_service(A, Service::Failing);
    world.run_for(SECOND * 5);
    stopped(&mut world);
    world.run_for(SECOND * 2);
    assert!(world.view(B).restart_grace.is_zero());
}

#[test]
fn who_is_about_to_end_claims_nothing() {
    let mut world = World::settled(Settings::default(), 9);
    world.partition_oneway(A);
    world.crash_host(A);
    world.run_for(MS * 950);
    world.stop(B);
    world.run_for(SECOND);
    assert_eq!(world.claims().len(), 1);
    let paused = |event: &Event| matches!(event, Event::Decided(decision) if decision.verdict == Verdict::Wait(Reason::Stopping));
    assert!(world.told(B, paused));
}

#[test]
fn a_grace_is_given_once_per_incarnation_and_never_longer_than_a_minute() {
    let settings = Settings {
        probe_timeout: None,
        restart_grace: SECOND * 3_600,
        ..Settings::default()
    };
    let mut world = World::settled(settings, 10);
    stopped(&mut world);
    let taken = world.run_until(SECOND * 100, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 59 && taken <= SECOND * 61, "{taken:?}");
}
