//! A claim: one `AssociateAddress`, retried while its rule holds, read back (F-11).
//!
//! ```text
//!            rule holds                 sent                     reply
//!   Idle ───────────────► Pursued ──────────────► InFlight ────────────────► Verifying ──► done
//!     ▲                     ▲  ▲                     │  │                        read shows it mine
//!     │ rule ceased         │  └── fault: backoff ───┘  │ no reply
//!     └─────────────────────┤                           ▼
//!                           └── read says otherwise ─ Unresolved ── read says mine ──► done
//! ```
//!
//! A strict takeover sends two requests, each of which goes this way: one releases exactly the association that was read, the
//! other takes the address from nobody. What this pursuit has released is its own to take.
//!
//! The ordinary story: the fact is fresh when the rule begins to hold, so the claim is one round trip. The odd cases: a claim
//! that was not answered may have been applied, so EC2 is read on a new connection before anything else; a fault that is an
//! answer is followed by a pause with full jitter, and throttling by one of its own
//! ([`throttle`]); a rule that ceases to hold ends the pursuit at once.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    AssociationId, CallFault, CallId, Holder, Instant, Rule,
    chance::Chance,
    config::{CALL_GRACE, SETTLE, SLOW_CALL},
    running::RunTime,
    throttle::{self, Crowd},
};

/// A takeover by this node, as far as it got.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Takeover {
    /// The rule that decided.
    pub rule: Rule,
    /// Who held the address before.
    pub from: Holder,
    /// The association that it led to.
    pub association: Option<AssociationId>,
    /// When it was decided.
    pub decided_at: Instant,
    /// From the peer's last life to the decision; `None` if the peer was never heard or is alive.
    pub detect: Option<Duration>,
    /// From the request of the last attempt to EC2's reply, or to the read that showed the address here.
    pub api: Duration,
    /// From there to the read that showed the address here; `None` until it does.
    pub verify: Option<Duration>,
    /// How many requests were sent.
    pub attempts: u32,
}

/// What a claim needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Step {
    /// Nothing: wait for a result or a pause to end.
    Wait,
    /// A read of the address before the next request.
    Read,
    /// A read of the address on a connection of its own.
    ReadFresh,
    /// The request.
    Associate,
}

/// What a claim may be built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// The fact is at most 5 s old (F-5).
    pub(crate) fact_fresh: bool,
    /// Reads get no answer, and the peer's last word is good enough for a first attempt (F-5).
    pub(crate) word_usable: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Claim {
    pursuit: Option<Pursuit>,
    in_flight: Option<InFlight>,
    /// An attempt ended here without telling who holds the address now, and no later read has told either.
    unresolved: Option<Instant>,
    /// Heartbeats tell of an unanswered attempt until here.
    told_until: Option<RunTime>,
    /// An attempt that got no answer: it may still be applied, or have been.
    astray: Option<InFlight>,
    verifying: Option<Verifying>,
    last: Option<Takeover>,
    last_fault: Option<CallFault>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Pursuit {
    rule: Rule,
    from: Holder,
    decided_at: Instant,
    detect: Option<Duration>,
    attempts: u32,
    /// The association that it has asked EC2 to release.
    release: Option<AssociationId>,
    /// Requests in a row that never left.
    unsent: u32,
    began: RunTime,
    not_before: RunTime,
    crowd: Crowd,
    /// Whether a read was throttled since the pursuit began.
    crowded: bool,
    sent_at: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct InFlight {
    id: CallId,
    sent_at: Instant,
    sent_run: RunTime,
    /// The association that was known when it was sent.
    replaces: Option<AssociationId>,
    read_beside: bool,
    is_release: bool,
    /// Whether a read has shown meanwhile that `replaces` is no more.
    overtaken: bool,
    /// Until when it may be applied, once it was given up.
    settles: Option<RunTime>,
}

impl InFlight {
    /// Whether a read asked at `asked_at` that shows `association` is the first to tell that `replaces` is no more.
    fn is_overtaken_by(&self, asked_at: Instant, association: Option<&AssociationId>) -> bool {
        let is_other = self.replaces.as_ref().is_some_and(|known| association != Some(known));
        is_other && !self.overtaken && asked_at >= self.sent_at
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Verifying {
    replied_at: Instant,
    next_at: RunTime,
    pause: Duration,
    reads: u32,
}

impl Claim {
    /// A rule says claim: begins or goes on, and tells the next step.
    pub(crate) fn pursue(
        &mut self,
        now: Instant,
        run: RunTime,
        rule: Rule,
        from: Holder,
        detect: Option<Duration>,
        basis: Basis,
    ) -> Step {
        let pursuit = self.pursuit.get_or_insert(Pursuit {
            rule,
            from,
            decided_at: now,
            detect,
            attempts: 0,
            release: None,
            unsent: 0,
            began: run,
            not_before: run,
            crowd: Crowd::Unseen,
            crowded: false,
            sent_at: None,
        });
        if let Some(in_flight) = &self.in_flight {
            let is_slow = now.since(in_flight.sent_at) >= SLOW_CALL;
            return if is_slow && !in_flight.read_beside {
                Step::ReadFresh
            } else {
                Step::Wait
            };
        }
        if pursuit.release.is_none() || from != Holder::Nobody {
            pursuit.rule = rule;
            pursuit.from = from;
            pursuit.release = None;
        }
        if self.unresolved.is_some() {
            return Step::ReadFresh;
        }
        if run < pursuit.not_before {
            return Step::Wait;
        }
        if pursuit.crowd != Crowd::Unseen {
            return Step::Read;
        }
        if basis.fact_fresh || (basis.word_usable && pursuit.attempts == 0) {
            return Step::Associate;
        }
        Step::Read
    }

    /// No rule says claim: the pursuit ends. A request under way stays, and its result is still heard.
    pub(crate) fn rest(&mut self) {
        if self.in_flight.is_none() && self.unresolved.is_none() {
            self.pursuit = None;
            self.last_fault = None;
        }
    }

    /// The request was handed out.
    pub(crate) fn sent(&mut self, now: Instant, run: RunTime, id: CallId, replaces: Option<AssociationId>) -> u32 {
        self.in_flight = Some(InFlight {
            id,
            sent_at: now,
            sent_run: run,
            replaces,
            read_beside: false,
            overtaken: false,
            is_release: false,
            settles: None,
        });
        self.pursuit.as_mut().map_or(1, |pursuit| {
            pursuit.attempts = pursuit.attempts.saturating_add(1);
            pursuit.sent_at = Some(now);
            pursuit.crowd = Crowd::Unseen;
            pursuit.attempts
        })
    }

    /// The request just handed out releases `association`.
    pub(crate) fn releases(&mut self, association: AssociationId) {
        if let (Some(pursuit), Some(in_flight)) = (&mut self.pursuit, &mut self.in_flight) {
            pursuit.release = Some(association);
            in_flight.is_release = true;
        }
    }

    /// EC2 has released what it was asked to. Returns which association that was.
    pub(crate) fn released(&mut self) -> Option<AssociationId> {
        self.last_fault = None;
        self.in_flight.take()?.replaces
    }

    /// A read on a connection of its own was handed out.
    pub(crate) const fn read_sent(&mut self) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.read_beside = true;
        }
    }

    /// When the request `id` was handed out, if it is the one under way.
    pub(crate) fn sent_at(&self, id: CallId) -> Option<Instant> {
        let in_flight = self.in_flight.as_ref().filter(|in_flight| in_flight.id == id)?;
        Some(in_flight.sent_at)
    }

    /// The request under way, if it should long have ended. In running time: whoever makes the calls slept as well.
    pub(crate) fn overdue(&self, run: RunTime, timeout: Duration) -> Option<CallId> {
        let in_flight = self.in_flight.as_ref()?;
        (run.since(in_flight.sent_run) > timeout + CALL_GRACE).then_some(in_flight.id)
    }

    /// Whether `id` is the request under way.
    pub(crate) fn is_in_flight(&self, id: CallId) -> bool {
        self.in_flight.as_ref().is_some_and(|in_flight| in_flight.id == id)
    }

    /// The request failed. Returns the pause before the next attempt; `None` if no claim is pursued any more.
    pub(crate) fn failed(
        &mut self,
        now: Instant,
        run: RunTime,
        fault: CallFault,
        chance: &mut Chance,
    ) -> Option<Duration> {
        let in_flight = self.in_flight.take();
        let is_release = in_flight.as_ref().is_some_and(|in_flight| in_flight.is_release);
        if fault == CallFault::Unanswered {
            self.astray = in_flight
                .filter(|in_flight| !in_flight.overtaken)
                .map(|in_flight| InFlight {
                    settles: Some(run + SETTLE),
                    ..in_flight
                });
        }
        let pursuit = self.pursuit.as_mut()?;
        let (base, cap) = match fault {
            // Nothing happened, so nothing is held against the attempt; a pause all the same, or a caller that can send
            // nothing would be asked without end.
            CallFault::NotSent => {
                pursuit.attempts = pursuit.attempts.saturating_sub(1);
                let pause = (SHORTEST_PAUSE * (1 << pursuit.unsent.min(DOUBLINGS))).min(LONGEST_PAUSE);
                pursuit.unsent = pursuit.unsent.saturating_add(1);
                pursuit.not_before = run + pause;
                self.last_fault = Some(fault);
                return Some(pause);
            }
            CallFault::Unanswered => {
                self.unresolved = Some(now);
                self.told_until = Some(run + SETTLE);
                (FIRST_PAUSE, LONGEST_PAUSE)
            }
            // The fact that the claim was built on is wrong: read before anything else.
            CallFault::AlreadyAssociated => {
                self.unresolved = Some(now);
                (FIRST_PAUSE, LONGEST_PAUSE)
            }
            // The association that was to be released is gone already, by whomever.
            CallFault::Gone if is_release => {
                self.unresolved = Some(now);
                (FIRST_PAUSE, LONGEST_PAUSE)
            }
            CallFault::Throttled => {
                let pause = throttle::before_claim(pursuit.attempts, run.since(pursuit.began), pursuit.crowded, chance);
                pursuit.unsent = 0;
                pursuit.not_before = run + pause;
                self.last_fault = Some(fault);
                return Some(pause);
            }
            CallFault::Unreachable | CallFault::Failed => (FIRST_PAUSE, LONGEST_PAUSE),
            // Seen at boot and cured minutes later, so retried, but slowly.
            CallFault::Denied | CallFault::Gone => (LONGEST_PAUSE, LONGEST_PAUSE * 8),
        };
        pursuit.unsent = 0;
        self.last_fault = Some(fault);
        let doubled = base * (1 << pursuit.attempts.saturating_sub(1).min(DOUBLINGS));
        let pause = chance.up_to(doubled.min(cap)).max(SHORTEST_PAUSE);
        pursuit.not_before = run + pause;
        Some(pause)
    }

    /// EC2 replied to the request: read it back. Returns the association that it has replaced, if that was known.
    pub(crate) fn replied(&mut self, now: Instant, run: RunTime, association: AssociationId) -> Option<AssociationId> {
        let replaced = self.in_flight.take().and_then(|in_flight| in_flight.replaces);
        self.unresolved = None;
        self.told_until = None;
        self.last_fault = None;
        if self.pursuit.is_none() {
            // A read beside the request has shown the address here already.
            return replaced;
        }
        self.complete(now, association);
        self.verifying = Some(Verifying {
            replied_at: now,
            next_at: run,
            pause: FIRST_VERIFY,
            reads: 0,
        });
        replaced
    }

    /// A read asked at `asked_at` and answered at `now` showed the address here, or not. Returns the takeover that it ends.
    pub(crate) fn read(&mut self, now: Instant, asked_at: Instant, mine: Option<&AssociationId>) -> Option<Takeover> {
        if self.unresolved.is_some_and(|since| asked_at >= since) {
            self.unresolved = None;
        }
        let association = mine?;
        self.unresolved = None;
        self.told_until = None;
        if self.pursuit.as_ref().is_some_and(|pursuit| pursuit.attempts > 0) {
            self.complete(now, *association);
            self.verifying = None;
            let last = self.last.as_mut()?;
            last.verify = Some(Duration::ZERO);
            return Some(last.clone());
        }
        let verifying = self.verifying.take()?;
        let last = self.last.as_mut()?;
        last.verify = Some(now.since(verifying.replied_at));
        Some(last.clone())
    }

    /// A read was throttled. Returns whether a claim waits for it, which then says when the next one goes out: not before the
    /// first attempt, which the peer's word is good enough for.
    pub(crate) fn read_was_throttled(&mut self, run: RunTime, chance: &mut Chance) -> bool {
        let Some(pursuit) = &mut self.pursuit else { return false };
        pursuit.crowded = true;
        if pursuit.attempts == 0 || self.in_flight.is_some() {
            return false;
        }
        pursuit.crowd = pursuit.crowd.refused();
        pursuit.not_before = run + throttle::before_read(run.since(pursuit.began), chance);
        true
    }

    /// A read was answered: if one was throttled before it, the claim waits for another one.
    pub(crate) fn read_passed(&mut self, run: RunTime, chance: &mut Chance) {
        let Some(pursuit) = self.pursuit.as_mut().filter(|_| self.in_flight.is_none()) else {
            return;
        };
        let waited = run.since(pursuit.began);
        pursuit.crowd = pursuit.crowd.passed(waited);
        if pursuit.crowd != Crowd::Unseen {
            pursuit.not_before = run + throttle::before_another_read(waited, chance);
        }
    }

    /// Takes in that a read asked at `asked_at` shows `association`. If that tells that an attempt without an answer, under way or
    /// given up, was applied since it was sent, or somebody else's, since the one known then has been replaced: returns until
    /// when that may have been, once.
    pub(crate) fn overtaken(
        &mut self,
        run: RunTime,
        asked_at: Instant,
        association: Option<&AssociationId>,
    ) -> Option<RunTime> {
        let mut latest = None;
        for attempt in self.in_flight.iter_mut().chain(&mut self.astray) {
            if attempt.is_overtaken_by(asked_at, association) {
                attempt.overtaken = true;
                latest = latest.max(Some(attempt.settles.map_or(run, |settles| settles.min(run))));
            }
        }
        self.astray.take_if(|attempt| attempt.overtaken);
        latest
    }

    /// Whether a read for verification is due, and on which connection: from the second one on its own, since the move may
    /// have broken the pooled one.
    pub(crate) fn verify_due(&mut self, run: RunTime) -> Option<Step> {
        let verifying = self.verifying.as_mut().filter(|verifying| run >= verifying.next_at)?;
        verifying.next_at = run + verifying.pause;
        verifying.pause = (verifying.pause * 2).min(LONGEST_PAUSE);
        verifying.reads = verifying.reads.saturating_add(1);
        Some(if verifying.reads == 1 {
            Step::Read
        } else {
            Step::ReadFresh
        })
    }

    /// The address was lost: there is nothing left to verify.
    pub(crate) fn stop_verifying(&mut self) {
        self.verifying = None;
    }

    /// Whether heartbeats must tell that a claim is under way or was left unanswered (F-8, F-11).
    pub(crate) fn is_told(&self, run: RunTime) -> bool {
        self.pursuit.is_some() || self.in_flight.is_some() || self.told_until.is_some_and(|until| run < until)
    }

    /// Whether this pursuit has asked EC2 to release the address: if nobody holds it, it is this node's to take.
    pub(crate) fn has_released(&self) -> bool {
        self.pursuit.as_ref().is_some_and(|pursuit| pursuit.release.is_some())
    }

    /// Whether a rule has said claim and the address is not here yet.
    pub(crate) const fn is_pursued(&self) -> bool {
        self.pursuit.is_some()
    }

    /// Whether an attempt ended without telling who holds the address, and no read has told since.
    pub(crate) const fn is_unresolved(&self) -> bool {
        self.unresolved.is_some()
    }

    /// Whether the last claim waits for the read that shows it.
    pub(crate) const fn is_verifying(&self) -> bool {
        self.verifying.is_some()
    }

    /// When the claim wants to be asked again: a pause ends, or a slow request deserves a read beside it.
    pub(crate) fn next_at(&self) -> Option<RunTime> {
        let pause = self.pursuit.as_ref().filter(|_| self.in_flight.is_none());
        let verify = self.verifying.as_ref().map(|verifying| verifying.next_at);
        [pause.map(|pursuit| pursuit.not_before), verify]
            .into_iter()
            .flatten()
            .min()
    }

    /// When a read goes out beside the request under way.
    pub(crate) fn read_beside_at(&self) -> Option<Instant> {
        let in_flight = self.in_flight.as_ref().filter(|in_flight| !in_flight.read_beside)?;
        Some(in_flight.sent_at + SLOW_CALL)
    }

    /// The last takeover.
    pub(crate) const fn last(&self) -> Option<&Takeover> {
        self.last.as_ref()
    }

    /// Why the last attempt of the present pursuit failed.
    pub(crate) const fn last_fault(&self) -> Option<CallFault> {
        self.last_fault
    }

    /// How many requests the present pursuit has sent.
    pub(crate) fn attempts(&self) -> u32 {
        self.pursuit.as_ref().map_or(0, |pursuit| pursuit.attempts)
    }

    fn complete(&mut self, now: Instant, association: AssociationId) {
        let Some(pursuit) = self.pursuit.take() else { return };
        self.last = Some(Takeover {
            rule: pursuit.rule,
            from: pursuit.from,
            association: Some(association),
            decided_at: pursuit.decided_at,
            detect: pursuit.detect,
            api: now.since(pursuit.sent_at.unwrap_or(now)),
            verify: None,
            attempts: pursuit.attempts,
        });
    }
}

/// The first pause after a failed attempt, before jitter: a guess, a few round trips to the API.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause after a fault that time cures.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The shortest pause, so that jitter cannot make a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// How often a pause doubles at most.
const DOUBLINGS: u32 = 8;

/// The pause before the second read that verifies a claim: EC2's reads may be stale for seconds.
const FIRST_VERIFY: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests;
