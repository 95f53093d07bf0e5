//! Equal situations made equal: what a state is, apart from when it is and what its numbers happen to be.
//!
//! A node counts: nanoseconds, datagrams, calls, associations. None of its rules looks at such a number itself, only at
//! differences and orders: how long ago, which is newer, is it the same. So a state is written down as a row of [`Mark`]s
//! in which
//!
//! ```text
//! a point in time            how many ticks ago, or how many to go; beyond what any rule asks, just "long"
//! two points in time         besides, which one is later, where a rule compares them
//! the number of a datagram   its rank among those of the same run that anybody still knows
//! a run, a call, an          its place in the order in which the row first names it
//! association
//! what is for people to read nothing
//! ```
//!
//! Two states with equal rows behave alike for as long as no wait longer than the *horizon* ends in one of them: every
//! comparison that a rule makes has the same result in both. What is longer than the horizon are three waits: the read of
//! good times, the window of the budget and the rest of a hold. A state in which such a wait is long stands for all of them,
//! so that the end of such a wait is not looked for at every moment, but only as far as it comes up by itself. `fate` says of
//! each field what its rules ask; a test plays pairs of states with equal rows side by side.
//!
//! Jitter is left out, too: it is chance, and not a choice of the model's. A tick is longer than the first pauses with all
//! their jitter; of the longer ones each row is followed with one draw.
//!
//! Whatever the folding does, it invents nothing: every path that is found is a history of two real nodes. A row that says
//! too little can only make the model look away.

mod fate;
mod serializer;

use std::{
    hash::{Hash, Hasher},
    time::Duration,
};

use pair_core::{AssociationId, CallId, Instant, Member};
use serde::Serialize;

use super::TICK;
use serializer::Folder;

/// A state, folded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Row(Vec<u64>);

/// One thing in a row, before ranks and names are given.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Plain(u64),
    /// Only its rank among the values of its kind matters.
    Rank(Kind, u64),
    /// Only whether it is the same as another of its kind matters.
    Name(Kind, u64),
}

/// What can be compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// When somebody asked or heard who holds the address: the nodes tell each other.
    Asked,
    /// Other points in time, of one node.
    Time(usize),
    /// Points in running time, of one node.
    Running(usize),
    /// Numbers of datagrams, of one run.
    Datagram(u64),
    Incarnation,
    Association,
    Call(usize),
    Order,
}

/// Writes a state down.
pub(super) struct Fold {
    marks: Vec<Mark>,
    now: Instant,
    horizon: u64,
}

impl Fold {
    /// Begins a row at `now`. Waits of more than `horizon` ticks are just long.
    pub(super) fn new(now: Instant, horizon: u64) -> Self {
        Self {
            marks: Vec::with_capacity(512),
            now,
            horizon,
        }
    }

    /// Adds what has neither times nor numbers in it.
    pub(super) fn add(&mut self, value: impl Hash) {
        let mut digest = Digest::default();
        value.hash(&mut digest);
        self.marks.push(Mark::Plain(digest.finish()));
    }

    /// Adds what `of` knows: its node, or what waits for it.
    pub(super) fn add_known(&mut self, of: Member, value: &impl Serialize) {
        let mut folder = Folder::new(self, of.index());
        value
            .serialize(&mut folder)
            .expect("what the core derives can be folded");
    }

    pub(super) fn add_association(&mut self, association: Option<&AssociationId>) {
        self.add(association.is_some());
        if let Some(id) = association {
            self.marks
                .push(Mark::Name(Kind::Association, digest(id.as_str().as_bytes())));
        }
    }

    pub(super) fn add_call(&mut self, of: Member, call: CallId) {
        self.marks.push(Mark::Name(Kind::Call(of.index()), call.0));
    }

    /// Gives ranks and names.
    pub(super) fn finish(self) -> Row {
        let mut ranked: Vec<(Kind, u64)> = self.marks.iter().filter_map(Mark::ranked).collect();
        ranked.sort_unstable();
        ranked.dedup();
        let mut named: Vec<(Kind, u64)> = Vec::new();
        let row = self.marks.iter().map(|mark| match *mark {
            Mark::Plain(value) => value,
            Mark::Rank(kind, value) => {
                let first = ranked.partition_point(|(of, _)| *of < kind);
                let place = ranked.partition_point(|entry| *entry < (kind, value));
                (place - first) as u64
            }
            Mark::Name(kind, value) => {
                let known = named.iter().position(|entry| *entry == (kind, value));
                known.unwrap_or_else(|| {
                    named.push((kind, value));
                    named.len() - 1
                }) as u64
            }
        });
        Row(row.collect())
    }
}

impl Mark {
    const fn ranked(&self) -> Option<(Kind, u64)> {
        match *self {
            Self::Rank(kind, value) => Some((kind, value)),
            Self::Plain(_) | Self::Name(..) => None,
        }
    }
}

/// How many ticks it takes until `time` is over: nodes are woken at ticks only.
fn ticks_up(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX)
}

/// A number for a text. Of different texts with one number there are none among the few of a model.
fn digest(bytes: &[u8]) -> u64 {
    let mut digest = Digest::default();
    digest.write(bytes);
    digest.finish()
}

/// FNV-1a (Fowler, Noll, Vo): the same on every machine, so that figures can be compared.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
