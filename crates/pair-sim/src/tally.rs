//! What has happened so far, in numbers: a soak in which something never happened has shown nothing about it.

use std::collections::BTreeMap;

use pair_core::Rule;

use crate::{Fault, INVARIANTS, Shape};

/// Counts over one history or many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many histories were played.
    pub histories: u64,
    /// How long they were, in seconds of simulated time.
    pub seconds: u64,
    /// How often the address moved from one member to the other without an order.
    pub failovers: u64,
    /// How many claims left a node, by the rule that said so.
    pub claims: BTreeMap<Rule, u64>,
    /// How many faults struck, by their verb, in the order of [`Fault::VERBS`].
    pub faults: Vec<u64>,
    /// How often each invariant had something to judge, in the order of [`INVARIANTS`].
    pub judged: Vec<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            histories: 0,
            seconds: 0,
            failovers: 0,
            claims: BTreeMap::new(),
            faults: vec![0; Fault::VERBS.len()],
            judged: vec![0; INVARIANTS.len()],
        }
    }
}

impl Tally {
    pub(crate) fn struck(&mut self, fault: Fault) {
        let place = Fault::VERBS.iter().position(|verb| *verb == fault.verb());
        self.faults[place.expect("every fault has a verb")] += 1;
    }

    pub(crate) fn claimed(&mut self, rule: Rule) {
        *self.claims.entry(rule).or_default() += 1;
    }

    /// Adds what another history has seen.
    pub fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.seconds += other.seconds;
        self.failovers += other.failovers;
        for (rule, count) in &other.claims {
            *self.claims.entry(*rule).or_default() += count;
        }
        let sum = |mine: &mut [u64], theirs: &[u64]| {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        };
        sum(&mut self.faults, &other.faults);
        sum(&mut self.judged, &other.judged);
    }

    /// What has happened less often than `least` faults of each kind that is known to such pairs, or not at all.
    #[must_use]
    pub fn lacking(&self, least: u64, shape: Shape) -> Vec<String> {
        let faults = Fault::VERBS.iter().zip(&self.faults);
        let faults = faults.filter(|(verb, count)| **count < least && shape.knows(verb));
        let faults = faults.map(|(verb, count)| format!("fault {verb}: {count} of {least}"));
        let judged = INVARIANTS.iter().zip(&self.judged).filter(|(_, count)| **count == 0);
        let judged = judged.map(|(invariant, _)| format!("invariant {}: never judged", invariant.name));
        let claims = CLAIMING.iter().filter(|rule| !self.claims.contains_key(rule));
        let claims = claims.map(|rule| format!("claims by {rule}: none"));
        faults.chain(judged).chain(claims).collect()
    }
}

/// The rules that claim.
const CLAIMING: &[Rule] = &[
    Rule::F6a,
    Rule::F6b,
    Rule::F6c,
    Rule::F6d,
    Rule::F6e,
    Rule::F6f,
    Rule::F9,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_lacking() {
        let mut tally = Tally::default();
        let all = Fault::VERBS.len() + INVARIANTS.len() + CLAIMING.len();
        let found = Shape {
            is_found: true,
            ..Shape::default()
        };
        assert_eq!(tally.lacking(1, found).len(), all);
        assert_eq!(tally.lacking(1, Shape::default()).len(), all - 1);
        tally.struck(Fault::Heal);
        tally.claimed(Rule::F6a);
        tally.judged[0] = 1;
        assert_eq!(tally.lacking(1, found).len(), all - 3);
        assert!(tally.lacking(2, found).contains(&"fault heal: 1 of 2".to_owned()));
    }

    #[test]
    fn counts_of_two_histories_add_up() {
        let mut one = Tally::default();
        one.struck(Fault::Heal);
        one.claimed(Rule::F6a);
        let mut both = one.clone();
        both.add(&one);
        assert_eq!(both.claims[&Rule::F6a], 2);
        assert_eq!(both.faults.iter().sum::<u64>(), 2);
    }
}
