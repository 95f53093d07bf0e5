//! A trace, read and judged: what is no trace is refused with the line that shows it.

use std::io::{self, Read};

use pair_core::{Input, Instant, Node, Output};
use serde::Deserialize;
use thiserror::Error;

use super::{Header, Line, TRACE_VERSION};
use crate::control::Transition;

/// The longest trace that is read, in bytes: several times what a daemon keeps.
pub const TRACE_LIMIT: u64 = 16 * 1024 * 1024;

/// A whole trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Who recorded.
    pub header: Header,
    /// The last transitions, oldest first.
    pub told: Vec<Transition>,
    /// What was recorded, in order: a snapshot first.
    pub entries: Vec<Entry>,
}

/// One thing that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The number of its line, from 1.
    pub line: usize,
    /// When it was.
    pub at: Instant,
    /// What it was.
    pub what: What,
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The core as it was.
    Snapshot(Box<Node>),
    /// What the core was told.
    Input(Input),
    /// What it wanted.
    Output(Output),
}

/// Why a text is no trace.
#[derive(Debug, Error)]
pub enum TraceError {
    /// It cannot be read.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    /// It is too long to be one.
    #[error("longer than {TRACE_LIMIT} bytes: no trace of paird")]
    TooLong,
    /// The first line is no header.
    #[error("line 1: not the first line of a trace")]
    Header(#[source] serde_json::Error),
    /// It is of another version of the format.
    #[error("line 1: a trace of version {theirs}, and this program reads version {TRACE_VERSION}")]
    Version {
        /// Its version.
        theirs: u32,
    },
    /// A line cannot be understood.
    #[error("line {line}: not a line of a trace")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Why.
        #[source]
        error: serde_json::Error,
    },
    /// A line stands where it cannot stand.
    #[error("line {line}: {complaint}")]
    Misplaced {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        complaint: &'static str,
    },
    /// Nothing was recorded.
    #[error("no line says how the core was: without a snapshot there is nothing to replay")]
    NoSnapshot,
}

impl Trace {
    /// Reads a trace to its end.
    ///
    /// # Errors
    /// [`TraceError::Io`], [`TraceError::TooLong`], and those of [`Trace::parse`].
    pub fn read(from: impl Read) -> Result<Self, TraceError> {
        let mut text = String::new();
        from.take(TRACE_LIMIT + 1)
            .read_to_string(&mut text)
            .map_err(TraceError::Io)?;
        if text.len() as u64 > TRACE_LIMIT {
            return Err(TraceError::TooLong);
        }
        Self::parse(&text)
    }

    /// Takes a trace apart.
    ///
    /// # Errors
    /// What is wrong with the first line that is not as it should be.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let mut lines = text.split_inclusive('\n').zip(1..);
        let first = lines.next().map_or("", |(first, _)| first);
        let mut trace = Self {
            header: header(first)?,
            told: Vec::new(),
            entries: Vec::new(),
        };
        for (text, line) in lines {
            let parsed = serde_json::from_str(text).map_err(|error| TraceError::Line { line, error })?;
            trace.add(line, parsed)?;
        }
        if !text.ends_with('\n') {
            let line = text.lines().count();
            let complaint = "cut off: the line feed at its end is missing";
            return Err(TraceError::Misplaced { line, complaint });
        }
        if trace.entries.is_empty() {
            return Err(TraceError::NoSnapshot);
        }
        Ok(trace)
    }

    /// Takes in a line behind the first.
    fn add(&mut self, line: usize, parsed: Line<'_>) -> Result<(), TraceError> {
        let misplaced = |complaint| Err(TraceError::Misplaced { line, complaint });
        let (at, what) = match parsed {
            Line::Trace(_) => return misplaced("a second header"),
            Line::Told(transition) if self.entries.is_empty() => {
                self.told.push(transition);
                return Ok(());
            }
            Line::Told(_) => return misplaced("what was told belongs before the first snapshot"),
            Line::Snapshot(at, node) => (at, What::Snapshot(Box::new(node.into_owned()))),
            Line::Input(at, input) => (at, What::Input(input.into_owned())),
            Line::Output(at, output) => (at, What::Output(output.into_owned())),
        };
        match self.entries.last() {
            None if !matches!(what, What::Snapshot(_)) => return misplaced("something before the first snapshot"),
            Some(last) if last.at > at => return misplaced("earlier than the line before it"),
            Some(_) | None => {}
        }
        self.entries.push(Entry { line, at, what });
        Ok(())
    }
}

/// Reads the first line: its version before all else.
fn header(line: &str) -> Result<Header, TraceError> {
    let First { trace } = serde_json::from_str(line).map_err(TraceError::Header)?;
    if trace.version != TRACE_VERSION {
        return Err(TraceError::Version { theirs: trace.version });
    }
    match serde_json::from_str(line).map_err(TraceError::Header)? {
        Line::Trace(header) => Ok(header),
        Line::Told(_) | Line::Snapshot(..) | Line::Input(..) | Line::Output(..) => Err(TraceError::Misplaced {
            line: 1,
            complaint: "not the first line of a trace",
        }),
    }
}

/// What the first line has in every version.
#[derive(Deserialize)]
struct First {
    trace: Versioned,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}
