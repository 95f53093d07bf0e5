//! What an examination of a node found, as a document: `pairctl doctor --json` prints it, and without `--json` its text.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Problem, Severity, State};

/// The version of the document.
pub const DIAGNOSIS_VERSION: u32 = 1;

/// What was examined on a node, in order, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The version of this document: [`DIAGNOSIS_VERSION`].
    pub version: u32,
    /// The name of the pair; `None` if the configuration does not tell.
    pub pair: Option<String>,
    /// The node that was examined; `None` if it is not known which one this is.
    pub node: Option<String>,
    /// Who examined it.
    pub examiner: Examiner,
    /// Each examination.
    pub examinations: Vec<Examination>,
}

/// Who examined a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Examiner {
    /// Its running agent, which also told what it knows of the pair.
    Agent,
    /// `paird doctor`, which knows nothing of the peer.
    Command,
}

/// One examination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// What was examined.
    pub subject: String,
    /// What came of it.
    pub result: Examined,
}

/// What came of an examination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Examined {
    /// Nothing is wrong with it.
    Sound {
        /// What was seen.
        seen: String,
    },
    /// Something is.
    Found {
        /// What.
        findings: Vec<Problem>,
    },
    /// It was not examined.
    Skipped {
        /// Why.
        why: String,
    },
}

impl Diagnosis {
    /// Everything that was found.
    pub fn findings(&self) -> impl Iterator<Item = &Problem> {
        self.examinations.iter().flat_map(|examination| {
            let findings: &[Problem] = match &examination.result {
                Examined::Found { findings } => findings,
                Examined::Sound { .. } | Examined::Skipped { .. } => &[],
            };
            findings
        })
    }

    /// As bad as the worst finding; healthy if there is none.
    #[must_use]
    pub fn state(&self) -> State {
        State::of(self.findings())
    }
}

/// One line for each examination and two for each finding, the last line without its line feed.
impl fmt::Display for Diagnosis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "unknown".to_owned());
        let examiner = match self.examiner {
            Examiner::Agent => "its running agent",
            Examiner::Command => "paird doctor, without an agent",
        };
        let (pair, node) = (name(&self.pair), name(&self.node));
        writeln!(out, "pair {pair}, node {node}, examined by {examiner}")?;
        let subjects = self.examinations.iter().map(|examination| &examination.subject);
        let width = subjects.map(|subject| subject.chars().count()).max().unwrap_or(0);
        for Examination { subject, result } in &self.examinations {
            let line = |word: &str, text: &str| format!("  {word:<8}  {subject:<width$}  {text}");
            match result {
                Examined::Sound { seen } => writeln!(out, "{}", line("ok", seen))?,
                Examined::Skipped { why } => writeln!(out, "{}", line("skipped", why))?,
                Examined::Found { findings } => {
                    for Problem {
                        id,
                        severity,
                        text,
                        hint,
                        address,
                    } in findings
                    {
                        let about = address.as_ref().map(|id| format!(" of {id}")).unwrap_or_default();
                        let word = match severity {
                            Severity::Degraded => "degraded",
                            Severity::Critical => "critical",
                        };
                        writeln!(out, "{}", line(word, &format!("{id}{about}: {text}")))?;
                        if let Some(hint) = hint {
                            writeln!(out, "  {:<8}  {:<width$}  to do: {hint}", "", "")?;
                        }
                    }
                }
            }
        }
        let ids: Vec<&str> = self.findings().map(|finding| finding.id.as_str()).collect();
        match ids.len() {
            0 => write!(out, "nothing found"),
            1 => write!(out, "1 finding: {}", ids[0]),
            count => write!(out, "{count} findings: {}", ids.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosis(examinations: Vec<(&str, Examined)>) -> Diagnosis {
        Diagnosis {
            version: DIAGNOSIS_VERSION,
            pair: Some("lb-1".to_owned()),
            node: None,
            examiner: Examiner::Command,
            examinations: examinations
                .into_iter()
                .map(|(subject, result)| Examination {
                    subject: subject.to_owned(),
                    result,
                })
                .collect(),
        }
    }

    #[test]
    fn a_diagnosis_reads_from_top_to_bottom_and_ends_with_what_was_found() {
        let found = diagnosis(vec![
            (
                "key",
                Examined::Sound {
                    seen: "key 1 signs".to_owned(),
                },
            ),
            (
                "clock",
                Examined::Found {
                    findings: vec![Problem {
                        id: "clock-off".to_owned(),
                        severity: Severity::Degraded,
                        text: "it is an hour behind".to_owned(),
                        hint: Some("set it".to_owned()),
                        address: None,
                    }],
                },
            ),
            (
                "egress",
                Examined::Skipped {
                    why: "no role".to_owned(),
                },
            ),
        ]);
        assert_eq!(
            found.to_string(),
            "pair lb-1, node unknown, examined by paird doctor, without an agent\n\
             \x20 ok        key     key 1 signs\n\
             \x20 degraded  clock   clock-off: it is an hour behind\n\
             \x20                   to do: set it\n\
             \x20 skipped   egress  no role\n\
             1 finding: clock-off"
        );
        assert_eq!(found.state(), State::Degraded);
    }

    #[test]
    fn the_last_line_names_all_that_was_found() {
        let finding = |id: &str, severity| Problem {
            id: id.to_owned(),
            severity,
            text: "x".to_owned(),
            hint: None,
            address: None,
        };
        let findings = vec![
            finding("nobody-holds", Severity::Critical),
            finding("clock-off", Severity::Degraded),
        ];
        let found = Diagnosis {
            examiner: Examiner::Agent,
            ..diagnosis(vec![("pair", Examined::Found { findings })])
        };
        assert_eq!(
            found.to_string(),
            "pair lb-1, node unknown, examined by its running agent\n\
             \x20 critical  pair  nobody-holds: x\n\
             \x20 degraded  pair  clock-off: x\n\
             2 findings: nobody-holds, clock-off"
        );
        assert_eq!(found.state(), State::Critical);
    }

    #[test]
    fn whoever_has_no_finding_is_healthy() {
        let sound = diagnosis(vec![(
            "key",
            Examined::Sound {
                seen: "key 1 signs".to_owned(),
            },
        )]);
        assert_eq!((sound.state(), sound.findings().count()), (State::Healthy, 0));
        assert!(sound.to_string().ends_with("\nnothing found"));
    }
}
