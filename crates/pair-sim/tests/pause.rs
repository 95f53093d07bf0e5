//! A node that did not run has no right to an opinion about the time that it missed (F-4, F-16).

use std::time::Duration;

use pair_core::{Event, Fitness, Member};
use pair_sim::{A, ApiFault, B, Scope, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);
/// The worlds in which each pause is tried; each begins it at another moment of the interval.
const SEEDS: std::ops::Range<u64> = 0..6;
const PAUSES: [Duration; 4] = [
    MS.saturating_mul(300),
    SECOND,
    SECOND.saturating_mul(10),
    SECOND.saturating_mul(3600),
];

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

/// A world at rest in which this member falls asleep in this way, and has been awake again for a minute.
fn awake_again(seed: u64, member: Member, fall_asleep: fn(&mut World, Member), pause: Duration) -> World {
    let mut world = settled(seed);
    fall_asleep(&mut world, member);
    world.run_for(pause);
    world.resume(member);
    world.run_for(SECOND * 60);
    world
}

#[test]
fn a_passive_process_that_is_stopped_claims_nothing_when_it_goes_on() {
    for pause in PAUSES {
        for seed in SEEDS {
            let world = awake_again(seed, B, World::pause, pause);
            assert_eq!(world.claims().len(), 1, "{pause:?}");
            assert!(world.is_settled());
        }
    }
}

#[test]
fn a_passive_machine_that_is_suspended_claims_nothing_when_it_goes_on() {
    for pause in PAUSES {
        for seed in SEEDS {
            let world = awake_again(seed, B, World::suspend, pause);
            assert_eq!(world.claims().len(), 1, "{pause:?}");
            assert!(world.is_settled());
        }
    }
}

#[test]
fn a_passive_machine_that_was_suspicious_when_it_was_suspended_listens_before_it_claims() {
    for ms in (460..1_000).step_by(20) {
        let mut world = settled(1);
        world.set_elastic_path(false);
        world.partition();
        let silent = |world: &World| world.view(B).decision.evidence.silence >= MS * ms;
        world.run_until(SECOND * 2, silent).unwrap();
        assert_eq!(world.claims().len(), 1);
        world.suspend(B);
        world.run_for(SECOND * 3);
        world.heal();
        world.run_for(SECOND * 10);
        world.resume(B);
        world.run_for(SECOND * 10);
        assert_eq!(world.claims().len(), 1, "suspended after {ms} ms of silence");
        assert!(world.is_settled());
    }
}

#[test]
fn a_result_that_waited_is_not_acted_upon_before_the_datagrams_that_waited() {
    for seed in 0..20 {
        let mut world = settled(seed);
        world.set_elastic_path(false);
        world.set_api(B, Some((ApiFault::Throttled, Scope::Claims)));
        world.partition();
        world.run_for(SECOND * 8);
        // The rule says claim, and a read is under way that the next attempt waits for.
        let reading = |world: &World| world.host(B).reads_in_flight() == 1 && world.host(B).claims_in_flight() == 0;
        world.run_until(SECOND * 60, reading).unwrap();
        world.pause(B);
        world.heal();
        world.heal_api(B);
        world.run_for(MS * 600);
        let before = world.claims().len();
        world.resume(B);
        world.run_for(SECOND * 10);
        assert_eq!(world.claims().len(), before, "seed {seed}");
    }
}

#[test]
fn a_holding_process_that_is_stopped_keeps_the_address_while_its_service_serves() {
    for pause in PAUSES {
        let world = awake_again(2, A, World::pause, pause);
        assert_eq!(world.claims().len(), 1, "{pause:?}");
        assert!(world.is_settled() && world.holds(A));
    }
}

#[test]
fn a_holding_machine_that_is_suspended_loses_the_address_once_and_claims_nothing_when_it_goes_on() {
    for pause in PAUSES {
        for seed in SEEDS {
            let world = awake_again(seed, A, World::suspend, pause);
            assert!(world.is_settled(), "{pause:?}");
            assert!(world.moves() <= 2, "{pause:?}");
            assert!(world.claims().iter().skip(1).all(|claim| claim.by == B), "{pause:?}");
        }
    }
}

#[test]
fn the_holder_says_unknown_of_itself_after_its_pause_until_it_has_read_the_fact_again() {
    let mut world = settled(3);
    world.suspend(A);
    world.run_for(SECOND * 30);
    assert!(world.holds(B));
    world.record();
    world.black_hole(A);
    world.resume(A);
    let resumed = world.now();
    world.run_for(SECOND * 3);
    let sent: Vec<_> = world.recorded(A).cloned().collect();
    let (_, first) = &sent[0];
    let report = first.report.as_ref().unwrap();
    assert_eq!((report.fitness, &report.word), (Fitness::Unknown, &None));
    // Its IMDS tells it, a second later at most, that the address is gone: no word of it ever says that A holds.
    let lies = sent.iter().filter(|(_, heartbeat)| {
        let word = heartbeat.report.as_ref().and_then(|report| report.word.as_ref());
        word.is_some_and(|word| word.holder == pair_core::Holder::Member(A))
    });
    assert_eq!(lies.count(), 0, "resumed at {resumed:?}");
}

#[test]
fn unknown_is_not_unfit() {
    let mut world = settled(4);
    for _ in 0..20 {
        world.pause(A);
        world.run_for(MS * 950);
        world.resume(A);
        world.run_for(SECOND * 2);
    }
    assert_eq!(world.claims().len(), 1);
    assert!(world.told(A, |event| matches!(event, Event::Paused { .. })));
}

#[test]
fn what_the_peer_said_before_the_pause_is_no_reason_to_claim_after_it() {
    // A says that its service is gone, B is unfit itself and is paused; an hour later B is fit, and A was so all the time.
    for keeps_datagrams in [true, false] {
        let mut world = settled(5);
        world.set_service(B, Service::Failing);
        world.run_for(SECOND * 5);
        world.set_service(A, Service::Gone);
        world.run_for(SECOND);
        if keeps_datagrams {
            world.pause(B);
        } else {
            world.suspend(B);
        }
        world.run_for(SECOND * 5);
        world.set_service(A, Service::Serving);
        world.set_service(B, Service::Serving);
        world.run_for(SECOND * 3600);
        world.resume(B);
        world.run_for(SECOND * 60);
        assert_eq!(world.claims().len(), 1);
    }
}

#[test]
fn an_order_does_not_outlive_a_pause() {
    let mut world = settled(6);
    world.black_hole(B);
    world.order(B, B);
    world.run_for(SECOND * 5);
    world.suspend(B);
    world.run_for(SECOND * 3600);
    world.heal_api(B);
    world.resume(B);
    world.run_for(SECOND * 60);
    assert!(world.holds(A));
    assert_eq!(world.moves(), 1);
}

#[test]
fn starvation_slows_detection_and_does_not_stop_it() {
    for seed in 0..20 {
        let mut world = settled(seed);
        world.starve(B, MS * 1_500);
        world.crash_host(A);
        let taken = world.run_until(SECOND * 60, |world| world.holds(B)).unwrap();
        assert!(taken >= SECOND && taken <= SECOND * 30, "seed {seed}: {taken:?}");
    }
}

#[test]
fn starvation_moves_nothing() {
    for seed in 0..10 {
        let settings = Settings {
            wake_late: MS * 600,
            ..Settings::default()
        };
        let mut world = World::dark(settings, seed);
        world.start(A);
        world.start(B);
        world.run_for(SECOND * 1800);
        assert_eq!(world.moves(), 1, "seed {seed}");
    }
}

#[test]
fn a_clock_that_jumps_during_a_call_sends_no_second_one() {
    let mut world = settled(9);
    world.land_late(B, SECOND * 8);
    world.set_service(A, Service::Gone);
    world.run_for(SECOND);
    world.jump_clock(B, SECOND * 86);
    world.run_for(SECOND * 90);
    assert!(world.holds(B));
}

#[test]
fn a_clock_that_jumps_is_a_pause_and_no_death() {
    for ahead in [1, 10, 3600] {
        let mut world = settled(8);
        for member in [A, B] {
            world.jump_clock(member, SECOND * ahead);
            world.run_for(SECOND * 20);
        }
        assert_eq!(world.claims().len(), 1, "{ahead} s ahead");
        assert!(world.is_settled());
    }
}
