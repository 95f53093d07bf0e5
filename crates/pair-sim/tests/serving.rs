//! Silent but serving: whoever still serves keeps the address for as long as that is proven (F-7).

use std::time::Duration;

use pair_core::{Alarm, Objection, Rule, Verdict};
use pair_sim::{A, B, Service, Settings, World};

const SECOND: Duration = Duration::from_secs(1);

fn settled(seed: u64) -> World {
    World::settled(Settings::default(), seed)
}

#[test]
fn a_dead_agent_whose_service_lives_keeps_the_address_until_the_service_dies_too() {
    let mut world = settled(1);
    world.crash(A);
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.verdict, Verdict::Alarm(Alarm::SilentButServing));
    assert_eq!(world.view(B).decision.rule, Rule::F7);
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND * 120, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 58 && taken <= SECOND * 62, "{taken:?}");
    world.run_for(SECOND * 60);
    assert_eq!(world.moves(), 2);
}

#[test]
fn a_dead_agent_that_is_started_again_has_lost_nothing() {
    let mut world = settled(2);
    world.crash(A);
    world.run_for(SECOND * 30);
    world.restart(A);
    world.run_for(SECOND * 10);
    assert!(world.is_settled() && world.holds(A));
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn one_failed_probe_is_nothing() {
    let mut world = settled(3);
    world.crash(A);
    for _ in 0..20 {
        world.run_for(SECOND * 40);
        world.set_service(A, Service::Hung);
        world.run_for(SECOND * 15);
        world.set_service(A, Service::Serving);
    }
    assert_eq!(world.claims().len(), 1);
}

#[test]
fn an_answer_of_the_wrong_status_counts_for_a_while_only() {
    let mut world = settled(4);
    world.crash(A);
    world.set_service(A, Service::Failing);
    world.run_for(SECOND * 55);
    assert_eq!(world.claims().len(), 1);
    let taken = world.run_until(SECOND * 10, |world| world.holds(B));
    assert!(taken.is_some());
}

#[test]
fn an_elastic_ip_that_answers_speaks_for_a_holder_that_is_cut_off() {
    let mut world = settled(5);
    world.partition();
    world.run_for(SECOND * 600);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.evidence.objection, Some(Objection::ProbeServed));
    world.set_elastic_path(false);
    let taken = world.run_until(SECOND * 120, |world| world.holds(B)).unwrap();
    assert!(taken >= SECOND * 58 && taken <= SECOND * 62, "{taken:?}");
}

#[test]
fn an_elastic_ip_that_answers_does_not_speak_for_a_peer_that_lost_it() {
    // B took the address; the EIP that B probes is its own, and must not keep A alive in B's eyes.
    let mut world = settled(6);
    world.crash_host(A);
    world.run_for(SECOND * 30);
    assert!(world.holds(B));
    assert_eq!(world.view(B).decision.evidence.objection, None);
}

#[test]
fn a_saturated_peer_is_given_the_time_that_a_serving_one_gets() {
    let mut world = settled(7);
    world.set_service(A, Service::Saturated);
    world.run_for(SECOND * 2);
    world.crash_host(A);
    world.run_for(SECOND * 55);
    assert_eq!(world.claims().len(), 1);
    assert_eq!(world.view(B).decision.evidence.objection, Some(Objection::Saturated));
    let taken = world.run_until(SECOND * 10, |world| world.holds(B));
    assert!(taken.is_some());
}

#[test]
fn a_hung_service_of_a_dead_agent_is_no_proof_of_life() {
    let mut world = settled(8);
    world.crash(A);
    world.set_service(A, Service::Hung);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
    assert!(taken <= Duration::from_millis(1_150), "{taken:?}");
}

#[test]
fn without_a_probe_a_silent_agent_is_a_dead_host() {
    let settings = Settings {
        probe_timeout: None,
        ..Settings::default()
    };
    let mut world = World::settled(settings, 9);
    world.crash(A);
    let taken = world.run_until(SECOND * 5, |world| world.holds(B)).unwrap();
    assert!(taken <= Duration::from_millis(1_150), "{taken:?}");
}

#[test]
fn an_instance_that_ec2_calls_stopped_does_not_serve() {
    let mut world = settled(10);
    world.crash(A);
    world.run_for(SECOND * 20);
    assert_eq!(world.claims().len(), 1);
    world.set_instance(A, pair_core::InstanceState::Down);
    let taken = world.run_until(SECOND * 90, |world| world.holds(B)).unwrap();
    assert!(taken <= SECOND * 62, "{taken:?}");
}

#[test]
fn a_service_that_answers_again_and_again_keeps_the_address_however_short_the_wait_is() {
    for seed in 0..10 {
        let settings = Settings {
            lost_contact_takeover: SECOND,
            ..Settings::default()
        };
        let mut world = World::settled(settings, seed);
        world.crash(A);
        world.run_for(SECOND * 60);
        assert!(world.holds(A) && world.claims().len() == 1, "seed {seed}");
    }
}
