//! What idle nodes cost as a table, and the limits that must hold.

use std::fmt::Write as _;

use super::super::contender::{Contender, Profile};
use super::idle::Idle;
use super::verdict::Verdict;

/// Holds the limits against the profile for which they are made, if it was measured.
pub(super) fn verdicts(costs: &[Idle]) -> Vec<Verdict> {
    let Some(idle) = costs.iter().find(|idle| idle.name == LIMITED.name()) else {
        return Vec::new();
    };
    LIMITS
        .iter()
        .map(|(figure, read, at_most)| Verdict::at_most(LIMITED.name(), figure, read(idle), *at_most))
        .collect()
}

/// Writes the table: a row for each figure, a column for each contender.
pub(super) fn markdown(costs: &[Idle]) -> String {
    let mut text = String::from("| idle node |");
    for idle in costs {
        append(&mut text, format_args!(" {} |", idle.name));
    }
    append(&mut text, format_args!("\n| --- |{}\n", " --: |".repeat(costs.len())));
    for (words, cell) in ROWS {
        append(&mut text, format_args!("| {words} |"));
        for idle in costs {
            append(&mut text, format_args!(" {} |", cell(idle)));
        }
        text.push('\n');
    }
    text
}

fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a string takes everything");
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn start(idle: &Idle) -> String {
    idle.start_ms.map_or_else(
        || "none".to_owned(),
        |spread| format!("{} ({}–{})", spread.median, spread.min, spread.max),
    )
}

/// The profile that the limits are for.
const LIMITED: Contender = Contender::Paird(Profile::Default);

/// A figure in words, how it is read, and what it may be.
type Limit = (&'static str, fn(&Idle) -> f64, f64);

const LIMITS: [Limit; 3] = [
    ("RSS in MiB", |idle| mib(idle.resident_kib), 12.0),
    ("CPU in % of one core", |idle| idle.processor_percent, 0.2),
    ("EC2 calls an hour", |idle| idle.ec2_per_hour as f64, 12.0),
];

/// A figure in words, and how its cell is written.
type Row = (&'static str, fn(&Idle) -> String);

const ROWS: [Row; 11] = [
    ("RSS, MiB", |idle| format!("{:.1}", mib(idle.resident_kib))),
    ("of it locked, MiB", |idle| format!("{:.1}", mib(idle.locked_kib))),
    ("PSS, MiB", |idle| format!("{:.1}", mib(idle.proportional_kib))),
    ("CPU, % of one core", |idle| format!("{:.2}", idle.processor_percent)),
    ("wakeups, a second", |idle| format!("{:.1}", idle.wakeups_per_s)),
    ("packets sent, a second", |idle| format!("{:.1}", idle.sent_per_s)),
    ("packets received, a second", |idle| {
        format!("{:.1}", idle.received_per_s)
    }),
    ("EC2 calls, an hour", |idle| idle.ec2_per_hour.to_string()),
    ("IMDS requests, an hour", |idle| idle.imds_per_hour.to_string()),
    ("start to first heartbeat, ms", start),
    ("program file, MiB", |idle| format!("{:.1}", mib(idle.program_kib))),
];

#[cfg(test)]
mod tests {
    use super::super::super::figures::Spread;
    use super::*;

    fn idle(name: &'static str, resident_kib: u64) -> Idle {
        Idle {
            name,
            resident_kib,
            locked_kib: 0,
            proportional_kib: 2048,
            processor_percent: 0.125,
            wakeups_per_s: 40.0,
            sent_per_s: 5.25,
            received_per_s: 5.0,
            imds_per_hour: 3600,
            ec2_per_hour: 12,
            rehearsal_calls: Some(3),
            start_ms: Spread::over(vec![30, 20, 40]),
            program_kib: 5120,
        }
    }

    #[test]
    fn limits_are_held_against_the_default_profile_only() {
        assert_eq!(verdicts(&[idle("paird-fast", 99_999)]), []);
        let verdicts = verdicts(&[idle("paird-fast", 99_999), idle("paird-default", 12_289)]);
        assert_eq!(
            verdicts.iter().map(|verdict| verdict.holds).collect::<Vec<_>>(),
            [false, true, true]
        );
        assert_eq!(
            verdicts[1].words(),
            "paird-default, CPU in % of one core: 0.12, at most 0.20: held"
        );
    }

    #[test]
    fn the_table_has_a_column_for_each_contender() {
        let text = markdown(&[idle("paird-default", 12_288), idle("keepalived-std", 1024)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "| idle node | paird-default | keepalived-std |");
        assert_eq!(lines[2], "| RSS, MiB | 12.0 | 1.0 |");
        assert_eq!(lines[11], "| start to first heartbeat, ms | 30 (20–40) | 30 (20–40) |");
    }
}
