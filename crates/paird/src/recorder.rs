//! What the core was told, in memory: two segments, each a snapshot of the core and the inputs since.
//!
//! ```text
//!   previous, whole                          current, grows
//!   snapshot  input  output  input  …        snapshot  input  input  …   ◄── now
//! ```
//!
//! When the current segment is full, a fresh snapshot begins the next one and the older of the two is dropped: whatever is
//! kept begins with a snapshot, and replays from there. A line is added to memory that is reserved, so that a heartbeat costs
//! no allocation; a dropped segment is written over.

use std::borrow::Cow;
use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use pair_core::{Input, Instant, Node, Output};
use pair_wire::trace::{Line, is_kept, write_line};

/// How long a segment is: 35 s of a quiet pair of the default profile, and 11 s of the fast profile (measured: 5.5 and 17 kB/s).
///
/// What led to a decision is seconds old, and each transition before it has a file of its own.
pub const SEGMENT: usize = 256 * 1024;

/// What one input and all that the core then wants can take: an input is a datagram of at most 512 bytes or the news of one
/// call, written in words.
const RESERVE: usize = 64 * 1024;

/// Keeps the last inputs of a core.
#[derive(Debug)]
pub struct Recorder {
    segment: usize,
    previous: Option<Arc<Vec<u8>>>,
    current: Vec<u8>,
}

/// What was recorded up to some moment, as the bytes of a trace.
#[derive(Clone, Debug)]
pub struct Record {
    /// Everything before the first snapshot.
    head: Vec<u8>,
    previous: Option<Arc<Vec<u8>>>,
    current: Vec<u8>,
}

impl Recorder {
    /// Begins with the core as it is, in segments of so many bytes.
    #[must_use]
    pub fn new(segment: usize, now: Instant, node: &Node) -> Self {
        let mut recorder = Self {
            segment,
            previous: None,
            current: Vec::with_capacity(segment),
        };
        recorder.snapshot(now, node);
        recorder
    }

    /// Takes in what the core is about to be told.
    pub fn input(&mut self, now: Instant, node: &Node, input: &Input) {
        if self.current.len() + RESERVE > self.segment {
            self.turn_over(now, node);
        }
        add(&mut self.current, &Line::Input(now, Cow::Borrowed(input)));
    }

    /// Takes in what the core then wants.
    pub fn output(&mut self, now: Instant, output: &Output) {
        if is_kept(output) {
            add(&mut self.current, &Line::Output(now, Cow::Borrowed(output)));
        }
    }

    /// All that is kept, with the core as it is at its end, behind these lines.
    #[must_use]
    pub fn record(&self, now: Instant, node: &Node, head: &[Line<'_>]) -> Record {
        let mut record = Record {
            head: Vec::new(),
            previous: self.previous.clone(),
            current: self.current.clone(),
        };
        for line in head {
            add(&mut record.head, line);
        }
        add(&mut record.current, &snapshot_of(now, node));
        record
    }

    /// Drops the older segment and begins a new one.
    fn turn_over(&mut self, now: Instant, node: &Node) {
        // Whoever writes the older one to disk keeps it alive meanwhile: then this one needs memory of its own.
        let dropped = self.previous.take().and_then(Arc::into_inner);
        let mut next = dropped.unwrap_or_else(|| Vec::with_capacity(self.segment));
        next.clear();
        self.previous = Some(Arc::new(mem::replace(&mut self.current, next)));
        self.snapshot(now, node);
    }

    fn snapshot(&mut self, now: Instant, node: &Node) {
        add(&mut self.current, &snapshot_of(now, node));
    }
}

impl Record {
    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// If it cannot be written; some of it may be.
    pub fn write_to(&self, to: &mut impl Write) -> io::Result<()> {
        self.pieces().into_iter().try_for_each(|piece| to.write_all(piece))
    }

    /// The text from that byte on, of at most `limit` bytes; `None` if no text begins there.
    #[must_use]
    pub fn part(&self, from: usize, limit: usize) -> Option<String> {
        let mut part = Vec::with_capacity(limit);
        let mut skipped = from;
        for piece in self.pieces() {
            let begin = skipped.min(piece.len());
            skipped -= begin;
            let end = piece.len().min(begin + (limit - part.len()));
            part.extend_from_slice(&piece[begin..end]);
        }
        match String::from_utf8(part) {
            Ok(text) => Some(text),
            // The limit fell into a character: it belongs to the next part.
            Err(error) if error.utf8_error().error_len().is_none() && error.utf8_error().valid_up_to() > 0 => {
                let whole = error.utf8_error().valid_up_to();
                String::from_utf8(error.into_bytes()[..whole].to_vec()).ok()
            }
            Err(_) => None,
        }
    }

    fn pieces(&self) -> [&[u8]; 3] {
        let previous = self.previous.as_deref().map_or(&[][..], Vec::as_slice);
        [&self.head, previous, &self.current]
    }
}

fn snapshot_of<'a>(now: Instant, node: &'a Node) -> Line<'a> {
    Line::Snapshot(now, Box::new(Cow::Borrowed(node)))
}

/// Adds a line. One that cannot be written is left out whole, and a replay shows the gap: recording never ends the daemon.
fn add(to: &mut Vec<u8>, line: &Line<'_>) {
    let before = to.len();
    if write_line(to, line).is_err() {
        to.truncate(before);
    }
}
