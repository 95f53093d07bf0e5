//! Reads of EC2: rare in good times, at once when they matter, never crowded (F-3).

use alloc::collections::BTreeMap;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    CallFault, CallId, InstanceId, Instant,
    chance::Chance,
    config::{CALL_GRACE, READ_GAP, READ_IN_GOOD_TIMES, READ_WHILE_SILENT, SLOW_CALL},
    running::RunTime,
};

/// A read under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Read {
    pub(crate) of: ReadOf,
    pub(crate) asked_at: Instant,
    pub(crate) asked_run: RunTime,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ReadOf {
    /// The address, on the pooled connection or on one of its own.
    Address { fresh_connection: bool },
    /// The holder's instance.
    Instance(InstanceId),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

    /// The last answer was of no use: the next read waits a little.
    pub(crate) fn pause(&mut self, run: RunTime) {
        self.not_before = run + FIRST_PAUSE * 3;
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
                let again = match fault {
                    // Those who claim need what reads EC2 takes.
                    CallFault::Throttled => READ_WHILE_SILENT,
                    CallFault::NotSent
                    | CallFault::Unreachable
                    | CallFault::Unanswered
                    | CallFault::Failed
                    | CallFault::Denied
                    | CallFault::Gone
                    | CallFault::AlreadyAssociated => (READ_GAP * doubled / 2).min(READ_WHILE_SILENT),
                };
                self.next_at = self.next_at.min(self.not_before + again);
            }
            ReadOf::Instance(_) => self.instance_next_at = self.instance_next_at.min(self.not_before + READ_GAP),
        }
        Some(read)
    }

    /// Whoever waits for the read that has failed says itself when the next one may go out.
    pub(crate) const fn go_on(&mut self, run: RunTime) {
        self.not_before = run;
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

    /// A read that should long have ended. In running time: whoever makes the calls slept as well.
    pub(crate) fn overdue(&self, run: RunTime, timeout: Duration) -> Option<CallId> {
        let is_overdue = |read: &Read| run.since(read.asked_run) > timeout + CALL_GRACE;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn run(seconds: u64) -> RunTime {
        RunTime::default() + Duration::from_secs(seconds)
    }

    fn send(reads: &mut Reads, seconds: u64, id: u64, fresh_connection: bool, is_silent: bool) {
        let read = Read {
            of: ReadOf::Address { fresh_connection },
            asked_at: at(seconds),
            asked_run: run(seconds),
        };
        reads.sent(run(seconds), CallId(id), read, is_silent, &mut Chance::new(id));
    }

    #[test]
    fn good_times_are_read_every_quarter_of_an_hour_or_so() {
        let mut reads = Reads::new(run(0));
        assert!(reads.is_due(run(0)));
        send(&mut reads, 0, 1, false, false);
        assert!(!reads.is_due(run(10_000)), "one is under way");
        reads.answered(run(1), CallId(1));
        assert!(!reads.is_due(run(674)));
        assert!(reads.is_due(run(1_126)));
    }

    #[test]
    fn a_silence_is_read_every_minute_or_so() {
        let mut reads = Reads::new(run(0));
        send(&mut reads, 0, 1, false, true);
        reads.answered(run(1), CallId(1));
        assert!(!reads.is_due(run(44)));
        assert!(reads.is_due(run(76)));
    }

    #[test]
    fn a_wanted_read_comes_at_most_every_five_seconds_and_one_wanted_now_at_once() {
        let mut reads = Reads::new(run(0));
        send(&mut reads, 0, 1, false, false);
        reads.answered(run(1), CallId(1));
        reads.want(run(2));
        assert!(!reads.is_due(run(4)) && reads.is_due(run(5)));
        reads.want_now(run(3));
        assert!(reads.is_due(run(3)));
    }

    #[test]
    fn failed_reads_back_off_within_bounds() {
        let mut reads = Reads::new(run(0));
        let mut now = RunTime::default();
        for id in 0..50 {
            let read = Read {
                of: ReadOf::Address {
                    fresh_connection: false,
                },
                asked_at: at(0),
                asked_run: now,
            };
            reads.sent(now, CallId(id), read, false, &mut Chance::new(id));
            reads.failed(now, CallId(id), CallFault::Throttled, &mut Chance::new(id));
            assert!(!reads.may_read(now, false));
            let next = reads.next_at().unwrap();
            assert!(next.since(now) <= Duration::from_secs(68), "{:?}", next.since(now));
            now = next;
        }
        assert!(now.since(run(0)) > Duration::from_secs(2_000));
        assert!(reads.gets_no_answer(at(0)) && reads.last_failed());
        reads.answered(now, CallId(99));
        assert!(!reads.last_failed());
    }

    #[test]
    fn the_pause_after_a_failed_read_grows_up_to_a_bound() {
        let pause_after = |failures: u64, seed: u64| {
            let mut reads = Reads::new(run(0));
            for id in 0..failures {
                send(&mut reads, 0, id, false, false);
                reads.failed(run(0), CallId(id), CallFault::Failed, &mut Chance::new(seed));
            }
            (0..9_000).find(|ms| reads.may_read(RunTime::default() + Duration::from_millis(*ms), false))
        };
        for (failures, longest) in [(1, 200), (3, 800), (99, 8_000)] {
            let most = (0..50).filter_map(|seed| pause_after(failures, seed)).max();
            let range = longest * 9 / 10..=longest;
            assert!(most.is_some_and(|most| range.contains(&most)), "{failures}: {most:?}");
        }
    }

    #[test]
    fn a_routine_read_that_was_throttled_leaves_the_way_to_others_for_a_minute() {
        let mut reads = Reads::new(run(0));
        send(&mut reads, 0, 1, false, false);
        reads.failed(run(0), CallId(1), CallFault::Throttled, &mut Chance::new(1));
        assert!(!reads.is_due(run(60)) && reads.is_due(run(61)));
        send(&mut reads, 61, 2, false, false);
        reads.failed(run(61), CallId(2), CallFault::Failed, &mut Chance::new(1));
        assert!(reads.is_due(run(61 + 12)));
    }

    #[test]
    fn whoever_paces_a_read_may_ask_again_at_once() {
        let mut reads = Reads::new(run(0));
        send(&mut reads, 0, 1, false, false);
        reads.failed(run(0), CallId(1), CallFault::Throttled, &mut Chance::new(1));
        assert!(!reads.may_read(run(0), false));
        reads.go_on(run(0));
        assert!(reads.may_read(run(0), false));
    }

    #[test]
    fn a_read_that_never_left_says_nothing_and_is_no_busy_loop() {
        let mut reads = Reads::new(run(0));
        send(&mut reads, 0, 1, false, false);
        reads.failed(run(0), CallId(1), CallFault::NotSent, &mut Chance::new(1));
        assert!(!reads.gets_no_answer(at(0)));
        assert!(!reads.may_read(run(0), false));
    }

    #[test]
    fn a_slow_read_leaves_room_for_one_on_a_connection_of_its_own() {
        let mut reads = Reads::new(run(0));
        send(&mut reads, 0, 1, false, false);
        assert!(!reads.may_read(run(1), false) && reads.may_read(run(1), true));
        assert!(!reads.is_slow(at(0)) && reads.is_slow(at(1)));
        send(&mut reads, 1, 2, true, false);
        assert!(!reads.may_read(run(1), true));
    }

    #[test]
    fn a_read_of_which_nobody_tells_the_end_is_overdue() {
        let mut reads = Reads::new(run(0));
        send(&mut reads, 0, 1, false, false);
        let timeout = Duration::from_secs(3);
        assert_eq!(reads.overdue(run(5), timeout), None);
        assert_eq!(reads.overdue(run(6), timeout), Some(CallId(1)));
    }
}
