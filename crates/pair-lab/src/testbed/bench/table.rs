//! The comparison as a table, and the ratios that must hold.

use std::fmt::Write as _;

use serde::Serialize;

use super::super::contender::{Contender, Profile};
use super::super::figures::Spread;
use super::super::keepalived::Flavour;
use super::super::report::Report;

/// How much shorter an outage of paird is than that of its counterpart.
#[derive(Debug, Serialize)]
pub(super) struct Ratio {
    scenario: &'static str,
    contender: &'static str,
    counterpart: &'static str,
    /// Of the medians; nothing if one of both is missing.
    value: Option<f64>,
    /// What it must be; nothing if it is only told.
    at_least: Option<f64>,
    pub(super) holds: bool,
}

/// A row: a figure of a scenario, in words.
struct Row {
    scenario: &'static str,
    figure: &'static str,
    words: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A time: median with the extremes.
    Time,
    /// In how many runs it was more than none.
    Runs,
    /// How much it was in all runs together.
    Sum,
}

/// Compares the medians of the outages.
pub(super) fn ratios(reports: &[Report]) -> Vec<Ratio> {
    let rows = ROWS.iter().filter(|row| row.kind == Kind::Time);
    let pairs = rows.flat_map(|row| COUNTERPARTS.map(|(ours, theirs, at_least)| (row, ours, theirs, at_least)));
    let ratios = pairs.filter_map(|(row, ours, theirs, at_least)| {
        let (ours, theirs) = (find(reports, row, ours)?, find(reports, row, theirs)?);
        let median = |report: &Report| Spread::of(row.figure, &report.runs).map(|spread| spread.median as f64);
        let value = median(theirs).zip(median(ours)).map(|(theirs, ours)| theirs / ours);
        let at_least = Some(at_least).filter(|_| row.scenario == DEATH);
        Some(Ratio {
            scenario: row.scenario,
            contender: ours.contender.name(),
            counterpart: theirs.contender.name(),
            value,
            at_least,
            holds: at_least.is_none_or(|at_least| value.is_some_and(|value| value >= at_least)),
        })
    });
    ratios.collect()
}

/// Writes the table, with the ratios in its last columns.
pub(super) fn markdown(reports: &[Report], contenders: &[Contender]) -> String {
    let ratios = ratios(reports);
    let pairs = COUNTERPARTS.map(|(ours, theirs, _)| (ours.name(), theirs.name()));
    let pairs: Vec<_> = pairs
        .into_iter()
        .filter(|(ours, theirs)| {
            ratios
                .iter()
                .any(|ratio| (ratio.contender, ratio.counterpart) == (*ours, *theirs))
        })
        .collect();
    let mut text = String::from("| fault |");
    for contender in contenders {
        append(&mut text, format_args!(" {contender} |"));
    }
    for (ours, theirs) in &pairs {
        append(&mut text, format_args!(" {theirs} / {ours} |"));
    }
    append(
        &mut text,
        format_args!("\n|{}\n", " --- |".repeat(1 + contenders.len() + pairs.len())),
    );
    let is_played = |row: &&Row| reports.iter().any(|report| report.scenario.name == row.scenario);
    for row in ROWS.iter().filter(is_played) {
        append(&mut text, format_args!("| {} |", row.words));
        for contender in contenders {
            let cell = find(reports, row, *contender).map_or_else(String::new, |report| cell(row, report));
            append(&mut text, format_args!(" {cell} |"));
        }
        for (ours, theirs) in &pairs {
            let is_it = |ratio: &&Ratio| {
                row.kind == Kind::Time
                    && (ratio.scenario, ratio.contender, ratio.counterpart) == (row.scenario, ours, theirs)
            };
            let value = ratios.iter().find(is_it).and_then(|ratio| ratio.value);
            let value = value.map_or_else(String::new, |value| format!("{value:.1}"));
            append(&mut text, format_args!(" {value} |"));
        }
        text.push('\n');
    }
    text
}

impl Ratio {
    /// Says it in words.
    pub(super) fn words(&self) -> String {
        let value = self
            .value
            .map_or_else(|| "unknown".to_owned(), |value| format!("{value:.2}"));
        let bound = match (self.at_least, self.holds) {
            (None, _) => String::new(),
            (Some(at_least), true) => format!(", held: at least {at_least}"),
            (Some(at_least), false) => format!(", BROKEN: at least {at_least}"),
        };
        let Self {
            scenario,
            contender,
            counterpart,
            ..
        } = self;
        format!("{scenario}: {counterpart} / {contender} = {value}{bound}")
    }
}

fn find<'report>(reports: &'report [Report], row: &Row, contender: Contender) -> Option<&'report Report> {
    reports
        .iter()
        .find(|report| report.scenario.name == row.scenario && report.contender == contender)
}

fn cell(row: &Row, report: &Report) -> String {
    let runs = report.runs.len();
    let Some(spread) = Spread::of(row.figure, &report.runs) else {
        return if runs == 0 {
            "not played".to_owned()
        } else {
            format!("never, n = {runs}")
        };
    };
    let values = report.runs.iter().filter_map(|run| run.figures.get(row.figure));
    match row.kind {
        Kind::Time => {
            let Spread { n, median, min, max } = spread;
            let never = if n < runs {
                format!(", never in {}", runs - n)
            } else {
                String::new()
            };
            format!("{median} ({min}–{max}), n = {runs}{never}")
        }
        Kind::Runs => format!("{} of {runs}", values.filter(|value| **value > 0).count()),
        Kind::Sum => values.sum::<u64>().to_string(),
    }
}

fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a string takes everything");
}

/// The rows that tell an outage are drawn, too.
pub(super) const OUTAGES: [(&str, &str); 3] = [
    (DEATH, "host dies"),
    ("haproxy-killed", "HAProxy killed"),
    ("haproxy-hung", "HAProxy hangs"),
];

const DEATH: &str = "host-death";

const ROWS: [Row; 8] = [
    Row::new(DEATH, "outage_ms", "silent host death: outage, ms", Kind::Time),
    Row::new("haproxy-killed", "outage_ms", "HAProxy killed: outage, ms", Kind::Time),
    Row::new("haproxy-hung", "outage_ms", "HAProxy hung: outage, ms", Kind::Time),
    Row::new(
        "agent-killed",
        "moves",
        "agent killed, HAProxy fine: runs with a needless move",
        Kind::Runs,
    ),
    Row::new(
        "agent-killed",
        "failed",
        "… requests that failed, in all runs",
        Kind::Sum,
    ),
    Row::new(
        "path-cut",
        "moves",
        "path between the nodes cut for 60 s: needless moves, in all runs",
        Kind::Sum,
    ),
    Row::new(
        "path-cut",
        "lost_failovers",
        "… healed, then the holder dies: failovers that never came",
        Kind::Runs,
    ),
    Row::new("path-cut", "outage_ms", "… those that came: outage, ms", Kind::Time),
];

/// Who is compared with whom, and how much shorter the outage must be when a host dies.
const COUNTERPARTS: [(Contender, Contender, f64); 2] = [
    (
        Contender::Paird(Profile::Default),
        Contender::Keepalived(Flavour::Standard),
        3.5,
    ),
    (
        Contender::Paird(Profile::Fast),
        Contender::Keepalived(Flavour::Fast),
        2.3,
    ),
];

impl Row {
    const fn new(scenario: &'static str, figure: &'static str, words: &'static str, kind: Kind) -> Self {
        Self {
            scenario,
            figure,
            words,
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::figures::Run;
    use super::super::super::scenario;
    use super::*;

    fn report(contender: Contender, outages: &[Option<u64>]) -> Report {
        let run = |outage: &Option<u64>| Run {
            number: 1,
            holder: "a".to_owned(),
            figures: outage.map(|outage| ("outage_ms", outage)).into_iter().collect(),
            calls: Vec::new(),
        };
        let scenario = scenario::find(DEATH).unwrap();
        Report::of(scenario, contender, outages.iter().map(run).collect())
    }

    const OURS: Contender = Contender::Paird(Profile::Default);
    const THEIRS: Contender = Contender::Keepalived(Flavour::Standard);

    #[test]
    fn a_ratio_is_that_of_the_medians_and_has_a_bound_when_a_host_dies() {
        let reports = [
            report(OURS, &[Some(900), Some(1000), Some(1100)]),
            report(THEIRS, &[Some(3600)]),
        ];
        let ratios = ratios(&reports);
        assert_eq!(ratios.len(), 1);
        assert_eq!(
            ratios[0].words(),
            "host-death: keepalived-std / paird-default = 3.60, held: at least 3.5"
        );
        let reports = [report(OURS, &[Some(1000)]), report(THEIRS, &[None])];
        assert!(!super::ratios(&reports)[0].holds);
    }

    #[test]
    fn the_table_tells_what_never_came() {
        let reports = [
            report(OURS, &[Some(900), Some(1000)]),
            report(THEIRS, &[Some(4000), None]),
        ];
        let text = markdown(&reports, &[OURS, THEIRS]);
        assert_eq!(
            text,
            "| fault | paird-default | keepalived-std | keepalived-std / paird-default |\n\
             | --- | --- | --- | --- |\n\
             | silent host death: outage, ms | 950 (900–1000), n = 2 | 4000 (4000–4000), n = 2, never in 1 | 4.2 |\n"
        );
    }
}
