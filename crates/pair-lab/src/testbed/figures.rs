//! What a run measured, what was demanded of it, and whether that held.

use std::collections::BTreeMap;

use pair_lab::LogEntry;
use serde::Serialize;

/// What one run measured: by name, in milliseconds where the name ends in `_ms`, else a count. What did not come to pass is
/// not there.
pub(crate) type Figures = BTreeMap<&'static str, u64>;

/// One run of a scenario.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// Who held the address when it began.
    pub(crate) holder: String,
    pub(crate) figures: Figures,
    pub(crate) calls: Vec<Calls>,
}

/// EC2 calls of one kind.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Calls {
    /// The machine whose credentials signed them.
    node: String,
    /// The program that made them, by the first word of its `User-Agent`.
    caller: String,
    action: String,
    dry_run: bool,
    /// EC2's error, if they were refused.
    error: Option<String>,
    count: usize,
}

/// What must hold of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    figure: &'static str,
    over: Over,
    at_most: u64,
}

/// What of all runs is held against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Over {
    Median,
    EveryRun,
}

/// Whether a limit held.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    figure: &'static str,
    over: Over,
    at_most: u64,
    /// What was held against it; nothing if a run did not come to have the figure.
    value: Option<u64>,
    pub(crate) holds: bool,
}

/// The spread of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Spread {
    pub(crate) n: usize,
    pub(crate) median: u64,
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Limit {
    /// The median of all runs is at most this.
    pub(crate) const fn median(figure: &'static str, at_most: u64) -> Self {
        Self {
            figure,
            over: Over::Median,
            at_most,
        }
    }

    /// It is at most this in every run.
    pub(crate) const fn every(figure: &'static str, at_most: u64) -> Self {
        Self {
            figure,
            over: Over::EveryRun,
            at_most,
        }
    }

    /// Holds it against runs.
    pub(crate) fn judge(self, runs: &[Run]) -> Verdict {
        let Self { figure, over, at_most } = self;
        let spread = Spread::of(figure, runs).filter(|spread| spread.n == runs.len());
        let value = spread.map(|spread| match over {
            Over::Median => spread.median,
            Over::EveryRun => spread.max,
        });
        Verdict {
            figure,
            over,
            at_most,
            value,
            holds: value.is_some_and(|value| value <= at_most),
        }
    }

    /// Says it in words.
    pub(crate) fn words(self) -> String {
        let Self { figure, over, at_most } = self;
        format!("{figure} ≤ {at_most} ({})", over.words())
    }
}

impl Over {
    fn words(self) -> &'static str {
        match self {
            Self::Median => "median",
            Self::EveryRun => "every run",
        }
    }
}

impl Verdict {
    /// Says it in words.
    pub(crate) fn words(&self) -> String {
        let value = self
            .value
            .map_or_else(|| "not there".to_owned(), |value| value.to_string());
        let sign = if self.holds { "held:  " } else { "BROKEN:" };
        format!(
            "{sign} {} {value}, at most {} ({})",
            self.figure,
            self.at_most,
            self.over.words()
        )
    }
}

impl Spread {
    /// The spread over those runs that have the figure; `None` if none has.
    pub(crate) fn of(figure: &str, runs: &[Run]) -> Option<Self> {
        Self::over(runs.iter().filter_map(|run| run.figures.get(figure).copied()).collect())
    }

    /// The spread of these values; `None` if there are none.
    pub(crate) fn over(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        // Of an even number, the mean of the two in the middle.
        let median = if values.len().is_multiple_of(2) {
            values[middle - 1].midpoint(values[middle])
        } else {
            values[middle]
        };
        Some(Self {
            n: values.len(),
            median,
            min,
            max,
        })
    }
}

/// Counts calls of the same kind.
pub(crate) fn count_calls(log: &[LogEntry], since_ms: u64) -> Vec<Calls> {
    let mut counts = BTreeMap::new();
    for entry in log.iter().filter(|entry| entry.ms >= since_ms) {
        let caller = entry.user_agent.split_whitespace().next().unwrap_or("unnamed");
        let kind = (&entry.node, caller, &entry.action, entry.dry_run, &entry.error);
        *counts.entry(kind).or_insert(0) += 1;
    }
    let calls = counts
        .into_iter()
        .map(|((node, caller, action, dry_run, error), count)| Calls {
            node: node.clone(),
            caller: caller.to_owned(),
            action: action.clone(),
            dry_run,
            error: error.clone(),
            count,
        });
    calls.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(values: &[Option<u64>]) -> Vec<Run> {
        let run = |value: &Option<u64>| Run {
            number: 1,
            holder: "a".to_owned(),
            figures: value.map(|value| ("outage_ms", value)).into_iter().collect(),
            calls: Vec::new(),
        };
        values.iter().map(run).collect()
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let spread = Spread::of("outage_ms", &runs(&[Some(40), Some(10), Some(20), Some(30)]));
        assert_eq!(
            spread,
            Some(Spread {
                n: 4,
                median: 25,
                min: 10,
                max: 40
            })
        );
        assert_eq!(Spread::of("outage_ms", &runs(&[None])), None);
    }

    #[test]
    fn a_limit_on_every_run_is_held_against_the_worst() {
        let runs = runs(&[Some(10), Some(10), Some(90)]);
        assert!(Limit::median("outage_ms", 10).judge(&runs).holds);
        assert!(!Limit::every("outage_ms", 10).judge(&runs).holds);
        assert!(Limit::every("outage_ms", 90).judge(&runs).holds);
    }

    #[test]
    fn what_did_not_come_to_pass_holds_no_limit() {
        let verdict = Limit::median("outage_ms", 1000).judge(&runs(&[Some(10), None, Some(10)]));
        assert!(!verdict.holds && verdict.value.is_none());
    }
}
