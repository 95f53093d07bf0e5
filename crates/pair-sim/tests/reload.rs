//! Other settings while both nodes run: nothing moves, whatever order they are told in, and nothing is forgotten.

use std::time::Duration;

use pair_core::{Event, Input, Link, Member, Version};
use pair_sim::{A, B, Service, Settings, Tuning, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
const TUNINGS: [Tuning; 3] = [Tuning::Own, Tuning::Hasty, Tuning::Calm];

/// How often a node has begun to suspect its peer.
fn suspicions(world: &World, member: Member) -> usize {
    let began = |event: &Event| matches!(event, Event::LinkChanged { to: Link::Suspect, .. });
    let events = world.host(member).events().iter();
    events.filter(|(_, event)| began(event)).count()
}

#[test]
fn one_node_after_the_other_is_told_and_neither_suspects_the_other() {
    for (seed, before) in (0_u64..).zip(TUNINGS) {
        for after in TUNINGS {
            let mut world = World::settled(Settings::default(), seed);
            for tuning in [before, after] {
                for member in [B, A] {
                    world.reload(member, tuning);
                    world.run_for(SECOND * 7);
                }
            }
            for member in [A, B] {
                assert_eq!(suspicions(&world, member), 0, "{before:?} to {after:?} at {member:?}");
            }
            assert_eq!(world.moves(), 1, "{before:?} to {after:?}");
        }
    }
}

#[test]
fn a_file_that_reaches_one_node_only_makes_no_living_peer_look_dead() {
    for (seed, told) in (0..10).flat_map(|seed| [(seed, A), (seed, B)]) {
        for tuning in [Tuning::Hasty, Tuning::Calm] {
            let mut world = World::settled(Settings::default(), seed);
            world.lose_datagrams(20);
            world.reload(told, tuning);
            world.run_for(SECOND * 60);
            let dead = |event: &Event| {
                matches!(
                    event,
                    Event::LinkChanged {
                        to: Link::PresumedDead,
                        ..
                    }
                )
            };
            for member in [A, B] {
                assert!(!world.told(member, dead), "seed {seed}: {tuning:?} at {told:?} alone");
            }
        }
    }
}

#[test]
fn a_shorter_holdtime_is_in_force_once_both_have_it() {
    for seed in 0..10 {
        let mut world = World::settled(Settings::default(), seed);
        world.reload(A, Tuning::Hasty);
        world.reload(B, Tuning::Hasty);
        world.run_for(SECOND);
        world.crash_host(A);
        let taken = world.run_until(SECOND * 2, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 450, "seed {seed}: {taken:?}");
    }
}

#[test]
fn a_longer_holdtime_is_in_force_at_once() {
    for seed in 0..10 {
        let mut world = World::settled(Settings::default(), seed);
        world.reload(B, Tuning::Calm);
        world.crash_host(A);
        let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
        assert!(taken > SECOND * 2 && taken <= MS * 3_800, "seed {seed}: {taken:?}");
    }
}

#[test]
fn what_a_shorter_wait_makes_ripe_needs_one_fresh_holdtime() {
    for seed in 0..10 {
        let mut world = World::settled(Settings::default(), seed);
        // Silent, and served until just now: a minute is left to wait, of which the hasty settings want ten seconds.
        world.crash(A);
        world.run_for(SECOND * 20);
        world.set_service(A, Service::Gone);
        world.run_for(SECOND * 30);
        assert!(world.holds(A), "seed {seed}");
        world.reload(B, Tuning::Hasty);
        world.run_for(MS * 900);
        assert!(world.holds(A), "seed {seed}");
        let taken = world.run_until(SECOND * 2, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 700, "seed {seed}: {taken:?}");
    }
}

#[test]
fn in_a_silence_it_costs_one_holdtime_and_the_silence_goes_on() {
    for seed in 0..10 {
        let mut world = World::settled(Settings::default(), seed);
        world.crash_host(A);
        world.run_for(MS * 800);
        world.inject(B, Input::Configured(changed().config(B)));
        world.run_for(MS * 500);
        assert_eq!(
            world.view(B).link,
            Link::PresumedDead,
            "seed {seed}: silence is not forgotten"
        );
        assert!(world.holds(A), "seed {seed}");
        let taken = world.run_until(SECOND, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 750, "seed {seed}: {taken:?}");
    }
}

#[test]
fn the_same_settings_again_change_nothing() {
    for seed in 0..10 {
        let mut world = World::settled(Settings::default(), seed);
        world.crash_host(A);
        for _ in 0..20 {
            world.run_for(MS * 50);
            world.reload(B, Tuning::Own);
        }
        let taken = world.run_until(SECOND, |world| world.holds(B)).unwrap();
        assert!(taken <= MS * 150, "seed {seed}: {taken:?}");
    }
}

#[test]
fn a_hold_a_leave_and_an_incarnation_stay() {
    let mut world = World::settled(Settings::default(), 1);
    world.hold(A, SECOND * 600);
    world.leave(B);
    world.run_for(SECOND);
    let incarnation = |world: &World, member| world.host(member).node().unwrap().incarnation();
    let before = [A, B].map(|member| incarnation(&world, member));
    for member in [A, B] {
        world.reload(member, Tuning::Hasty);
        world.run_for(SECOND);
    }
    assert!(world.view(A).hold_left().is_some() && world.view(B).hold_left().is_some());
    assert!(world.view(B).is_leaving);
    assert_eq!([A, B].map(|member| incarnation(&world, member)), before);
}

#[test]
fn moves_that_were_made_count_after_it() {
    let mut world = World::settled(Settings::default(), 1);
    world.crash_host(A);
    world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
    world.run_for(SECOND);
    assert_eq!(world.view(B).moves, 1);
    world.reload(B, Tuning::Hasty);
    world.run_for(SECOND);
    assert_eq!(world.view(B).moves, 1);
}

#[test]
fn which_member_it_is_and_where_the_address_lands_stay() {
    let mut world = World::settled(Settings::default(), 1);
    let config = pair_core::Config {
        me: A,
        private_ips: [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()],
        version: Version::cut("9.9.9"),
        ..changed().config(B)
    };
    world.inject(B, Input::Configured(config));
    world.run_for(SECOND * 3);
    assert!(world.is_settled());
    assert_eq!(world.view(A).peer.unwrap().version.as_str(), "0.1.0");
    world.crash_host(A);
    world.run_until(SECOND * 3, |world| world.holds(B)).unwrap();
}

/// Settings that differ in what has no part in these stories.
fn changed() -> Settings {
    Settings {
        refit: SECOND * 61,
        ..Settings::default()
    }
}
