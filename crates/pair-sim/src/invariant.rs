//! What must hold after every step, whatever happens.
//!
//! Each is a function of the world with a name that says it; `docs/FAILOVER.md` quotes them by these names.

use std::{fmt, time::Duration};

use pair_core::{Fitness, Holder, Link, Rule, Testimony};

use crate::{Claim, Owner, World};

/// A named condition on the world.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// The name, as `docs/FAILOVER.md` quotes it.
    pub name: &'static str,
    check: fn(&World) -> Result<(), String>,
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.seen)
    }
}

macro_rules! invariants {
    ($($name:ident),* $(,)?) => {
        /// Every invariant.
        pub const INVARIANTS: &[Invariant] = &[$(Invariant { name: stringify!($name), check: $name }),*];
    };
}

invariants!(
    never_claims_a_strangers_address,
    no_claim_while_the_peer_is_up_and_fit,
    no_claim_from_a_healthy_peer_in_calm_times,
    at_most_one_call_in_flight_per_claim,
    never_claims_without_a_fact,
    never_claims_while_unfit,
    a_silence_moves_the_address_once,
    timers_move_forward,
    work_is_bounded,
);

/// Checks every invariant.
pub(crate) fn check(world: &World) -> Result<(), Violation> {
    INVARIANTS.iter().try_for_each(|invariant| {
        (invariant.check)(world).map_err(|seen| Violation {
            invariant: invariant.name,
            seen,
        })
    })
}

/// F-9: who holds the address outside the pair keeps it. A node may learn of a stranger late, but no later than the age at
/// which it accepts a fact, and not at all if it knows.
fn never_claims_a_strangers_address(world: &World) -> Result<(), String> {
    each_claim(world, |claim| {
        let knows = claim.decision.evidence.holder == Some(Holder::Stranger);
        let could_know = claim.truth == Some(Owner::Stranger)
            && claim.allow_reassociation
            && claim.truth_for > world.settings().imds_lag + world.stale_by() + LATE_FACT;
        !knows && !could_know
    })
}

/// F-2, F-6: a claim from a peer that the node itself sees up and fit needs an order, a peer that yields, or `preempt`.
fn no_claim_while_the_peer_is_up_and_fit(world: &World) -> Result<(), String> {
    each_claim(world, |claim| {
        let seen = &claim.decision.evidence;
        let by_rule = claim.decision.rule == Rule::F6f;
        let wanted = by_rule || seen.ordered || seen.peer_yielding || seen.holder == Some(Holder::Nobody);
        wanted || seen.link != Link::Up || seen.peer_fitness != Some(Fitness::Fit)
    })
}

/// F-6: in calm times, as the world knows them, no address leaves a member without an order, or `preempt`.
fn no_claim_from_a_healthy_peer_in_calm_times(world: &World) -> Result<(), String> {
    each_claim(world, |claim| {
        let wanted = matches!(claim.decision.rule, Rule::F6e | Rule::F6b | Rule::F6f);
        let calm = claim.calm_for > world.settings().holdtime * 2;
        let from_peer = claim.truth == Some(Owner::Member(claim.by.peer()));
        wanted || !calm || !from_peer || !claim.allow_reassociation
    })
}

/// F-11: a claim is one call at a time.
fn at_most_one_call_in_flight_per_claim(world: &World) -> Result<(), String> {
    each_claim(world, |claim| claim.in_flight <= 1)
}

/// F-5: a claim stands on a read at most 5 s old, or on the peer's word of as much.
fn never_claims_without_a_fact(world: &World) -> Result<(), String> {
    each_claim(world, |claim| {
        let fresh = Duration::from_secs(5) + SLACK;
        let read = claim.read_age.is_some_and(|age| age <= fresh);
        let word = claim.word_age_when_said.is_some_and(|age| age <= fresh);
        claim.decision.evidence.holder.is_some() && (read || word)
    })
}

/// F-5: who cannot serve does not take what has to be served.
fn never_claims_while_unfit(world: &World) -> Result<(), String> {
    each_claim(world, |claim| {
        claim.decision.evidence.fitness == Fitness::Fit && claim.decision.evidence.can_land
    })
}

/// F-8: the silence of heartbeats moves the address once; to take it a second time, life must have come in between.
fn a_silence_moves_the_address_once(world: &World) -> Result<(), String> {
    each_claim(world, |claim| {
        let by_silence =
            claim.decision.rule == Rule::F6a && claim.decision.evidence.testimony == Some(Testimony::Heartbeats);
        !by_silence || claim.won_in_this_silence == 0
    })
}

/// A node that has just been woken wants to be woken later, not at once again.
fn timers_move_forward(world: &World) -> Result<(), String> {
    match world.stuck_timer() {
        None => Ok(()),
        Some(timer) => Err(format!("{timer} is due again at once")),
    }
}

/// No queue grows and no loop spins: the calls and wake-ups of a second are bounded.
fn work_is_bounded(world: &World) -> Result<(), String> {
    let (wakes, calls) = world.work_in_this_second();
    if wakes <= MOST_WAKES && calls <= MOST_CALLS {
        Ok(())
    } else {
        Err(format!("{wakes} wake-ups and {calls} calls within a second"))
    }
}

fn each_claim(world: &World, holds: impl Fn(&Claim) -> bool) -> Result<(), String> {
    match world.new_claims().iter().find(|claim| !holds(claim)) {
        None => Ok(()),
        Some(claim) => Err(format!("{claim:#?}")),
    }
}

/// The age at which a fact is accepted (5 s), a silence and a call on top.
const LATE_FACT: Duration = Duration::from_secs(10);

/// The time between a decision and its request.
const SLACK: Duration = Duration::from_millis(500);

/// Two nodes in a burst of queries are woken every 10 ms each; the rest is room.
const MOST_WAKES: u32 = 600;

/// Two nodes that claim and read at once make a handful of calls a second.
const MOST_CALLS: u32 = 40;

#[cfg(test)]
mod tests {
    use pair_core::{Instant, Member, Verdict};

    use super::*;
    use crate::{A, B, Settings};

    /// The name of the invariant that a claim of B violates in an ordinary takeover, changed by `change`.
    fn violated(change: impl Fn(&mut Claim)) -> Option<&'static str> {
        let mut world = World::settled(Settings::default(), 1);
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
            calm_for: Duration::ZERO,
            won_in_this_silence: 0,
        };
        change(&mut claim);
        world.claims.push(claim);
        check(&world).err().map(|violation| violation.invariant)
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
    }

    #[test]
    fn every_invariant_about_work_can_be_violated() {
        let mut world = World::settled(Settings::default(), 1);
        world.stuck = Some("Beat".to_owned());
        assert_eq!(check(&world).unwrap_err().invariant, "timers_move_forward");
        world.stuck = None;
        world.count_work(MOST_WAKES + 1, 0);
        assert_eq!(check(&world).unwrap_err().invariant, "work_is_bounded");
    }
}
