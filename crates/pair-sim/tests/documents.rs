//! The documents quote every invariant by its name, and say how many kinds of faults there are.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::{fs, path::Path};

use pair_sim::{Fault, INVARIANTS};

fn rules_of_failover() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join("docs/FAILOVER.md")).unwrap()
}

#[test]
fn every_invariant_is_quoted_by_its_name_and_no_other() {
    let document = rules_of_failover();
    let quoted: Vec<&str> = document
        .lines()
        .skip_while(|line| *line != "## Invariants")
        .take_while(|line| *line != "## Bugs of others")
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(name, _)| name)
        .collect();
    let known: Vec<&str> = INVARIANTS.iter().map(|invariant| invariant.name).collect();
    assert_eq!(quoted, known);
}

#[test]
fn the_number_of_kinds_of_faults_is_the_one_that_is_told() {
    let told = format!("faults of {} kinds", Fault::VERBS.len());
    assert!(rules_of_failover().contains(&told), "{told}");
}
