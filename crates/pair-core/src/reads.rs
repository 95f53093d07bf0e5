//! Reads of EC2: rare in good times, at once when they matter, never crowded (F-3).

use alloc::collections::BTreeMap;
use core::time::Duration;

use crate::{
    CallFault, CallId, InstanceId, Instant,
    chance::Chance,
    config::{CALL_GRACE, READ_GAP, READ_IN_GOOD_TIMES, READ_WHILE_SILENT, SLOW_CALL},
    running::RunTime,
};

/// A read under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) of: ReadOf,
    pub(crate) asked_at: Instant,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReadOf {
    /// The address, on the pooled connection or on one of its own.
    Address { fresh_connection: bool },
    /// The holder's instance.
    Instance(InstanceId),
}

#[derive(Clone, Debug)]
pub(crate) struct Reads {
    under_way: BTreeMap<CallId, Read>,
    asked: Option<RunTime>,
    next_at: RunTime,
    instance_next_at: RunTime,
    not_before: RunTime,
    failures: u32,
    last_failed: bool,
}

impl Reads {
    pub(crate) const fn new(run: RunTime) -> Self {
        Self {
            under_way: BTreeMap::new(),
            asked: None,
            next_at: run,
            instance_next_at: run,
            not_before: run,
            failures: 0,
            last_failed: false,
        }
    }

    /// Something is in doubt that no claim waits for: read soon, but at most once in 5 s.
    pub(crate) fn want(&mut self, run: RunTime) {
        let earliest = self.asked.map_or(run, |asked| (asked + READ_GAP).max(run));
        self.next_at = self.next_at.min(earliest);
    }

    /// Two members say that they hold the address, or none: read as soon as a failed read's pause allows.
    pub(crate) fn want_now(&mut self, run: RunTime) {
        self.next_at = self.next_at.min(run);
    }

    /// Something is wrong that only EC2 can say the end of: read each minute.
    pub(crate) fn want_each_minute(&mut self, run: RunTime) {
        let earliest = self.asked.map_or(run, |asked| asked + READ_WHILE_SILENT);
        self.next_at = self.next_at.min(earliest.max(run));
    }

    /// A second read is wanted after `delay`, to confirm the last one.
    pub(crate) fn want_after(&mut self, run: RunTime, delay: Duration) {
        self.next_at = self.next_at.min(run + delay);
    }

    /// Whether a routine read of the address is due.
    pub(crate) fn is_due(&self, run: RunTime) -> bool {
        run >= self.next_at && self.may_read(run, false)
    }

    /// Whether a read of the holder's instance is due.
    pub(crate) fn is_instance_due(&self, run: RunTime) -> bool {
        run >= self.instance_next_at
            && run >= self.not_before
            && !self
                .under_way
                .values()
                .any(|read| matches!(read.of, ReadOf::Instance(_)))
    }

    /// Whether a read that a claim waits for may go out: none of its kind is under way, and no pause after a failure runs.
    pub(crate) fn may_read(&self, run: RunTime, fresh_connection: bool) -> bool {
        run >= self.not_before
            && !self
                .under_way
                .values()
                .any(|read| read.of == ReadOf::Address { fresh_connection })
    }

    /// A read was handed out.
    pub(crate) fn sent(&mut self, run: RunTime, id: CallId, read: Read, is_silent: bool, chance: &mut Chance) {
        match read.of {
            ReadOf::Address { .. } => {
                self.asked = Some(run);
                let pause = if is_silent {
                    READ_WHILE_SILENT
                } else {
                    READ_IN_GOOD_TIMES
                };
                self.next_at = run + pause * 3 / 4 + chance.up_to(pause / 2);
            }
            ReadOf::Instance(_) => self.instance_next_at = run + READ_WHILE_SILENT,
        }
        self.under_way.insert(id, read);
    }

    /// A read ended with an answer.
    pub(crate) fn answered(&mut self, run: RunTime, id: CallId) -> Option<Read> {
        self.failures = 0;
        self.not_before = run;
        self.last_failed = false;
        self.under_way.remove(&id)
    }

    /// A read failed: the next one waits with full jitter.
    pub(crate) fn failed(&mut self, run: RunTime, id: CallId, fault: CallFault, chance: &mut Chance) -> Option<Read> {
        let read = self.under_way.remove(&id)?;
        // A read that never left says nothing about EC2, but the next one waits all the same: no busy loop.
        self.last_failed = self.last_failed || fault != CallFault::NotSent;
        self.failures = self.failures.saturating_add(1);
        let doubled = 1 << self.failures.min(DOUBLINGS);
        let pause = (FIRST_PAUSE * doubled).min(LONGEST_PAUSE);
        self.not_before = run + chance.up_to(pause).max(SHORTEST_PAUSE);
        match read.of {
            ReadOf::Address { .. } => {
                let again = (READ_GAP * doubled / 2).min(READ_WHILE_SILENT);
                self.next_at = self.next_at.min(self.not_before + again);
            }
            ReadOf::Instance(_) => self.instance_next_at = self.instance_next_at.min(self.not_before + READ_GAP),
        }
        Some(read)
    }

    /// Whether the last read got no answer, or one of the address waits for its answer for long.
    pub(crate) fn gets_no_answer(&self, now: Instant) -> bool {
        self.last_failed || self.is_slow(now)
    }

    /// Whether a read of the address waits for its answer for long: the pooled connection may be dead.
    pub(crate) fn is_slow(&self, now: Instant) -> bool {
        self.under_way
            .values()
            .any(|read| matches!(read.of, ReadOf::Address { .. }) && now.since(read.asked_at) >= SLOW_CALL)
    }

    /// When the read `id` was asked, if it is under way.
    pub(crate) fn asked_at(&self, id: CallId) -> Option<Instant> {
        self.under_way.get(&id).map(|read| read.asked_at)
    }

    /// A read that should long have ended.
    pub(crate) fn overdue(&self, now: Instant, timeout: Duration) -> Option<CallId> {
        let is_overdue = |read: &Read| now.since(read.asked_at) > timeout + CALL_GRACE;
        self.under_way
            .iter()
            .find(|(_, read)| is_overdue(read))
            .map(|(id, _)| *id)
    }

    /// Whether the last read failed.
    pub(crate) const fn last_failed(&self) -> bool {
        self.last_failed
    }

    /// When the next read is due, in running time.
    pub(crate) fn next_at(&self) -> Option<RunTime> {
        self.may_read(self.next_at.max(self.not_before), false)
            .then(|| self.next_at.max(self.not_before))
    }
}

/// The first pause after a failed read, before doubling and jitter: a guess.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The shortest pause after a failed read, so that jitter cannot make a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause after a failed read.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How often the pause doubles at most.
const DOUBLINGS: u32 = 8;
