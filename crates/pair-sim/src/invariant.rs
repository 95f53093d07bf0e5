//! What must hold after every step, whatever happens.
//!
//! Each is a function of the world with a name that says it; `docs/FAILOVER.md` quotes them by these names. It says, too,
//! whether it had anything to judge: an invariant whose precondition never held has shown nothing.

mod liveness;
mod machine;
mod safety;

use std::fmt;

use crate::World;

use liveness::{a_dead_holder_is_replaced, no_node_is_wrong_about_itself_for_long};
use machine::{timers_move_forward, work_is_bounded};
use safety::{
    a_silence_moves_the_address_once, a_witness_keeps_the_address_where_it_is_served, api_errors_move_nothing,
    at_most_one_call_in_flight_per_claim, holds_are_kept, never_claims_a_strangers_address, never_claims_while_unfit,
    never_claims_without_a_fact, no_claim_from_a_healthy_peer_in_calm_times, no_claim_out_of_a_pause,
    no_claim_right_after_a_reload, no_claim_while_the_peer_is_up_and_fit, the_budget_is_respected,
};

/// A named condition on the world.
#[derive(Clone, Copy)]
pub struct Invariant {
    /// The name, as `docs/FAILOVER.md` quotes it.
    pub name: &'static str,
    check: fn(&World) -> Judgement,
}

/// How many things an invariant had to judge in a step, or what it saw that must not be.
type Judgement = Result<u64, String>;

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
    api_errors_move_nothing,
    no_claim_out_of_a_pause,
    no_claim_right_after_a_reload,
    a_witness_keeps_the_address_where_it_is_served,
    at_most_one_call_in_flight_per_claim,
    never_claims_without_a_fact,
    never_claims_while_unfit,
    a_silence_moves_the_address_once,
    holds_are_kept,
    the_budget_is_respected,
    a_dead_holder_is_replaced,
    no_node_is_wrong_about_itself_for_long,
    timers_move_forward,
    work_is_bounded,
);

/// Checks every invariant, and counts what each had to judge.
pub(crate) fn check(world: &mut World) -> Result<(), Violation> {
    for (place, invariant) in INVARIANTS.iter().enumerate() {
        match (invariant.check)(world) {
            Ok(judged) => world.tally.judged[place] += judged,
            Err(seen) => {
                return Err(Violation {
                    invariant: invariant.name,
                    seen,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
