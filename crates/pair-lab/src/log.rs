//! The request log: every EC2 call, who made it, and what became of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Serialize;

use crate::clock::Clock;
use crate::query::Query;

/// One EC2 request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// The request's number, in order of arrival, from 1.
    pub seq: u64,
    /// When it arrived, in milliseconds on the lab's clock.
    pub ms: u64,
    /// The same as RFC 3339 in UTC.
    pub wall: String,
    /// The machine whose credentials signed it; `other` if nobody's in the lab.
    pub node: String,
    /// The EC2 action.
    pub action: String,
    /// The caller's `User-Agent`.
    pub user_agent: String,
    /// The parameters, without action and API version.
    pub params: BTreeMap<String, String>,
    /// Whether the caller asked for a dry run.
    pub dry_run: bool,
    /// What became of the answer.
    pub fate: Fate,
    /// When the call was carried out, with or without success, in milliseconds on the lab's clock.
    pub done_ms: Option<u64>,
    /// When the answer was sent, or the connection ended without one, in milliseconds on the lab's clock.
    pub settled_ms: Option<u64>,
    /// The HTTP status of the answer, sent or lost.
    pub status: Option<u16>,
    /// EC2's error code, if the answer was an error.
    pub error: Option<String>,
    /// The id of the association that the call made.
    pub association_id: Option<String>,
}

/// What became of the answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is being worked on, or held back by a fault.
    Pending,
    /// It was sent.
    Answered,
    /// The call was carried out, and the connection closed without a word.
    Lost,
    /// The connection was closed before the call was carried out.
    Refused,
    /// The caller hung up before the call was carried out: it changed nothing.
    Abandoned,
}

impl LogEntry {
    /// Whether the call was meant to change an association, and did so.
    pub fn is_mutation(&self) -> bool {
        let mutates = self.action == "AssociateAddress" || self.action == "DisassociateAddress";
        mutates && !self.dry_run && self.status == Some(200)
    }
}

/// The log, and the pen to write it with.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    clock: Clock,
    pages: Arc<Mutex<Pages>>,
}

#[derive(Debug, Default)]
struct Pages {
    entries: VecDeque<LogEntry>,
    last_seq: u64,
}

/// A request that has arrived and is not settled; dropped unsettled, it counts as abandoned.
#[derive(Debug)]
pub(crate) struct Call {
    log: Log,
    seq: u64,
    is_settled: bool,
}

/// What carries a call out notes its outcome by.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    log: Log,
    seq: u64,
}

/// What a call that was carried out is remembered by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) error: Option<String>,
    pub(crate) association_id: Option<String>,
}

impl Log {
    /// Makes an empty log.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            pages: Arc::default(),
        }
    }

    /// Notes that a request has arrived.
    pub(crate) fn arrive(&self, query: &Query) -> Call {
        let ms = self.clock.ms();
        let mut pages = self.lock();
        pages.last_seq += 1;
        let seq = pages.last_seq;
        if pages.entries.len() == ENTRY_LIMIT {
            pages.entries.pop_front();
        }
        pages.entries.push_back(LogEntry {
            seq,
            ms,
            wall: self.clock.wall(ms),
            node: query.node.clone(),
            action: query.action.clone(),
            user_agent: query.user_agent.clone(),
            params: query.params.clone(),
            dry_run: query.is_set("DryRun"),
            fate: Fate::Pending,
            done_ms: None,
            settled_ms: None,
            status: None,
            error: None,
            association_id: None,
        });
        Call {
            log: self.clone(),
            seq,
            is_settled: false,
        }
    }

    /// Copies the log, oldest request first.
    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.lock().entries.iter().cloned().collect()
    }

    fn with(&self, seq: u64, change: impl FnOnce(&mut LogEntry)) {
        let mut pages = self.lock();
        // Looked for from the back: calls settle soon after they arrive.
        if let Some(entry) = pages.entries.iter_mut().rev().find(|entry| entry.seq == seq) {
            change(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("no code panics while it holds the log")
    }
}

impl Call {
    /// Gives the part that whoever carries the call out needs; it may outlive the caller.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket {
            log: self.log.clone(),
            seq: self.seq,
        }
    }

    /// Notes what became of the answer.
    pub(crate) fn settle(mut self, fate: Fate) {
        self.is_settled = true;
        self.close(fate);
    }

    fn close(&self, fate: Fate) {
        let ms = self.log.clock.ms();
        self.log.with(self.seq, |entry| {
            // Whoever carried it out may have done so before the caller left.
            let is_unheard = fate == Fate::Abandoned && entry.done_ms.is_some();
            entry.fate = if is_unheard { Fate::Lost } else { fate };
            entry.settled_ms = Some(ms);
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_settled {
            self.close(Fate::Abandoned);
        }
    }
}

impl Ticket {
    /// Notes that the call was carried out, with or without success.
    pub(crate) fn carried_out(&self, outcome: &Outcome) {
        let ms = self.log.clock.ms();
        self.log.with(self.seq, |entry| {
            entry.done_ms = Some(ms);
            entry.status = Some(outcome.status);
            entry.error.clone_from(&outcome.error);
            entry.association_id.clone_from(&outcome.association_id);
            if entry.fate == Fate::Abandoned {
                // It was carried out all the same, and nobody heard.
                entry.fate = Fate::Lost;
            }
        });
    }
}

/// The log forgets its oldest entries beyond this; a day of a pair's calls is a few hundred.
const ENTRY_LIMIT: usize = 100_000;
