//! What all scenarios together say of the status.

use e2e::worst_of_all;

/// Named to begin when no other is left to begin: tests run in the order of their names.
#[test]
fn zz_no_status_told_a_wrong_holder_for_longer_than_the_bound() {
    let (scenario, findings, scenarios) = worst_of_all();
    println!("longest disagreement about the holder in {scenarios} scenarios: {findings}, in {scenario}");
    assert!(findings.are_within_the_bound());
}
