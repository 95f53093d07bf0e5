//! One line of a trace.

use std::borrow::Cow;
use std::io;

use pair_core::{Input, Instant, Node, Output};
use serde::{Deserialize, Serialize};

use super::Header;
use crate::control::Transition;

/// One line of a trace, written from borrowed values and read into owned ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line<'a> {
    /// The first line: who recorded.
    Trace(Header),
    /// One of the last transitions, in words; all of them come before the first snapshot.
    Told(Transition),
    /// The core at that time, with nothing left to put out.
    Snapshot(Instant, Box<Cow<'a, Node>>),
    /// What the core was told at that time.
    Input(Instant, Cow<'a, Input>),
    /// What it wanted then.
    Output(Instant, Cow<'a, Output>),
}

/// Whether an output belongs into a trace: heartbeats and probes are many, and follow from the rest.
#[must_use]
pub const fn is_kept(output: &Output) -> bool {
    match output {
        Output::Send(_) | Output::Probe { .. } | Output::AskWitnesses { .. } => false,
        Output::Call(_) | Output::Ordered { .. } | Output::Keep(_) | Output::MayStop | Output::Event(_) => true,
    }
}

/// Adds a line, its line feed included. What is written to memory that is reserved allocates nothing, snapshots apart.
///
/// # Errors
/// If it cannot be written: never to memory.
pub fn write_line(to: &mut impl io::Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}
