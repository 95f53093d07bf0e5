//! What a soak has covered, as a table.

use std::time::Duration;

use pair_sim::{Fault, INVARIANTS, Tally};

/// Prints the counts of a soak that took so long.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn print(tally: &Tally, took: Duration) {
    let hours = tally.seconds as f64 / 3_600.0;
    println!(
        "{} histories, {} failovers, {hours:.0} simulated hours in {:.0} s: {:.1} hours per second",
        tally.histories,
        tally.failovers,
        took.as_secs_f64(),
        hours / took.as_secs_f64()
    );
    println!("\nclaims by rule");
    for (rule, count) in &tally.claims {
        println!("  {count:>12}  {rule}");
    }
    println!("\nfaults by kind");
    for (verb, count) in Fault::VERBS.iter().zip(&tally.faults) {
        println!("  {count:>12}  {verb}");
    }
    println!("\ninvariants, and how often each had something to judge");
    for (invariant, count) in INVARIANTS.iter().zip(&tally.judged) {
        println!("  {count:>12}  {}", invariant.name);
    }
}
