//! What a measurement tells when it is over: on the terminal or as JSON, and in a document.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use super::super::INTERRUPTED;
use super::document;
use super::surroundings::Surroundings;
use super::verdict::Verdict;

/// What came of a measurement.
pub(super) struct Publication<'a> {
    /// The marks of a document between which it stands.
    pub(super) name: &'static str,
    /// What was measured, one of them, for whoever interrupts it.
    pub(super) unit: &'static str,
    pub(super) surroundings: &'a Surroundings,
    /// The figures as Markdown.
    pub(super) text: String,
    /// The figures as JSON: an object, to which what all measurements have is added.
    pub(super) figures: Value,
    pub(super) verdicts: Vec<Verdict>,
    /// A sentence before the surroundings.
    pub(super) remark: String,
    pub(super) is_complete: bool,
}

impl Publication<'_> {
    /// Tells it, and replaces what `file` told before unless the measurement was interrupted. Succeeds only if the limits held.
    ///
    /// # Errors
    /// If the document cannot be changed.
    pub(super) fn publish(self, as_json: bool, file: Option<&Path>) -> Result<ExitCode> {
        if as_json {
            println!("{}", serde_json::to_string_pretty(&self.json())?);
        } else {
            println!("{}", self.text);
            self.verdicts.iter().for_each(|verdict| println!("{}", verdict.words()));
        }
        if !self.is_complete {
            eprintln!("interrupted: these are the {} that were complete", self.unit);
            return Ok(ExitCode::from(INTERRUPTED));
        }
        if let Some(file) = file {
            document::replace(file, self.name, &self.part())?;
        }
        let holds = self.verdicts.iter().all(|verdict| verdict.holds);
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn json(&self) -> Value {
        let mut document = json!({
            "version": 1,
            "complete": self.is_complete,
            "surroundings": self.surroundings,
            "limits": self.verdicts,
        });
        if let (Some(document), Value::Object(figures)) = (document.as_object_mut(), &self.figures) {
            document.extend(figures.clone());
        }
        document
    }

    fn part(&self) -> String {
        let verdicts = self.verdicts.iter().map(|verdict| format!("- {}\n", verdict.words()));
        format!(
            "{}\n{}\n{}{}\n",
            self.text,
            verdicts.collect::<String>(),
            self.remark,
            self.surroundings.words()
        )
    }
}
