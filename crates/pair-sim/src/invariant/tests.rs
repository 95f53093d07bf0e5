use std::time::Duration;

use pair_core::{Fitness, Holder, Instant, Link, Member, Rule, Testimony, Verdict};

use super::{machine::MOST_WAKES, *};
use crate::{A, B, Claim, Owner, Settings};

/// The name of the invariant that a claim of B violates in an ordinary takeover, changed by `change`.
fn violated(change: impl Fn(&mut Claim)) -> Option<&'static str> {
    let mut world = World::settled(Settings::default().with_witnesses(1), 1);
    let decision = world.host(B).node().map(pair_core::Node::decide);
    let mut decision = decision.expect("B runs");
    decision.rule = Rule::F6a;
    decision.verdict = Verdict::Claim {
        allow_reassociation: true,
    };
    decision.evidence.holder = Some(Holder::Member(A));
    decision.evidence.link = Link::PresumedDead;
    decision.evidence.testimony = Some(Testimony::Heartbeats);
    let mut claim = Claim {
        at: Instant::ZERO,
        by: Member::Second,
        decision,
        allow_reassociation: true,
        truth: Some(Owner::Member(A)),
        truth_for: Duration::from_secs(100),
        in_flight: 1,
        read_age: Some(Duration::from_secs(1)),
        word_age_when_said: Some(Duration::from_secs(1)),
        word_heard: Some(Duration::from_secs(1)),
        has_found_peer: true,
        calm_for: Duration::ZERO,
        api_is_well: true,
        resumed: None,
        reloaded: None,
        peer_well_for: Duration::ZERO,
        witnessed_for: Duration::ZERO,
        is_held: false,
        own_moves: (0, None),
        won_in_this_silence: 0,
    };
    change(&mut claim);
    world.claims.push(claim);
    check(&mut world).err().map(|violation| violation.invariant)
}

#[test]
fn an_ordinary_takeover_violates_nothing() {
    assert_eq!(violated(|_| ()), None);
}

#[test]
fn every_invariant_about_claims_can_be_violated() {
    let strange = "never_claims_a_strangers_address";
    assert_eq!(violated(|claim| claim.truth = Some(Owner::Stranger)), Some(strange));
    let known = violated(|claim| claim.decision.evidence.holder = Some(Holder::Stranger));
    assert_eq!(known, Some(strange));
    let up = violated(|claim| {
        claim.decision.evidence.link = Link::Up;
        claim.decision.evidence.peer_fitness = Some(Fitness::Fit);
    });
    assert_eq!(up, Some("no_claim_while_the_peer_is_up_and_fit"));
    let calm = violated(|claim| claim.calm_for = Duration::from_secs(3));
    assert_eq!(calm, Some("no_claim_from_a_healthy_peer_in_calm_times"));
    let witnessed = violated(|claim| claim.witnessed_for = Duration::from_secs(3));
    assert_eq!(witnessed, Some("a_witness_keeps_the_address_where_it_is_served"));
    let two = violated(|claim| claim.in_flight = 2);
    assert_eq!(two, Some("at_most_one_call_in_flight_per_claim"));
    let old = violated(|claim| {
        claim.read_age = Some(Duration::from_secs(6));
        claim.word_age_when_said = None;
    });
    assert_eq!(old, Some("never_claims_without_a_fact"));
    let unfit = violated(|claim| claim.decision.evidence.fitness = Fitness::Unknown);
    assert_eq!(unfit, Some("never_claims_while_unfit"));
    let again = violated(|claim| claim.won_in_this_silence = 1);
    assert_eq!(again, Some("a_silence_moves_the_address_once"));
    let by_errors = violated(|claim| {
        claim.api_is_well = false;
        claim.calm_for = Duration::from_secs(3);
        claim.decision.evidence.peer_yielding = true;
    });
    // In calm times it is broken besides; the first of both is told.
    assert_eq!(by_errors, Some("no_claim_from_a_healthy_peer_in_calm_times"));
    let paused = violated(|claim| {
        claim.resumed = Some(Duration::from_secs(1));
        claim.peer_well_for = Duration::from_secs(9);
    });
    assert_eq!(paused, Some("no_claim_out_of_a_pause"));
    let reloaded = violated(|claim| claim.reloaded = Some((Duration::from_millis(999), Duration::from_secs(1))));
    assert_eq!(reloaded, Some("no_claim_right_after_a_reload"));
    let held = violated(|claim| claim.is_held = true);
    assert_eq!(held, Some("holds_are_kept"));
    let soon = violated(|claim| claim.own_moves = (3, Some(Duration::from_secs(29))));
    assert_eq!(soon, Some("the_budget_is_respected"));
}

#[test]
fn every_invariant_about_time_can_be_violated() {
    let later = |world: &World, seconds| world.now() - Duration::from_secs(seconds);
    let mut world = World::settled(Settings::default(), 1);
    world.follow.orphaned = Some(later(&world, 144));
    assert_eq!(check(&mut world).unwrap_err().invariant, "a_dead_holder_is_replaced");
    world.follow.orphaned = Some(later(&world, 142));
    assert_eq!(check(&mut world), Ok(()));
    let mut world = World::settled(Settings::default(), 1);
    world.follow.wrong[0] = Some(later(&world, 20));
    let wrong = check(&mut world).unwrap_err();
    assert_eq!(wrong.invariant, "no_node_is_wrong_about_itself_for_long");
}

#[test]
fn every_invariant_about_work_can_be_violated() {
    let mut world = World::settled(Settings::default(), 1);
    world.stuck = Some("Beat".to_owned());
    assert_eq!(check(&mut world).unwrap_err().invariant, "timers_move_forward");
    world.stuck = None;
    world.count_work(MOST_WAKES + 1, 0);
    assert_eq!(check(&mut world).unwrap_err().invariant, "work_is_bounded");
}
