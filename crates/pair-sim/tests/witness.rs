//! Witnesses: what a third host that reaches both nodes prevents, and what one that does not answer delays (F-20).

use std::time::Duration;

use pair_core::{Alarm, Event, InstanceState, Objection, OrderOutcome, Rule, Testimony, Verdict, WitnessIndex};
use pair_sim::{A, B, Owner, Service, Settings, World};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A pair that nobody can probe, with so many witnesses.
fn settings(witnesses: u8) -> Settings {
    Settings {
        probe_timeout: None,
        ..Settings::default()
    }
    .with_witnesses(witnesses)
}

/// A holds the address, and the witnesses have been heard of.
fn settled(witnesses: u8, seed: u64) -> World {
    World::settled(settings(witnesses), seed)
}

/// How long it takes until B has the address of A, which died on the spot.
fn takeover(world: &mut World) -> Duration {
    world.crash_host(A);
    world
        .run_until(SECOND * 100, |world| world.holds(B))
        .expect("a dead holder is replaced")
}

fn no_claim_since_the_first(world: &World) -> bool {
    world.claims().len() == 1
}

#[test]
fn a_cut_path_of_a_minute_moves_nothing_while_a_witness_reaches_both() {
    for seed in 0..10 {
        let mut world = settled(1, seed);
        world.partition();
        world.run_for(SECOND * 30);
        let decision = world.view(B).decision;
        assert_eq!(
            (decision.rule, decision.verdict),
            (Rule::F7, Verdict::Alarm(Alarm::SilentButServing))
        );
        assert_eq!(decision.evidence.objection, Some(Objection::WitnessProved));
        world.run_for(SECOND * 30);
        world.heal();
        world.run_for(SECOND * 30);
        assert!(world.is_settled() && no_claim_since_the_first(&world), "seed {seed}");
        let taken = takeover(&mut world);
        assert!(taken < SECOND * 2, "{taken:?}");
    }
}

/// The shortest wait that can be configured is as long as the time between two questions was: an answer that came a moment later than
/// the one before it came too late.
#[test]
fn a_witness_that_proves_life_again_and_again_keeps_the_address_however_short_the_wait_is() {
    for seed in 0..10 {
        let settings = Settings {
            interval: MS * 50,
            holdtime: MS * 300,
            lost_contact_takeover: SECOND,
            ..settings(1)
        };
        let mut world = World::settled(settings, seed);
        world.partition();
        world.run_for(SECOND * 60);
        assert!(world.holds(A) && no_claim_since_the_first(&world), "seed {seed}");
    }
}

#[test]
fn a_path_that_is_cut_one_way_moves_nothing_while_a_witness_reaches_both() {
    for seed in 0..10 {
        for from in [A, B] {
            let mut world = settled(1, seed);
            world.partition_oneway(from);
            world.run_for(SECOND * 60);
            world.heal();
            world.run_for(SECOND * 30);
            assert!(world.is_settled() && no_claim_since_the_first(&world), "seed {seed}");
        }
    }
}

#[test]
fn in_every_profile_the_answer_is_there_before_the_holdtime_is_over() {
    for (interval, holdtime) in [(50, 300), (200, 1_000), (500, 3_000)] {
        let mut world = World::settled(
            Settings {
                interval: MS * interval,
                holdtime: MS * holdtime,
                ..settings(1)
            },
            7,
        );
        world.partition();
        world.run_for(SECOND * 60);
        assert!(no_claim_since_the_first(&world), "{interval} ms");
    }
}

#[test]
fn a_dead_host_is_replaced_as_soon_as_without_witnesses_while_one_answers() {
    for seed in 0..10 {
        let taken = [0, 1, 2].map(|witnesses| takeover(&mut settled(witnesses, seed)));
        for time in taken {
            assert!(time > MS * 800 && time < MS * 1_200, "{taken:?}");
        }
    }
}

#[test]
fn a_witness_that_has_been_dead_for_long_delays_nothing_and_is_told() {
    let mut world = settled(1, 1);
    world.set_witnesses(false);
    world.run_for(SECOND * 40);
    let silent = Event::Witness {
        witness: WitnessIndex(0),
        answers: false,
    };
    for member in [A, B] {
        assert!(world.view(member).witnesses[0].is_silent);
        assert!(world.told(member, |event| *event == silent));
    }
    let taken = takeover(&mut world);
    assert!(taken < MS * 1_200, "{taken:?}");
}

#[test]
fn of_two_witnesses_one_that_answers_is_enough() {
    let mut world = settled(2, 2);
    world.set_witness(0, false);
    let taken = takeover(&mut world);
    assert!(taken < MS * 1_200, "{taken:?}");
    let mut world = settled(2, 2);
    world.set_witness(1, false);
    world.partition();
    world.run_for(SECOND * 60);
    assert!(no_claim_since_the_first(&world));
}

#[test]
fn cut_off_together_with_the_witness_a_standby_claims_nothing_for_the_isolation_grace() {
    for seed in 0..10 {
        let mut world = settled(1, seed);
        world.partition();
        world.set_witness_path(B, false);
        let taken = world.run_until(SECOND * 60, |world| world.holds(B)).unwrap();
        assert!(taken > SECOND * 10 && taken < SECOND * 11, "{taken:?}");
    }
    let mut world = settled(1, 3);
    world.partition();
    world.set_witness_path(B, false);
    world.run_for(SECOND * 9);
    let decision = world.view(B).decision;
    assert_eq!(
        (decision.rule, decision.verdict),
        (Rule::F20, Verdict::Alarm(Alarm::WitnessesSilent))
    );
    world.heal();
    world.run_for(SECOND * 60);
    assert!(world.is_settled() && no_claim_since_the_first(&world));
}

#[test]
fn where_a_witness_is_required_a_standby_that_is_cut_off_never_claims() {
    let mut required = settings(1);
    required.witnesses.required = true;
    let mut world = World::settled(required, 4);
    world.partition();
    world.set_witness_path(B, false);
    world.run_for(SECOND * 600);
    assert!(no_claim_since_the_first(&world));
    // The witness is back, and does not reach the holder.
    world.set_witness_path(A, false);
    world.set_witness_path(B, true);
    let taken = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(taken < SECOND * 2, "{taken:?}");
}

#[test]
fn who_is_cut_off_obeys_orders_and_takes_what_ec2_says_is_stopped() {
    let cut_off = || {
        let mut world = settled(1, 5);
        world.partition();
        world.set_witness_path(B, false);
        world.run_for(SECOND * 2);
        assert_eq!(world.view(B).decision.rule, Rule::F20);
        world
    };
    let mut ordered = cut_off();
    let order = ordered.order(B, B);
    ordered.run_for(SECOND * 2);
    assert_eq!(ordered.outcome(order), Some(OrderOutcome::Done));

    let mut stopped = settled(1, 5);
    stopped.set_instance(A, InstanceState::Down);
    stopped.set_witness_path(B, false);
    let taken = takeover(&mut stopped);
    assert!(taken < SECOND * 2, "{taken:?}");
    assert_eq!(
        stopped.claims().last().unwrap().decision.evidence.testimony,
        Some(Testimony::InstanceDown)
    );

    let mut nobodys = cut_off();
    nobodys.put_address(None);
    let taken = nobodys.run_until(SECOND * 90, |world| world.holds(B));
    assert!(taken.is_some());
}

#[test]
fn a_witness_that_does_not_reach_the_peer_proves_nothing() {
    let mut world = settled(1, 6);
    world.set_witness_path(A, false);
    world.partition();
    let taken = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(taken < MS * 1_200, "{taken:?}");
}

#[test]
fn a_process_that_stands_still_answers_no_witness() {
    let mut world = settled(1, 7);
    world.pause(A);
    let taken = world.run_until(SECOND * 10, |world| world.holds(B)).unwrap();
    assert!(taken < MS * 1_200, "{taken:?}");
}

#[test]
fn a_holder_that_dies_behind_a_cut_path_is_replaced_when_no_witness_has_proved_its_life_for_long() {
    let mut world = settled(1, 8);
    world.partition();
    world.run_for(SECOND * 600);
    assert!(no_claim_since_the_first(&world));
    let taken = takeover(&mut world);
    assert!(taken > SECOND * 58 && taken < SECOND * 62, "{taken:?}");
}

#[test]
fn a_service_that_dies_behind_a_cut_path_is_replaced_as_late() {
    let mut world = settled(1, 9);
    world.partition();
    world.run_for(SECOND * 120);
    world.set_service(A, Service::Gone);
    let taken = world.run_until(SECOND * 100, |world| world.holds(B)).unwrap();
    assert!(taken > SECOND * 58 && taken < SECOND * 62, "{taken:?}");
}

#[test]
fn a_witness_that_brought_answers_and_brings_none_for_long_enough_is_a_testimony() {
    // The address comes to A while the path is cut: no heartbeat was ever heard since.
    let mut world = World::settled(
        Settings {
            preferred: B,
            ..settings(1)
        },
        10,
    );
    world.partition();
    world.put_address(Some(Owner::Member(A)));
    world.run_for(SECOND * 90);
    let claims = world.claims().len();
    world.crash_host(A);
    let taken = world.run_until(SECOND * 100, |world| world.holds(B)).unwrap();
    assert!(taken > SECOND * 58 && taken < SECOND * 62, "{taken:?}");
    assert_eq!(world.claims().len(), claims + 1);
    assert_eq!(
        world.claims().last().unwrap().decision.evidence.testimony,
        Some(Testimony::Witness)
    );
}

#[test]
fn in_good_times_witnesses_are_asked_every_ten_seconds() {
    let mut world = settled(1, 11);
    world.run_for(SECOND * 300);
    for member in [A, B] {
        let asked = world.host(member).questions_asked();
        assert!((30..=33).contains(&asked), "{asked}");
        let view = world.view(member).witnesses[0];
        assert!(view.proved_age.unwrap() <= SECOND * 10 && !view.is_silent);
    }
}
