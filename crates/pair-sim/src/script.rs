//! A schedule as a trace file: text that reads like a story and can be committed.
//!
//! ```text
//! # why it is kept
//! seed 42
//! at 1500ms crash-host a
//! at 9000ms restart a
//! ```

use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

use crate::{Fault, Schedule, WordError};

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// No line says `seed N`.
    #[error("no line says `seed N`")]
    NoSeed,
    /// A line is neither a comment, nor the seed, nor a fault.
    #[error("line {line}: expected `seed N` or `at TIME VERB …`")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// The time of a line cannot be read.
    #[error("line {line}: {word:?} is not a time such as 1500ms")]
    Time {
        /// Its number, from 1.
        line: usize,
        /// As it was written.
        word: String,
    },
    /// The fault of a line cannot be read.
    #[error("line {line}: {error}")]
    Fault {
        /// Its number, from 1.
        line: usize,
        /// Why.
        error: WordError,
    },
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        self.faults
            .iter()
            .try_for_each(|(at, fault)| writeln!(f, "at {}ms {fault}", at.as_millis()))
    }
}

impl FromStr for Schedule {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut seed = None;
        let mut faults: Vec<(Duration, Fault)> = Vec::new();
        let lines = text.lines().zip(1..);
        for (text, line) in lines.map(|(text, line)| (text.trim(), line)) {
            if text.is_empty() || text.starts_with('#') {
            } else if let Some(number) = text.strip_prefix("seed ") {
                let number = number.trim().parse().map_err(|_| ScriptError::Line { line })?;
                seed = Some(number);
            } else if let Some(rest) = text.strip_prefix("at ") {
                let (time, fault) = rest.trim_start().split_once(' ').ok_or(ScriptError::Line { line })?;
                let at = humantime::parse_duration(time).map_err(|_| ScriptError::Time {
                    line,
                    word: time.to_owned(),
                })?;
                let fault = fault.parse().map_err(|error| ScriptError::Fault { line, error })?;
                faults.push((at, fault));
            } else {
                return Err(ScriptError::Line { line });
            }
        }
        faults.sort_by_key(|(at, _)| *at);
        let seed = seed.ok_or(ScriptError::NoSeed)?;
        Ok(Self { seed, faults })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_random_schedule_is_read_as_it_is_written() {
        for seed in 0..500 {
            let schedule = Schedule::random(seed);
            assert_eq!(schedule.to_string().parse(), Ok(schedule));
        }
    }

    #[test]
    fn comments_and_empty_lines_are_no_matter() {
        let text = "# why\n\n seed 7 \n  at 2s heal\nat 1s partition\n";
        let schedule: Schedule = text.parse().unwrap();
        assert_eq!(schedule.to_string(), "seed 7\nat 1000ms partition\nat 2000ms heal\n");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let cases = [
            ("at 1s heal", "no line says `seed N`"),
            ("seed 1\nheal", "line 2: expected `seed N` or `at TIME VERB …`"),
            ("seed x", "line 1: expected `seed N` or `at TIME VERB …`"),
            (
                "seed 1\n\nat soon heal",
                "line 3: \"soon\" is not a time such as 1500ms",
            ),
            ("seed 1\nat 1s crash c", "line 2: \"c\" is not a or b"),
        ];
        for (text, message) in cases {
            assert_eq!(text.parse::<Schedule>().unwrap_err().to_string(), message);
        }
    }
}
