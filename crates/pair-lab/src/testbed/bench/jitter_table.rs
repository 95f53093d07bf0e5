//! How disturbed nodes beat, as tables, and the limits that must hold.

use std::fmt::Write as _;

use super::jitter::{Disturbance, Outcome, Side};
use super::rhythm::BOUNDS_MS;
use super::verdict::Verdict;

/// Holds the limits against what came of a disturbance.
pub(super) fn verdicts(outcome: &Outcome) -> Vec<Verdict> {
    let Outcome {
        disturbance,
        times,
        disturbed,
        left_alone,
        ..
    } = outcome;
    let p99 = |side: &Side| side.rhythm.p99_us as f64 / 1000.0;
    let late = Verdict::at_most(
        name(*disturbance),
        "lateness in ms, 99 of 100",
        p99(disturbed),
        p99(left_alone) + SLACK_MS,
    );
    let other = match disturbance {
        Disturbance::Handshakes => Verdict::at_least(name(*disturbance), "handshakes", *times as f64, HANDSHAKES),
        Disturbance::Scrapes => Verdict::at_most(
            name(*disturbance),
            "growth in %",
            growth(disturbed),
            growth(left_alone) + GROWTH_PERCENT,
        ),
    };
    vec![late, other]
}

/// Writes two tables: what is compared, and the histogram.
pub(super) fn markdown(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| node | disturbed by | beats | late by, ms: median | 99 of 100 | most | RSS before and after, MiB |\n\
         | --- | --- | --: | --: | --: | --: | --: |\n",
    );
    for (of, words, side) in rows(outcomes) {
        let ms = |us: u64| us as f64 / 1000.0;
        let rhythm = &side.rhythm;
        let [before, after] = side.resident_kib.map(|kib| kib as f64 / 1024.0);
        append(
            &mut text,
            format_args!(
                "| {of} | {words} | {} | {:.2} | {:.2} | {:.2} | {before:.2}, {after:.2} |\n",
                rhythm.beats,
                ms(rhythm.median_us),
                ms(rhythm.p99_us),
                ms(rhythm.max_us)
            ),
        );
    }
    append(&mut text, format_args!("\n| beats that were late by at most, ms |"));
    for bound in BOUNDS_MS {
        append(&mut text, format_args!(" {bound} |"));
    }
    append(
        &mut text,
        format_args!(" more |\n| --- |{}\n", " --: |".repeat(BOUNDS_MS.len() + 1)),
    );
    for (of, words, side) in rows(outcomes) {
        append(&mut text, format_args!("| {of}, {words} |"));
        for count in side.rhythm.histogram {
            append(&mut text, format_args!(" {count} |"));
        }
        text.push('\n');
    }
    text
}

/// Its name in tables and verdicts.
pub(super) fn name(disturbance: Disturbance) -> &'static str {
    match disturbance {
        Disturbance::Handshakes => "TLS handshakes",
        Disturbance::Scrapes => "scrapes",
    }
}

fn rows(outcomes: &[Outcome]) -> Vec<(&'static str, String, &Side)> {
    let mut rows = Vec::new();
    for outcome in outcomes {
        let Outcome {
            disturbance,
            seconds,
            times,
            disturbed,
            left_alone,
        } = outcome;
        let words = format!("{times} {} in {seconds} s", name(*disturbance));
        rows.push(("disturbed", words, disturbed));
        rows.push(("the other", format!("nothing, in the same {seconds} s"), left_alone));
    }
    rows
}

fn growth(side: &Side) -> f64 {
    let [before, after] = side.resident_kib.map(|kib| kib as f64);
    100.0 * (after - before) / before
}

fn append(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("a string takes everything");
}

/// How much later than the other node the disturbed one may be: a tenth of the shortest interval of a profile. A guess at what two
/// cores do to either; a beat that had waited for a handshake would be later.
const SLACK_MS: f64 = 5.0;

/// How many handshakes have to have run meanwhile.
const HANDSHAKES: f64 = 50.0;

/// How much more than the other the scraped node may grow: what a soak allows.
const GROWTH_PERCENT: f64 = 5.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::rhythm::Rhythm;
    use super::*;

    fn side(late_ms: u64, resident_kib: [u64; 2]) -> Side {
        let arrivals = [0, 200, 400 + late_ms].map(Duration::from_millis);
        Side {
            rhythm: Rhythm::of(&arrivals, Duration::from_millis(200)).unwrap(),
            resident_kib,
        }
    }

    fn outcome(disturbance: Disturbance, disturbed: Side) -> Outcome {
        Outcome {
            disturbance,
            seconds: 60,
            times: 60,
            disturbed,
            left_alone: side(1, [1000, 1000]),
        }
    }

    #[test]
    fn a_disturbed_node_is_compared_with_the_other() {
        let holds = |outcome: &Outcome| {
            verdicts(outcome)
                .iter()
                .map(|verdict| verdict.holds)
                .collect::<Vec<_>>()
        };
        let calm = outcome(Disturbance::Scrapes, side(6, [1000, 1050]));
        assert_eq!(holds(&calm), [true, true]);
        let late = outcome(Disturbance::Scrapes, side(7, [1000, 1051]));
        assert_eq!(holds(&late), [false, false]);
        let few = Outcome {
            times: 49,
            ..outcome(Disturbance::Handshakes, side(1, [1000, 9999]))
        };
        assert_eq!(holds(&few), [true, false]);
        assert_eq!(
            verdicts(&few)[1].words(),
            "TLS handshakes, handshakes: 49.00, at least 50.00: BROKEN"
        );
    }

    #[test]
    fn each_node_has_a_row_in_both_tables() {
        let text = markdown(&[outcome(Disturbance::Scrapes, side(7, [1024, 2048]))]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[2],
            "| disturbed | 60 scrapes in 60 s | 2 | 7.00 | 7.00 | 7.00 | 1.00, 2.00 |"
        );
        assert_eq!(
            lines[8],
            "| the other, nothing, in the same 60 s | 1 | 0 | 0 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |"
        );
    }
}
