//! What a lab tells: lines for people, or one JSON document.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::contender::Contender;
use super::figures::{Run, Spread, Verdict};
use super::scenario::{ALL, Scenario};

/// One scenario with its runs, and whether its limits held.
pub(crate) struct Report {
    pub(crate) scenario: &'static Scenario,
    pub(crate) contender: Contender,
    pub(crate) runs: Vec<Run>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Report {
    /// Holds the limits of the scenario against runs. They are made for paird; others are measured only.
    pub(crate) fn of(scenario: &'static Scenario, contender: Contender, runs: Vec<Run>) -> Self {
        let limits = match contender {
            Contender::Paird(_) => (scenario.limits)(contender.holdtime()),
            Contender::Keepalived(_) => Vec::new(),
        };
        Self {
            verdicts: limits.into_iter().map(|limit| limit.judge(&runs)).collect(),
            scenario,
            contender,
            runs,
        }
    }

    /// Whether every limit held.
    pub(crate) fn holds(&self) -> bool {
        !self.runs.is_empty() && self.verdicts.iter().all(|verdict| verdict.holds)
    }

    /// Each figure with its spread.
    pub(crate) fn spreads(&self) -> Vec<(&'static str, Spread)> {
        let mut names: Vec<&'static str> = self.runs.iter().flat_map(|run| run.figures.keys().copied()).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .filter_map(|name| Some((name, Spread::of(name, &self.runs)?)))
            .collect()
    }

    /// The end of the story, for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<14} {:>4} {:>8} {:>8} {:>8}",
            "", "n", "median", "min", "max"
        )];
        lines.extend(self.spreads().into_iter().map(|(name, spread)| {
            let Spread { n, median, min, max } = spread;
            format!("{name:<14} {n:>4} {median:>8} {min:>8} {max:>8}")
        }));
        lines.extend(self.verdicts.iter().map(Verdict::words));
        lines
    }

    /// The same for machines.
    pub(crate) fn json(&self) -> Value {
        let spreads: Value = self
            .spreads()
            .into_iter()
            .map(|(name, spread)| (name.to_owned(), json!(spread)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        json!({
            "scenario": self.scenario.name,
            "contender": self.contender.name(),
            "holds": self.holds(),
            "limits": self.verdicts,
            "figures": spreads,
            "runs": self.runs,
        })
    }
}

/// One run in a line.
pub(crate) fn line(run: &Run) -> String {
    let figures: Vec<String> = run
        .figures
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    format!("run {:>3}, holder {}: {}", run.number, run.holder, figures.join(", "))
}

/// Prints the document.
pub(crate) fn print_json(reports: &[Report], is_complete: bool) -> Result<()> {
    let scenarios: Vec<Value> = reports.iter().map(Report::json).collect();
    let document = json!({ "version": 1, "complete": is_complete, "scenarios": scenarios });
    let text = serde_json::to_string_pretty(&document).context("cannot write the document")?;
    println!("{text}");
    Ok(())
}

/// Prints what there is to play.
pub(crate) fn print_list(contender: Contender) {
    for scenario in ALL {
        println!("{} ({} runs)\n    {}", scenario.name, scenario.runs, scenario.story);
        for limit in (scenario.limits)(contender.holdtime()) {
            println!("    {}", limit.words());
        }
    }
}
