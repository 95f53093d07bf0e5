//! Storms as a table: one row for each size, with the worst of its storms.

use std::{
    fmt::{Error, Write as _},
    time::Duration,
};

use pair_sim::storm::Figures;

/// The table of these storms.
pub(crate) fn table(storms: &[Figures]) -> Result<String, Error> {
    let mut text = String::new();
    writeln!(
        text,
        "| pairs | storms | optimum | all moved | × optimum | median wait | p99 | longest | starved | claims per address | describes per address |"
    )?;
    writeln!(
        text,
        "| --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"
    )?;
    for size in sizes(storms) {
        let worst = |value: &dyn Fn(&Figures) -> f64| size.iter().map(value).fold(0.0, f64::max);
        let slowest = |value: &dyn Fn(&Figures) -> Duration| size.iter().map(value).max().unwrap_or_default();
        let starved: u32 = size.iter().map(|storm| storm.starved).sum();
        let Some(first) = size.first() else { continue };
        writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} | {} | {} | {} | {starved} | {:.2} | {:.2} |",
            first.pairs,
            size.len(),
            seconds(first.optimum),
            seconds(slowest(&|storm| storm.waits.longest())),
            worst(&Figures::ratio),
            seconds(slowest(&|storm| storm.waits.percentile(50))),
            seconds(slowest(&|storm| storm.waits.percentile(99))),
            seconds(slowest(&|storm| storm.waits.longest())),
            worst(&|storm| storm.per_address(storm.claims)),
            worst(&|storm| storm.per_address(storm.describes)),
        )?;
    }
    Ok(text)
}

/// The storms of each size, which stand together.
fn sizes(storms: &[Figures]) -> impl Iterator<Item = &[Figures]> {
    storms.chunk_by(|one, other| one.pairs == other.pairs)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
