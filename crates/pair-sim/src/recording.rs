//! The recording of a real daemon, played again: the same core, told the same at the same times, must want the same.
//!
//! A trace begins with a snapshot of the core. Each input is handled at its recorded time; each output that the recording
//! keeps must come out again, in order and at its place; and where the recording has another snapshot, the core must have
//! come to exactly that state. The first difference ends the replay.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use pair_core::{Event, Instant, Node, Output};
use pair_wire::trace::{Trace, What, is_kept};
use serde_json::Value;

/// What a replay went through without a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many inputs the core was told.
    pub inputs: u64,
    /// How many decisions it took.
    pub decisions: u64,
    /// How many of its outputs were compared, decisions among them.
    pub outputs: u64,
    /// How many snapshots it was compared with, beyond the one that it began as.
    pub snapshots: u64,
    /// From the first line to the last.
    pub time: Duration,
}

/// The first place where a replay went another way than the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the line in the trace that shows it.
    pub line: usize,
    /// How far into the recording.
    pub after: Duration,
    /// What differs: one sentence each.
    pub what: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {:?} into the recording: ", self.line, self.after)?;
        f.write_str(&self.what.join("\n  "))
    }
}

/// Plays a recording again.
///
/// # Errors
/// The first difference.
pub fn replay(trace: &Trace) -> Result<Replayed, Difference> {
    let mut entries = trace.entries.iter();
    let Some((first, What::Snapshot(snapshot))) = entries.next().map(|entry| (entry, &entry.what)) else {
        return Ok(Replayed::default());
    };
    let mut player = Player {
        node: (**snapshot).clone(),
        began_at: first.at,
        wanted: VecDeque::new(),
        told: first.line,
        done: Replayed::default(),
    };
    for entry in entries {
        player.done.time = entry.at.since(first.at);
        match &entry.what {
            What::Snapshot(snapshot) => player.compare(entry.line, entry.at, snapshot)?,
            What::Input(input) => {
                player.expect_no_more(entry.at)?;
                player.told = entry.line;
                player.done.inputs += 1;
                player.node.handle(entry.at, input.clone());
                while let Some(output) = player.node.poll_output() {
                    player.wanted.extend(Some(output).filter(is_kept));
                }
            }
            What::Output(output) => player.expect(entry.line, entry.at, output)?,
        }
    }
    player.expect_no_more(player.began_at + player.done.time)?;
    Ok(player.done)
}

/// The core, and what it wants that the recording has not shown yet.
struct Player {
    node: Node,
    began_at: Instant,
    wanted: VecDeque<Output>,
    /// The line of the last input.
    told: usize,
    done: Replayed,
}

impl Player {
    fn expect(&mut self, line: usize, at: Instant, recorded: &Output) -> Result<(), Difference> {
        let Some(replayed) = self.wanted.pop_front() else {
            let what = format!("recorded, and not replayed: {recorded:?}");
            return Err(self.difference(line, at, vec![what]));
        };
        if replayed != *recorded {
            let mut what = vec![format!("{} differs", name_of(recorded))];
            what.extend(differences(recorded, &replayed));
            return Err(self.difference(line, at, what));
        }
        self.done.outputs += 1;
        if matches!(replayed, Output::Event(Event::Decided(_))) {
            self.done.decisions += 1;
        }
        Ok(())
    }

    fn expect_no_more(&self, at: Instant) -> Result<(), Difference> {
        match self.wanted.front() {
            None => Ok(()),
            Some(output) => {
                let what = format!("replayed, and not recorded: {output:?}");
                Err(self.difference(self.told, at, vec![what]))
            }
        }
    }

    fn compare(&mut self, line: usize, at: Instant, recorded: &Node) -> Result<(), Difference> {
        self.expect_no_more(at)?;
        if self.node == *recorded {
            self.done.snapshots += 1;
            return Ok(());
        }
        let mut what = vec!["the state of the core differs".to_owned()];
        what.extend(differences(recorded, &self.node));
        Err(self.difference(line, at, what))
    }

    fn difference(&self, line: usize, at: Instant, what: Vec<String>) -> Difference {
        Difference {
            line,
            after: at.since(self.began_at),
            what,
        }
    }
}

const fn name_of(output: &Output) -> &'static str {
    match output {
        Output::Send(_) => "a heartbeat",
        Output::Probe { .. } => "a probe",
        Output::AskWitnesses { .. } => "a question to the witnesses",
        Output::Call(_) => "an EC2 call",
        Output::Ordered { .. } => "the end of an order",
        Output::Keep(_) => "what is to be kept",
        Output::MayStop => "the end",
        Output::Event(Event::Decided(_)) => "a decision",
        Output::Event(_) => "an event",
    }
}

/// Where two values differ, field by field, at most [`TOLD`] of them.
fn differences(recorded: &impl serde::Serialize, replayed: &impl serde::Serialize) -> Vec<String> {
    let mut found = Vec::new();
    match (serde_json::to_value(recorded), serde_json::to_value(replayed)) {
        (Ok(recorded), Ok(replayed)) => walk("", &recorded, &replayed, &mut found),
        (Err(error), _) | (_, Err(error)) => found.push(error.to_string()),
    }
    found
}

fn walk(path: &str, recorded: &Value, replayed: &Value, found: &mut Vec<String>) {
    if recorded == replayed || found.len() == TOLD {
        return;
    }
    match (recorded, replayed) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            for (key, left) in left {
                walk(&format!("{path}/{key}"), left, &right[key], found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(&format!("{path}/{index}"), left, right, found);
            }
        }
        _ => found.push(format!("{path}: recorded {recorded}, replayed {replayed}")),
    }
}

/// More differences than that tell nothing new.
const TOLD: usize = 8;
