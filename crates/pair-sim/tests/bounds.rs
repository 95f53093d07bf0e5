//! Numbers from the peer are bounded before use, and work has a bound of its own (F-17).

use std::time::Duration;

use pair_core::{Heartbeat, Input, Link};
use pair_sim::{A, B, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// A settled pair, and the next heartbeat that A would send.
fn with_next_heartbeat(seed: u64) -> (World, Heartbeat) {
    let mut world = World::settled(Settings::default(), seed);
    world.record();
    world.run_for(SECOND);
    let (_, mut next) = world.recorded(A).last().expect("A has sent since").clone();
    next.prefix.sequence.0 += 1_000_000;
    (world, next)
}

#[test]
fn no_interval_that_a_peer_tells_delays_the_detection_of_its_death() {
    for interval in [Duration::ZERO, Duration::from_nanos(1), SECOND * 3600, Duration::MAX] {
        let (mut world, mut heartbeat) = with_next_heartbeat(1);
        heartbeat.report.as_mut().unwrap().interval = interval;
        world.crash_host(A);
        world.inject(B, Input::Heartbeat(heartbeat));
        let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 1_150, "{interval:?}: {taken:?}");
    }
}

#[test]
fn no_age_that_a_peer_tells_makes_trouble() {
    for age in [Duration::ZERO, SECOND * 3600, Duration::MAX] {
        let (mut world, mut heartbeat) = with_next_heartbeat(2);
        heartbeat.report.as_mut().unwrap().word.as_mut().unwrap().age = age;
        world.inject(B, Input::Heartbeat(heartbeat));
        world.run_for(SECOND);
        assert_eq!(world.view(B).is_active, Some(false));
        assert_eq!(world.claims().len(), 1);
    }
}

#[test]
fn an_echo_of_what_was_never_sent_is_no_echo() {
    let (mut world, mut heartbeat) = with_next_heartbeat(3);
    let echo = heartbeat.prefix.echo.as_mut().unwrap();
    echo.sequence.0 = u64::MAX;
    echo.age_us = u32::MAX;
    world.inject(B, Input::Heartbeat(heartbeat));
    assert_eq!(world.view(B).link, Link::OneWay);
}

#[test]
fn the_last_sequence_number_is_no_overflow() {
    let (mut world, mut heartbeat) = with_next_heartbeat(4);
    heartbeat.prefix.sequence.0 = u64::MAX;
    world.inject(B, Input::Heartbeat(heartbeat.clone()));
    world.inject(B, Input::Heartbeat(heartbeat));
    assert!(world.view(B).loss_percent.is_some());
}

#[test]
fn a_flood_of_queries_is_answered_within_bounds() {
    let (mut world, mut heartbeat) = with_next_heartbeat(5);
    heartbeat.report.as_mut().unwrap().query = true;
    let before = world.recorded(B).count();
    for _ in 0..1_000 {
        heartbeat.prefix.sequence = heartbeat.prefix.sequence.next();
        world.inject(B, Input::Heartbeat(heartbeat.clone()));
        world.run_for(Duration::from_micros(100));
    }
    let answers = world.recorded(B).count() - before;
    assert!(answers <= 25, "{answers} answers within 100 ms");
}

#[test]
fn a_peer_that_contradicts_with_every_heartbeat_does_not_make_a_read_of_each() {
    let (mut world, mut heartbeat) = with_next_heartbeat(6);
    let before = world.ec2().log().len();
    for _ in 0..600 {
        heartbeat.prefix.sequence = heartbeat.prefix.sequence.next();
        let word = heartbeat.report.as_mut().unwrap().word.as_mut().unwrap();
        word.holder = pair_core::Holder::Member(B);
        word.age = Duration::ZERO;
        world.inject(B, Input::Heartbeat(heartbeat.clone()));
        world.run_for(MS * 100);
    }
    let reads = world.ec2().log().len() - before;
    assert!(reads <= 16, "{reads} reads within a minute");
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn reads_that_show_a_replaced_association_are_not_repeated_without_a_pause() {
    let mut world = World::settled(Settings::default(), 7);
    world.order(B, B);
    world.run_for(SECOND * 10);
    world.order(A, A);
    world.run_for(SECOND * 20);
    assert!(world.holds(A));
    // EC2 answers as it did before B had taken the address for the first time.
    world.read_stale(SECOND * 41);
    world.crash_host(A);
    let before = world.ec2().log().len();
    world.run_for(SECOND * 10);
    let reads = world.ec2().log().len() - before;
    assert!(reads <= 35, "{reads} reads in ten seconds");
    world.read_stale(Duration::ZERO);
    world.run_for(SECOND * 2);
    assert!(world.holds(B));
}
