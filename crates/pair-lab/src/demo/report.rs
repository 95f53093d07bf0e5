//! What the demo tells: a story for people, or one JSON document.

use anyhow::{Context, Result};
use serde_json::json;

use super::measure::Run;
use super::stage::Stage;

/// Tells the story on standard output, or nothing.
#[derive(Debug)]
pub(crate) struct Teller {
    tells: bool,
}

impl Teller {
    pub(crate) fn new(tells: bool) -> Self {
        Self { tells }
    }

    pub(crate) fn line(&self, line: &str) {
        if self.tells {
            println!("{line}");
        }
    }

    /// Shows what `pairctl status` says on both nodes.
    pub(crate) fn statuses(&self, title: &str, stage: &Stage) -> Result<()> {
        for name in stage.names() {
            self.line(&format!("\n== {title}: pairctl status on {name}"));
            if self.tells {
                println!("{}", stage.status_text(name));
            }
        }
        Ok(())
    }

    pub(crate) fn run(&self, number: u32, run: &Run) {
        self.line(&format!("\n== failover {number}"));
        for line in run.story() {
            self.line(&line);
        }
    }

    pub(crate) fn summary(&self, runs: &[Run], wanted: u32) {
        let mut outages = runs.iter().filter_map(Run::outage_ms).collect::<Vec<_>>();
        outages.sort_unstable();
        let (Some(first), Some(last)) = (outages.first(), outages.last()) else {
            return;
        };
        let median = outages[outages.len() / 2];
        self.line(&format!(
            "\n{} of {wanted} failovers: outage median {median} ms, min {first} ms, max {last} ms, holdtime {} ms",
            outages.len(),
            runs[0].holdtime_ms(),
        ));
    }

    pub(crate) fn keeping(&self, stage: &Stage) {
        self.line("\nthe pair keeps running until Ctrl-C; ask it with:");
        for name in stage.names() {
            self.line(&format!(
                "  pairctl --socket {} status",
                stage.control_socket(name).display()
            ));
        }
    }
}

/// Prints the document.
pub(crate) fn print_json(stage: &Stage, runs: &[Run]) -> Result<()> {
    let document = json!({ "version": 1, "service": stage.service_kind(), "runs": runs });
    let text = serde_json::to_string_pretty(&document).context("cannot write the document")?;
    println!("{text}");
    Ok(())
}
