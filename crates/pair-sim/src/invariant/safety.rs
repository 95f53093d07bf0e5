//! What no claim may do.

use std::time::Duration;

use pair_core::{Fitness, Holder, Link, Rule, Testimony};

use super::Judgement;
use crate::{Claim, Owner, World};

/// F-9: who holds the address outside the pair keeps it. A node may learn of a stranger late, but no later than the age at
/// which it accepts a fact, and not at all if it knows.
pub(super) fn never_claims_a_strangers_address(world: &World) -> Judgement {
    each_claim(
        world,
        |_| true,
        |claim| {
            let knows = claim.decision.evidence.holder == Some(Holder::Stranger);
            let is_strange = claim.truth == Some(Owner::Stranger) && claim.allow_reassociation;
            !(knows || is_strange && could_know(world, claim))
        },
    )
}

/// F-2, F-6: a claim from a peer that the node itself sees up and fit needs an order, a peer that yields, or `preempt`.
pub(super) fn no_claim_while_the_peer_is_up_and_fit(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| {
            let seen = &claim.decision.evidence;
            let is_outside = matches!(seen.holder, Some(Holder::Nobody | Holder::Former));
            !is_wanted(claim) && !seen.peer_yielding && !is_outside
        },
        |claim| {
            let seen = &claim.decision.evidence;
            seen.link != Link::Up || seen.peer_fitness != Some(Fitness::Fit)
        },
    )
}

/// F-6: in calm times, as the world knows them, no address leaves a member without an order, or `preempt`.
pub(super) fn no_claim_from_a_healthy_peer_in_calm_times(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| !is_wanted(claim) && takes_knowingly(world, claim),
        |claim| claim.calm_for <= world.longest_holdtime * 2,
    )
}

/// F-12: while EC2 fails and nothing else does, no address leaves a member without an order, or `preempt`.
pub(super) fn api_errors_move_nothing(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| !claim.api_is_well && !is_wanted(claim) && takes_knowingly(world, claim),
        |claim| claim.calm_for <= world.longest_holdtime * 2,
    )
}

/// F-4, F-16: soon after its own pause, a node takes nothing from a peer that was well all the time, unless EC2 says that the
/// peer's instance is stopped: that is no evidence from before the pause, right or wrong (F-8).
pub(super) fn no_claim_out_of_a_pause(world: &World) -> Judgement {
    let soon = world.longest_holdtime * 5;
    each_claim(
        world,
        |claim| {
            let by_ec2 = claim.decision.evidence.testimony == Some(Testimony::InstanceDown);
            let is_soon = claim.resumed.is_some_and(|ago| ago < soon);
            !is_wanted(claim) && !by_ec2 && takes_knowingly(world, claim) && is_soon
        },
        |claim| claim.peer_well_for <= soon,
    )
}

/// F-20: while a witness reaches both nodes, silence alone takes nothing from a peer that runs and serves.
pub(super) fn a_witness_keeps_the_address_where_it_is_served(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| {
            let by_ec2 = claim.decision.evidence.testimony == Some(Testimony::InstanceDown);
            let by_silence = claim.decision.rule == Rule::F6a && !by_ec2 && !claim.decision.evidence.ordered;
            by_silence && world.settings().witnesses.count > 0 && takes_knowingly(world, claim)
        },
        |claim| claim.witnessed_for <= world.longest_holdtime * 2,
    )
}

/// F-11: a claim is one call at a time.
pub(super) fn at_most_one_call_in_flight_per_claim(world: &World) -> Judgement {
    each_claim(world, |_| true, |claim| claim.in_flight <= 1)
}

/// F-5: a claim stands on a read at most 5 s old, or on the peer's word of as much.
pub(super) fn never_claims_without_a_fact(world: &World) -> Judgement {
    each_claim(
        world,
        |_| true,
        |claim| {
            let fresh = Duration::from_secs(5) + SLACK;
            let read = claim.read_age.is_some_and(|age| age <= fresh);
            let word = claim.word_age_when_said.is_some_and(|age| age <= fresh);
            claim.decision.evidence.holder.is_some() && (read || word)
        },
    )
}

/// F-5: who cannot serve does not take what has to be served, nor does one that would knock off another address.
pub(super) fn never_claims_while_unfit(world: &World) -> Judgement {
    each_claim(
        world,
        |_| true,
        |claim| {
            let seen = &claim.decision.evidence;
            seen.fitness == Fitness::Fit && seen.can_land && !seen.has_neighbour
        },
    )
}

/// F-8: the silence of heartbeats moves the address once; to take it a second time, life must have come in between. A claim
/// from a node that holds the address already, by a request of its own that landed late, moves nothing.
pub(super) fn a_silence_moves_the_address_once(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| {
            let testimony = claim.decision.evidence.testimony;
            claim.decision.rule == Rule::F6a && testimony == Some(Testimony::Heartbeats) && takes_from_peer(claim)
        },
        |claim| claim.won_in_this_silence == 0,
    )
}

/// F-14: a node of which a hold was asked claims nothing while it lasts, but for orders and a peer that yields; nor does one
/// that has heard of it.
pub(super) fn holds_are_kept(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| world.is_held() || claim.is_held,
        |claim| {
            let seen = &claim.decision.evidence;
            let is_ordered = seen.ordered || claim.decision.rule == Rule::F6b;
            is_ordered || seen.released || (!claim.is_held && !seen.on_hold)
        },
    )
}

/// F-15: a node that has itself made three moves within ten minutes waits half a minute at least before a further one that
/// costs something.
pub(super) fn the_budget_is_respected(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| {
            let by_ec2 = claim.decision.evidence.testimony == Some(Testimony::InstanceDown);
            let by_rule = matches!(claim.decision.rule, Rule::F6a | Rule::F6c | Rule::F6f);
            by_rule && !by_ec2 && !claim.decision.evidence.ordered
        },
        |claim| {
            let (moves, last) = claim.own_moves;
            moves < 3 || last.is_some_and(|ago| ago >= Duration::from_secs(30))
        },
    )
}

/// F-14: what other settings make ripe waits for a holdtime, like what a bar has kept back: a reload causes no claim.
pub(super) fn no_claim_right_after_a_reload(world: &World) -> Judgement {
    each_claim(
        world,
        |claim| {
            let seen = &claim.decision.evidence;
            claim.reloaded.is_some() && !seen.ordered && !seen.released && claim.decision.rule != Rule::F6b
        },
        |claim| claim.reloaded.is_none_or(|(ago, holdtime)| ago >= holdtime),
    )
}

/// Whether an order or `preempt` asks for the claim.
fn is_wanted(claim: &Claim) -> bool {
    let by_rule = matches!(claim.decision.rule, Rule::F6b | Rule::F6e | Rule::F6f);
    by_rule || claim.decision.evidence.ordered
}

fn takes_from_peer(claim: &Claim) -> bool {
    claim.allow_reassociation && claim.truth == Some(Owner::Member(claim.by.peer()))
}

/// Whether the claim takes the address from the peer, and the node knew that, or could.
fn takes_knowingly(world: &World, claim: &Claim) -> bool {
    let knows = claim.has_found_peer && claim.decision.evidence.holder == Some(Holder::Member(claim.by.peer()));
    takes_from_peer(claim) && (knows || could_know(world, claim))
}

/// Whether a node could know who holds the address: not yet while reads and IMDS show what was before an operator moved it.
fn could_know(world: &World, claim: &Claim) -> bool {
    claim.truth_for > world.longest_imds_lag + world.longest_stale + LATE_FACT
}

/// Judges the claims of the present step that an invariant is about.
fn each_claim(world: &World, is_about: impl Fn(&Claim) -> bool, holds: impl Fn(&Claim) -> bool) -> Judgement {
    let mut judged = 0;
    for claim in world.new_claims().iter().filter(|claim| is_about(claim)) {
        if !holds(claim) {
            return Err(format!("{claim:#?}"));
        }
        judged += 1;
    }
    Ok(judged)
}

/// The age at which a fact is accepted (5 s), a silence and a call on top.
const LATE_FACT: Duration = Duration::from_secs(10);

/// The time between a decision and its request.
const SLACK: Duration = Duration::from_millis(500);
