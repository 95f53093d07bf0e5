//! What the network does, and what each node makes of it (F-2, F-3, F-4, F-18).

use std::time::Duration;

use pair_core::{Event, Incarnation, Input, Link, Rule};
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A settled pair whose nodes cannot reach the Elastic IP, so that the network between them is all they have.
fn settled(seed: u64) -> World {
    let mut world = World::settled(Settings::default(), seed);
    world.set_elastic_path(false);
    world
}

#[test]
fn both_ends_report_a_one_way_link() {
    let mut world = settled(1);
    world.partition_oneway(B);
    world.run_for(SECOND * 3);
    assert_eq!(world.view(B).link, Link::OneWay);
    assert_eq!(world.view(A).link, Link::PresumedDead);
    world.heal();
    world.run_for(SECOND);
    assert_eq!((world.view(A).link, world.view(B).link), (Link::Up, Link::Up));
}

#[test]
fn a_passive_node_that_hears_the_holder_one_way_claims_nothing() {
    let mut world = settled(2);
    world.partition_oneway(B);
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 1);
    assert!(world.holds(A));
}

#[test]
fn a_holder_that_is_not_heard_loses_the_address_once_and_takes_it_back_never() {
    let mut world = settled(3);
    world.partition_oneway(A);
    world.run_for(SECOND * 3600);
    assert!(world.holds(B));
    assert_eq!(world.moves(), 2);
    assert_eq!(world.view(A).is_active, Some(false));
    world.heal();
    world.run_for(SECOND * 600);
    assert!(world.is_settled() && world.holds(B));
    assert_eq!(world.moves(), 2);
}

#[test]
fn a_cut_between_two_healthy_nodes_moves_the_address_at_most_once() {
    for seed in 0..20 {
        let mut world = settled(seed);
        world.partition();
        world.run_for(SECOND * 3600);
        assert_eq!(world.moves(), 2, "seed {seed}");
        world.heal();
        world.run_for(SECOND * 60);
        assert!(world.is_settled(), "seed {seed}");
        assert_eq!(world.moves(), 2, "seed {seed}");
    }
}

#[test]
fn after_a_cut_is_healed_the_next_death_is_served() {
    let mut world = settled(4);
    for round in 0..4 {
        world.partition();
        world.run_for(SECOND * 60);
        world.heal();
        world.run_for(SECOND * 10);
        assert!(world.is_settled());
        let holder = if world.holds(A) { A } else { B };
        world.crash_host(holder);
        let taken = world.run_until(SECOND * 3, |world| world.holds(holder.peer())).unwrap();
        assert!(taken <= MS * 1150, "round {round}: {taken:?}");
        world.restart(holder);
        // Long enough for the budget to look back on nothing (F-15).
        world.run_for(SECOND * 600);
    }
}

#[test]
fn twenty_percent_loss_for_an_hour_moves_nothing() {
    loss_for_an_hour(20);
}

#[test]
fn thirty_percent_loss_for_an_hour_moves_nothing() {
    loss_for_an_hour(30);
}

fn loss_for_an_hour(percent: u8) {
    let mut world = settled(u64::from(percent));
    world.lose_datagrams(percent);
    world.run_for(SECOND * 3600);
    assert_eq!(world.claims().len(), 1);
    let presumed_dead = |event: &Event| {
        matches!(
            event,
            Event::LinkChanged {
                to: Link::PresumedDead,
                ..
            }
        )
    };
    assert!(!world.told(A, presumed_dead) && !world.told(B, presumed_dead));
    let shown = world.view(B).loss_percent.expect("B hears A");
    assert!(
        (u32::from(percent) / 2..=u32::from(percent) * 2).contains(&shown),
        "{shown}"
    );
}

#[test]
fn doubled_delayed_and_overtaking_datagrams_move_nothing() {
    let mut world = settled(5);
    world.duplicate_datagrams(50);
    world.delay_datagrams(Duration::ZERO, MS * 250);
    world.run_for(SECOND * 3600);
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn port_unreachable_is_suspicion_and_never_death() {
    let mut world = settled(6);
    for _ in 0..600 {
        world.inject(B, Input::PeerUnreachable);
        world.run_for(MS * 100);
    }
    assert_eq!(world.claims().len(), 1);
    let suspect = |event: &Event| matches!(event, Event::LinkChanged { to: Link::Suspect, .. });
    assert!(world.told(B, suspect));
    world.run_for(SECOND);
    assert_eq!(world.view(B).link, Link::Up);
}

#[test]
fn a_recording_of_an_earlier_incarnation_brings_nobody_back_to_life() {
    let mut world = settled(7);
    world.record();
    world.run_for(SECOND * 30);
    let recording: Vec<_> = world.recorded(A).cloned().collect();
    world.restart(A);
    world.run_for(SECOND * 5);
    world.crash_host(A);
    let mut replayed = recording.iter().cycle();
    let mut left = 30;
    while !world.holds(B) && left > 0 {
        let (_, heartbeat) = replayed.next().unwrap();
        world.inject(B, Input::Heartbeat(heartbeat.clone()));
        world.run_for(MS * 50);
        left -= 1;
    }
    assert!(world.holds(B));
    assert_eq!(world.claims().last().unwrap().decision.rule, Rule::F6a);
}

#[test]
fn a_recording_of_the_present_incarnation_is_no_life_either() {
    let mut world = settled(8);
    world.record();
    world.run_for(SECOND * 30);
    let recording: Vec<_> = world.recorded(A).cloned().collect();
    world.crash_host(A);
    for (_, heartbeat) in recording.iter().take(26) {
        world.inject(B, Input::Heartbeat(heartbeat.clone()));
        world.run_for(MS * 50);
    }
    assert!(world.holds(B));
}

#[test]
fn an_incarnation_that_does_not_echo_is_not_believed() {
    let mut world = settled(9);
    world.record();
    world.run_for(SECOND);
    let (_, mut forged) = world.recorded(A).last().unwrap().clone();
    world.crash_host(A);
    forged.prefix.incarnation = Incarnation(4711);
    for _ in 0..26 {
        // It even echoes, but an incarnation that this node never had.
        forged.prefix.sequence = forged.prefix.sequence.next();
        forged.prefix.echo = forged.prefix.echo.map(|mut echo| {
            echo.incarnation = Incarnation(4712);
            echo
        });
        world.inject(B, Input::Heartbeat(forged.clone()));
        world.run_for(MS * 50);
    }
    assert!(world.holds(B));
}

#[test]
fn a_heartbeat_of_ones_own_has_no_effect() {
    let mut world = settled(10);
    world.record();
    world.run_for(SECOND);
    let (_, own) = world.recorded(B).last().unwrap().clone();
    let before = world.view(B);
    world.inject(B, Input::Heartbeat(own));
    let after = world.view(B);
    assert_eq!((before.heard_age, before.peer), (after.heard_age, after.peer));
}

#[test]
fn a_peer_of_another_version_lives_and_says_nothing() {
    let settings = Settings {
        icmp: false,
        ..Settings::default()
    };
    let mut world = World::settled(settings, 11);
    world.record();
    world.run_for(SECOND);
    let (_, mut newer) = world.recorded(A).last().unwrap().clone();
    world.crash(A);
    world.set_service(A, Service::Gone);
    newer.report = None;
    for _ in 0..100 {
        newer.prefix.sequence = newer.prefix.sequence.next();
        world.inject(B, Input::Heartbeat(newer.clone()));
        world.run_for(MS * 100);
    }
    assert_eq!(world.view(B).link, Link::Up);
    assert_eq!(world.view(B).peer, None);
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn a_restarted_peer_is_heard_again_within_half_a_second() {
    let mut world = settled(12);
    for seed in 0..20 {
        world.restart(A);
        let up = |world: &World| world.view(A).link == Link::Up && world.view(B).link == Link::Up;
        world.run_for(MS);
        let back = world.run_until(SECOND * 2, up).unwrap();
        assert!(back <= MS * 500, "round {seed}: {back:?}");
        world.run_for(SECOND);
    }
    assert_eq!(world.claims().len(), 1);
}
