//! A schedule as a trace file: text that reads like a story and can be committed.
//!
//! ```text
//! # why it is kept
//! seed 42
//! at 1500ms crash-host a
//! at 9000ms restart a
//! ```
//!
//! A pair with several addresses says so, and which one a fault is about; so does one whose members are found by their tag.
//!
//! ```text
//! seed 42
//! addresses 2
//! members found
//! at 1500ms address 2 put nobody
//! ```

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{Schedule, Shape, Strike, WordError};

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// No line says `seed N`.
    #[error("no line says `seed N`")]
    NoSeed,
    /// A line is neither a comment, nor the seed, nor what the pair is like, nor a fault.
    #[error("line {line}: expected `seed N`, `addresses N`, `members found` or `at TIME VERB …`")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// A pair has one address to four, and a fault is about one of them.
    #[error("line {line}: the pair has {addresses} of 1 to 4 addresses by then")]
    Address {
        /// Its number, from 1.
        line: usize,
        /// How many there are.
        addresses: u8,
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
        let Shape { addresses, is_found } = self.shape;
        if addresses > 1 {
            writeln!(f, "addresses {addresses}")?;
        }
        if is_found {
            writeln!(f, "{FOUND}")?;
        }
        self.faults.iter().try_for_each(|strike| {
            write!(f, "at {}ms ", strike.after.as_millis())?;
            if addresses > 1 && strike.fault.is_of_one_address() {
                write!(f, "address {} ", strike.address + 1)?;
            }
            writeln!(f, "{}", strike.fault)
        })
    }
}

impl FromStr for Schedule {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let mut seed = None;
        let mut shape = Shape::default();
        let mut faults: Vec<Strike> = Vec::new();
        let lines = text.lines().zip(1..);
        for (text, line) in lines.map(|(text, line)| (text.trim(), line)) {
            if text.is_empty() || text.starts_with('#') {
            } else if let Some(number) = text.strip_prefix("seed ") {
                let number = number.trim().parse().map_err(|_| ScriptError::Line { line })?;
                seed = Some(number);
            } else if let Some(number) = text.strip_prefix("addresses ") {
                let addresses = number.trim().parse().map_err(|_| ScriptError::Line { line })?;
                if !Shape::ADDRESSES.contains(&addresses) {
                    return Err(ScriptError::Address { line, addresses });
                }
                shape.addresses = addresses;
            } else if text == FOUND {
                shape.is_found = true;
            } else if let Some(rest) = text.strip_prefix("at ") {
                faults.push(strike(rest, line, shape)?);
            } else {
                return Err(ScriptError::Line { line });
            }
        }
        faults.sort_by_key(|strike| strike.after);
        let seed = seed.ok_or(ScriptError::NoSeed)?;
        Ok(Self { seed, shape, faults })
    }
}

/// Reads `TIME VERB …`, or `TIME address N VERB …`.
fn strike(text: &str, line: usize, shape: Shape) -> Result<Strike, ScriptError> {
    let (time, mut fault) = text.trim_start().split_once(' ').ok_or(ScriptError::Line { line })?;
    let after = humantime::parse_duration(time).map_err(|_| ScriptError::Time {
        line,
        word: time.to_owned(),
    })?;
    let mut address = 0;
    if let Some(rest) = fault.trim_start().strip_prefix("address ") {
        let (number, rest) = rest.trim_start().split_once(' ').ok_or(ScriptError::Line { line })?;
        let number: u8 = number.parse().map_err(|_| ScriptError::Line { line })?;
        let addresses = shape.addresses;
        address = number
            .checked_sub(1)
            .filter(|address| *address < addresses)
            .ok_or(ScriptError::Address { line, addresses })?;
        fault = rest;
    }
    let fault = fault.parse().map_err(|error| ScriptError::Fault { line, error })?;
    Ok(Strike { after, address, fault })
}

/// What a trace says of a pair whose members are found by their tag.
const FOUND: &str = "members found";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_random_schedule_is_read_as_it_is_written() {
        for (addresses, is_found) in [(1, false), (2, false), (1, true), (4, true)] {
            let shape = Shape { addresses, is_found };
            for seed in 0..500 {
                let schedule = Schedule::random(seed, shape);
                assert_eq!(schedule.to_string().parse(), Ok(schedule));
            }
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
            (
                "seed 1\nheal",
                "line 2: expected `seed N`, `addresses N`, `members found` or `at TIME VERB …`",
            ),
            (
                "seed x",
                "line 1: expected `seed N`, `addresses N`, `members found` or `at TIME VERB …`",
            ),
            (
                "seed 1\naddresses 5",
                "line 2: the pair has 5 of 1 to 4 addresses by then",
            ),
            (
                "seed 1\naddresses 2\nat 1s address 3 put nobody",
                "line 3: the pair has 2 of 1 to 4 addresses by then",
            ),
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
