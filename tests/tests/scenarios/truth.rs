//! What all scenarios together say of the status.

use std::time::Duration;

use e2e::{Watch, worst_of_all};

/// Called so that it begins when no other is left to begin: tests run in the order of their names.
#[test]
fn zz_no_status_told_a_wrong_holder_for_longer_than_the_bound() {
    let (worst, scenarios) = worst_of_all();
    match worst {
        Some((scenario, longest)) => {
            println!("longest disagreement about the holder of {scenarios} scenarios: {longest}, in {scenario}");
            assert!(Duration::from_millis(longest.ms()) <= Watch::BOUND);
        }
        None => println!("longest disagreement about the holder of {scenarios} scenarios: 0 ms"),
    }
}
