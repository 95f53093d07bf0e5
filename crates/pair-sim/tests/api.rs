//! EC2 refuses, throttles, stalls and loses answers: a claim is one call, and no failure is evidence (F-5, F-11, F-12).

use std::time::Duration;

use pair_core::{Call, CallFault, Event, Rule};
use pair_sim::{A, ApiFault, B, Request, Scope, Settings, World};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

/// The holder dies while the API is bad for the other one; says when that one gets the address, once the API is well again
/// after `bad_for`.
fn takeover_despite(world: &mut World, bad_for: Duration) -> Duration {
    world.crash_host(A);
    world.run_for(bad_for);
    world.heal_api(B);
    let taken = world
        .run_until(SECOND * 120, |world| world.holds(B))
        .expect("B takes over in the end");
    world.run_for(SECOND * 60);
    assert!(world.holds(B));
    assert_eq!(world.view(B).is_active, Some(true));
    assert_eq!(world.host(B).claims_in_flight(), 0);
    taken
}

#[test]
fn a_denied_claim_is_repeated_slowly_until_it_is_allowed() {
    let mut world = settled(1);
    world.deny(B);
    let taken = takeover_despite(&mut world, SECOND * 300);
    assert!(taken <= SECOND * 65, "{taken:?}");
    let denied = |request: &&Request| request.answer == Err(CallFault::Denied);
    let denials = world.ec2().log().iter().filter(denied).count();
    assert!((4..=60).contains(&denials), "{denials} denials in five minutes");
    assert_eq!(world.moves(), 2);
}

#[test]
fn a_throttled_claim_is_repeated_with_pauses_that_grow() {
    let mut world = settled(2);
    world.throttle(B);
    let taken = takeover_despite(&mut world, SECOND * 60);
    // A third of the time that it was throttled, give or take a fifth, and one read more.
    assert!(taken <= SECOND * 28, "{taken:?}");
    let calls = world
        .ec2()
        .log()
        .iter()
        .filter(|request| request.answer == Err(CallFault::Throttled))
        .count();
    assert!((10..=30).contains(&calls), "{calls} throttled calls in a minute");
    assert_eq!(world.moves(), 2);
}

#[test]
fn whoever_was_throttled_for_a_moment_is_through_a_moment_later() {
    let mut world = settled(5);
    world.throttle(B);
    let taken = takeover_despite(&mut world, SECOND * 3);
    assert!(taken <= SECOND * 2, "{taken:?}");
}

#[test]
fn a_slow_claim_is_waited_for() {
    let mut world = settled(3);
    world.slow_api(B, MS * 2_800);
    world.crash_host(A);
    world.run_for(SECOND * 30);
    assert!(world.holds(B));
    assert_eq!(world.moves(), 2);
}

#[test]
fn a_claim_slower_than_its_timeout_has_one_owner_in_the_end() {
    let mut world = settled(4);
    world.slow_api(B, SECOND * 5);
    takeover_despite(&mut world, SECOND * 30);
    assert!(world.moves() <= 12, "{} moves", world.moves());
}

#[test]
fn a_black_hole_is_left_at_last() {
    let mut world = settled(5);
    world.black_hole(B);
    let taken = takeover_despite(&mut world, SECOND * 120);
    assert!(taken <= SECOND * 20, "{taken:?}");
    assert_eq!(world.moves(), 2);
}

#[test]
fn an_api_that_cannot_be_reached_is_asked_again_with_pauses() {
    let mut world = settled(6);
    world.set_api(B, Some((ApiFault::Unreachable, Scope::All)));
    let taken = takeover_despite(&mut world, SECOND * 600);
    assert!(taken <= SECOND * 20, "{taken:?}");
    let failures = |event: &&(pair_core::Instant, Event)| matches!(event.1, Event::ClaimFailed { .. });
    assert!(world.host(B).events().iter().filter(failures).count() <= 400);
}

#[test]
fn an_api_that_fails_is_asked_again() {
    let mut world = settled(7);
    world.set_api(B, Some((ApiFault::Failed, Scope::All)));
    let taken = takeover_despite(&mut world, SECOND * 30);
    assert!(taken <= SECOND * 20, "{taken:?}");
    assert_eq!(world.moves(), 2);
}

#[test]
fn a_claim_whose_reply_is_lost_is_found_by_a_read_and_not_repeated() {
    let mut world = settled(8);
    world.lose_reply(B);
    world.crash_host(A);
    let knows = |world: &World| world.view(B).is_active == Some(true);
    let known = world.run_until(SECOND * 10, knows).unwrap();
    // Not by the timeout of the call (3 s), but by the read beside it.
    assert!(known <= SECOND * 2, "{known:?}");
    world.run_for(SECOND * 60);
    assert_eq!(world.claim_requests().len(), 2);
    assert_eq!(world.view(B).takeover.unwrap().rule, Rule::F6a);
}

#[test]
fn a_claim_that_lands_late_has_one_owner_in_the_end() {
    for late in [1, 3, 5, 9, 20] {
        let mut world = settled(9);
        world.land_late(B, SECOND * late);
        world.crash_host(A);
        world.run_for(SECOND * 90);
        assert!(world.holds(B), "{late} s late");
        assert_eq!(world.view(B).is_active, Some(true), "{late} s late");
        assert!(world.moves() <= 3, "{late} s late: {} moves", world.moves());
        world.restart(A);
        world.run_for(SECOND * 30);
        assert!(world.is_settled() && world.holds(B));
    }
}

#[test]
fn a_claim_that_lands_when_the_peer_is_back_has_one_owner_in_the_end() {
    let mut world = settled(10);
    world.land_late(B, SECOND * 8);
    world.crash_host(A);
    world.run_for(SECOND * 2);
    // The peer is back before anything has moved, and still holds.
    world.restart(A);
    world.run_for(SECOND * 4);
    let before = world.owner();
    world.run_for(SECOND * 120);
    assert!(world.is_settled(), "held by {before:?}, later by {:?}", world.owner());
    assert!(world.moves() <= 3);
}

#[test]
fn no_failure_of_the_api_is_evidence_about_a_peer_that_lives() {
    for fault in [
        ApiFault::Denied,
        ApiFault::Throttled,
        ApiFault::Failed,
        ApiFault::BlackHole,
        ApiFault::Unreachable,
    ] {
        let mut world = settled(11);
        for member in [A, B] {
            world.set_api(member, Some((fault, Scope::All)));
        }
        world.run_for(SECOND * 3600);
        assert_eq!(world.claims().len(), 1, "{fault:?}");
        assert_eq!(world.view(A).is_active, Some(true), "{fault:?}");
        assert_eq!(world.view(B).is_active, Some(false), "{fault:?}");
        world.make_well();
        world.run_for(SECOND * 10);
        assert!(world.is_settled(), "{fault:?}");
    }
}

#[test]
fn a_passive_node_that_was_cut_off_from_everything_does_not_claim_when_it_is_back() {
    for away in [8, 60, 600, 3600] {
        let mut world = settled(12);
        world.set_elastic_path(false);
        world.isolate(B);
        world.run_for(SECOND * away);
        world.heal_api(B);
        // EC2 answers a little before the peer is heard again.
        world.run_for(MS * 400);
        world.heal();
        world.set_elastic_path(true);
        world.run_for(SECOND * 60);
        assert!(world.is_settled() && world.holds(A), "{away} s away");
        assert_eq!(world.moves(), 1, "{away} s away");
    }
}

#[test]
fn a_node_that_was_cut_off_tells_that_its_silence_starts_anew() {
    let mut world = settled(13);
    world.set_elastic_path(false);
    world.isolate(B);
    world.run_for(SECOND * 30);
    world.heal_api(B);
    let anew = |world: &World| world.told(B, |event| *event == Event::SilenceStartsAnew);
    assert!(!anew(&world));
    world.record();
    // The peer stays cut off: after one more holdtime it is dead all the same.
    let taken = world.run_until(SECOND * 60, |world| world.holds(B)).unwrap();
    assert!(anew(&world));
    assert!(taken >= MS * 950, "{taken:?}");
    let asks = |report: &pair_core::Report| report.query;
    let sent = world
        .recorded(B)
        .filter(|(_, heartbeat)| heartbeat.report.as_ref().is_some_and(asks));
    assert!(sent.count() >= 30, "the peer is asked again before it is given up");
}

#[test]
fn a_node_that_was_cut_off_probes_the_service_again_before_it_claims() {
    // With so short a holdtime the next probe of the routine, one a second, would come too late.
    let fast = Settings {
        interval: MS * 50,
        holdtime: MS * 300,
        probe_timeout: Some(MS * 150),
        ..Settings::default()
    };
    for seed in 0..20 {
        let mut world = World::settled(fast.clone(), seed);
        world.set_elastic_path(false);
        world.isolate(B);
        world.run_for(SECOND * 120);
        world.heal_api(B);
        let anew = |world: &World| world.told(B, |event| *event == Event::SilenceStartsAnew);
        world.run_until(SECOND * 20, anew).unwrap();
        world.set_elastic_path(true);
        world.run_for(SECOND * 300);
        assert!(world.holds(A), "seed {seed}");
        assert_eq!(world.moves(), 1, "seed {seed}");
    }
}

#[test]
fn a_holder_that_was_cut_off_from_everything_has_lost_its_address_and_knows_it() {
    let mut world = settled(14);
    world.set_elastic_path(false);
    world.isolate(A);
    world.run_for(SECOND * 8);
    assert!(world.holds(B));
    world.heal_api(A);
    world.heal();
    world.set_elastic_path(true);
    let learned = world.run_until(SECOND * 10, World::is_settled).unwrap();
    assert!(learned <= SECOND * 2, "{learned:?}");
    world.run_for(SECOND * 600);
    assert!(world.holds(B));
    assert_eq!(world.moves(), 2);
    // And when the new holder dies, it serves again.
    world.crash_host(B);
    let taken = world.run_until(SECOND * 3, |world| world.holds(A)).unwrap();
    assert!(taken <= MS * 1150, "{taken:?}");
}

#[test]
fn a_dead_pooled_connection_does_not_stop_a_takeover() {
    let mut world = settled(15);
    world.run_for(SECOND * 60);
    world.set_api(B, Some((ApiFault::BlackHole, Scope::Pooled)));
    world.crash_host(A);
    let taken = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 1_700, "{taken:?}");
    assert_eq!(world.claim_requests().len(), 2);
}

#[test]
fn when_reads_get_no_answer_the_peers_last_word_is_good_for_one_attempt() {
    let mut world = settled(16);
    world.run_for(SECOND * 60);
    let reads_only = |world: &mut World| world.set_api(B, Some((ApiFault::BlackHole, Scope::Reads)));
    reads_only(&mut world);
    world.crash_host(A);
    let taken = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(taken <= MS * 1_150, "{taken:?}");
}

#[test]
fn a_second_attempt_needs_a_read() {
    let mut world = settled(17);
    world.run_for(SECOND * 60);
    world.black_hole(B);
    world.crash_host(A);
    world.run_for(SECOND * 120);
    assert_eq!(
        world.claims().len(),
        2,
        "the first claim of the pair, and one attempt in the dark"
    );
}

#[test]
fn a_request_that_waits_too_long_in_its_host_is_decided_anew() {
    let mut world = settled(18);
    world.stall(B, SECOND);
    world.crash_host(A);
    world.run_for(SECOND * 30);
    // None of them left: each was void before it could.
    assert_eq!(world.claim_requests().len(), 1);
    assert!(world.claims().len() <= 30, "{} decisions", world.claims().len());
    world.restart(A);
    world.stall(B, Duration::ZERO);
    world.run_for(SECOND * 60);
    assert!(world.holds(A) && world.is_settled());
    assert_eq!(world.claim_requests().len(), 1);
}

#[test]
fn a_call_of_which_nobody_tells_the_end_counts_as_unanswered() {
    let mut world = settled(19);
    world.forget_results(B, true);
    world.crash_host(A);
    world.run_for(SECOND * 20);
    world.forget_results(B, false);
    let taken = world.run_until(SECOND * 30, |world| world.view(B).is_active == Some(true));
    assert!(taken.is_some());
}

#[test]
fn the_core_asks_for_nothing_but_reads_and_associations() {
    let mut world = settled(20);
    world.crash_host(A);
    world.run_for(SECOND * 120);
    world.restart(A);
    world.run_for(SECOND * 20);
    world.order(B, A);
    world.run_for(SECOND * 20);
    let log = world.ec2().log();
    assert!(!log.iter().any(|request| matches!(request.call, Call::Release(_))));
    assert_eq!(world.moves(), 3);
}
