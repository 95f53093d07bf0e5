//! Only a proven channel can testify by its silence (F-8).

use std::time::Duration;

use pair_core::{Alarm, InstanceState, Testimony, Verdict};
use pair_sim::{A, ApiFault, B, Owner, Scope, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

/// B starts into the silence of A, which holds the address and lives, or not.
fn started_into_a_silence(a_is_on: bool) -> World {
    let mut world = World::dark(Settings::default(), 1);
    world.put_address(Some(Owner::Member(A)));
    world.set_elastic_path(false);
    if !a_is_on {
        world.crash_host(A);
    }
    world.start(B);
    world
}

#[test]
fn a_node_that_restarts_into_a_silence_claims_nothing() {
    let mut world = World::settled(Settings::default(), 2);
    world.set_elastic_path(false);
    world.crash(B);
    world.run_for(SECOND);
    world.partition();
    world.start(B);
    world.run_for(SECOND * 3600);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilenceUnproven));
    world.heal();
    world.run_for(SECOND * 10);
    assert!(world.is_settled() && world.holds(A));
}

#[test]
fn a_kernel_that_refuses_for_long_enough_is_proof_without_a_history() {
    let mut world = started_into_a_silence(true);
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND * 120, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 60 && taken <= SECOND * 63, "{taken:?}");
    let evidence = &world.claims()[0].decision.evidence;
    assert_eq!(evidence.testimony, Some(Testimony::KernelOnly));
}

#[test]
fn a_kernel_that_refuses_now_and_then_is_no_proof() {
    let mut world = started_into_a_silence(true);
    for _ in 0..30 {
        world.set_service(A, Service::Gone);
        world.run_for(SECOND * 40);
        world.set_service(A, Service::Serving);
        world.run_for(SECOND * 5);
    }
    assert_eq!(world.claims().len(), 0);
}

#[test]
fn a_probe_that_worked_and_fails_for_long_enough_is_a_testimony() {
    let mut world = started_into_a_silence(true);
    world.run_for(SECOND * 30);
    assert_eq!(world.claims().len(), 0);
    world.crash_host(A);
    let taken = world.run_until(SECOND * 120, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 58 && taken <= SECOND * 62, "{taken:?}");
    let evidence = &world.claims()[0].decision.evidence;
    assert_eq!(evidence.testimony, Some(Testimony::Probe));
}

#[test]
fn a_probe_that_never_worked_proves_nothing() {
    let mut world = started_into_a_silence(false);
    world.run_for(SECOND * 3600);
    assert_eq!(world.claims().len(), 0);
}

#[test]
fn a_failed_reachability_check_needs_two_readings_a_minute_apart() {
    let mut world = started_into_a_silence(false);
    world.set_instance(A, InstanceState::Running { unreachable: true });
    let taken = world.run_until(SECOND * 200, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 60 && taken <= SECOND * 65, "{taken:?}");
    let evidence = &world.claims()[0].decision.evidence;
    assert_eq!(evidence.testimony, Some(Testimony::InstanceUnreachable));
}

#[test]
fn a_failed_reachability_check_moves_the_address_once_in_a_silence() {
    let mut world = started_into_a_silence(false);
    world.set_instance(A, InstanceState::Running { unreachable: true });
    world.run_until(SECOND * 200, |world| world.holds(B)).unwrap();
    world.run_for(SECOND * 60);
    // A lives after all, unheard, and somebody gives the address back to it.
    world.put_address(Some(Owner::Member(A)));
    world.run_for(SECOND * 3600);
    assert!(world.holds(A));
    assert_eq!(world.moves(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilenceUnproven));
}

#[test]
fn a_failed_reachability_check_is_nothing_to_a_node_that_is_unfit_itself() {
    let mut world = started_into_a_silence(false);
    world.set_service(B, Service::Failing);
    world.set_instance(A, InstanceState::Running { unreachable: true });
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 0);
}

#[test]
fn ec2_is_no_witness_against_a_peer_that_lives() {
    let mut world = World::settled(Settings::default(), 3);
    for state in [InstanceState::Down, InstanceState::Running { unreachable: true }] {
        world.set_instance(A, state);
        for _ in 0..20 {
            // Each suspicion may read EC2, and life comes back each time.
            world.partition();
            world.run_for(Duration::from_millis(700));
            world.heal();
            world.run_for(SECOND * 10);
        }
    }
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn what_ec2_was_asked_in_an_earlier_silence_counts_for_nothing_in_the_next() {
    let mut world = World::settled(Settings::default(), 5);
    world.slow_api(B, Duration::from_millis(2_900));
    world.set_instance(A, InstanceState::Down);
    world.crash(A);
    // B asks after the holdtime; EC2 answers, and the answer is on its way while A is back, and silent again.
    world.run_for(Duration::from_millis(1_500));
    world.restart(A);
    world.run_for(Duration::from_millis(1_100));
    world.set_instance(A, InstanceState::Running { unreachable: false });
    world.crash(A);
    world.run_for(SECOND * 30);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilentButServing));
}

#[test]
fn an_address_put_at_the_peer_during_its_silence_is_not_taken_by_the_same_silence() {
    // No channel carried life since the hands changed: heartbeats of the time before say nothing about this hold.
    let mut world = World::settled(Settings::default(), 4);
    world.set_elastic_path(false);
    world.partition();
    world.run_for(SECOND * 30);
    assert!(world.holds(B));
    world.put_address(Some(Owner::Member(A)));
    world.run_for(SECOND * 3600);
    assert!(world.holds(A));
    assert_eq!(world.moves(), 2);
}

/// B's claim lands late, is undone by A at once, and B hears of neither: neither heartbeats nor EC2. When EC2 answers again, A holds
/// the address by another association than the one that B knew, and no heartbeat has come since.
#[test]
fn what_the_peer_lost_and_won_back_unheard_is_not_taken_by_the_same_silence() {
    let settings = Settings {
        probe_timeout: None,
        ..Settings::default()
    };
    let mut world = World::settled(settings, 1);
    let before = world.claims().len();
    world.partition_oneway(A);
    world.land_late(B, SECOND * 6);
    world
        .run_until(SECOND * 5, |world| world.claims().len() > before)
        .expect("B claims");
    world.partition();
    world.forget_results(B, true);
    world.run_until(SECOND * 10, |world| world.holds(B)).expect("it lands");
    world
        .run_until(SECOND * 10, |world| world.holds(A))
        .expect("A takes it back");
    world.run_for(SECOND * 5);
    world.heal();
    world.partition_oneway(A);
    world.forget_results(B, false);
    world.run_for(SECOND * 60);
    assert!(world.holds(A));
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilenceUnproven));
}

/// A gets the address back from somebody else and dies before it has said so; B's claim vanishes on its way, and the read beside
/// it shows an association that B has replaced itself long ago.
#[test]
fn a_stale_read_beside_a_claim_does_not_make_a_dead_holder_one_that_has_changed() {
    let mut world = World::settled(Settings::default(), 1);
    world.run_for(SECOND * 1_200);
    world.order(B, B);
    world.run_until(SECOND * 10, |world| world.holds(B)).expect("it moves");
    world.run_for(SECOND * 15);
    world.lag_imds(SECOND * 30);
    world.black_hole(A);
    world.put_address(Some(Owner::Member(A)));
    world
        .run_until(SECOND * 120, |world| world.view(B).is_active == Some(false))
        .expect("B has read it");
    world.run_for(SECOND);
    world.set_api(B, Some((ApiFault::BlackHole, Scope::Claims)));
    world.read_stale(SECOND * 600);
    world.crash_host(A);
    world
        .run_until(SECOND * 3, |world| {
            matches!(world.view(B).decision.verdict, Verdict::Claim { .. })
        })
        .expect("B claims");
    world.run_for(SECOND * 4);
    world.set_api(B, None);
    world.read_stale(Duration::ZERO);
    world
        .run_until(SECOND * 15, |world| world.holds(B))
        .expect("B tries again");
}
