//! What a node does about its decision, and whatever else is due.

use core::time::Duration;

use super::Node;
use crate::{
    Call, CallId, CallRequest, Event, Fitness, Heartbeat, Holder, Instant, Output, Prefix, Report, Rule, Verdict, Word,
    claim::Step,
    config::{READ_GAP, WITNESS_TIMEOUT},
    decide::{decide, is_free},
    reads::{Read, ReadOf},
    running::RunTime,
};

impl Node {
    /// Decides anew, and puts out whatever is due.
    pub(super) fn act(&mut self, now: Instant) {
        let run = self.clock.now();
        let decision = decide(&self.situation(now));
        let verdict = (decision.rule, decision.verdict);
        let rule = decision.rule;
        let frees = is_free(&decision.evidence, rule);
        if self.last_decision != Some(verdict) {
            self.last_decision = Some(verdict);
            self.tell(Event::Decided(decision));
        }
        match verdict.1 {
            Verdict::Claim { allow_reassociation } => {
                // The second half of a strict takeover costs what the first one did.
                if !self.has_released() {
                    self.claims_freely = frees;
                }
                self.pursue(now, rule, allow_reassociation);
            }
            Verdict::Serve | Verdict::Wait(_) | Verdict::Alarm(_) => self.settle(now),
        }
        if matches!(verdict.1, Verdict::Alarm(_)) {
            self.reads.want_each_minute(run);
            self.read_instance_if_due(now);
        }
        if let Some(step) = self.claim.verify_due(run) {
            self.read_address(now, step == Step::ReadFresh);
        }
        if self.silence.is_some() && self.ownership.is_mine() && !self.is_confirmed(now) {
            self.reads.want_each_minute(run);
        }
        // A claim reads when it needs to.
        if self.reads.is_due(run) && !self.claim.is_pursued() {
            self.read_address(now, false);
        }
        self.probe_if_due();
        self.ask_witnesses_if_due();
        self.query_if_due(now);
        self.give_notice_if_due(now);
        if now >= self.next_beat {
            self.beat(now, false);
        }
    }

    pub(super) fn pursue(&mut self, now: Instant, rule: Rule, allow_reassociation: bool) {
        let run = self.clock.now();
        let from = self.holder().unwrap_or(Holder::Nobody);
        let detect = self.silence.as_ref().and_then(|_| self.detector.life_at());
        let detect = detect.map(|life| now.since(life));
        let was_told = self.claim.is_told(run);
        let is_release = self.config.strict && allow_reassociation;
        let basis = self.basis(now, is_release);
        let step = self.claim.pursue(now, run, rule, from, detect, basis);
        if !was_told {
            // Announced before it is sent, so that the peer knows of the hold to come (F-8).
            self.beat(now, false);
        }
        match step {
            Step::Wait => {}
            // The pooled connection may be dead: a read that hangs on it must not delay the claim.
            Step::Read => self.read_address(now, self.reads.is_slow(now)),
            Step::ReadFresh => self.read_address(now, true),
            Step::Associate => self.claim_address(now, rule, allow_reassociation),
        }
    }

    /// Sends the request, or the first of the two that a strict takeover makes of it (F-11).
    fn claim_address(&mut self, now: Instant, rule: Rule, allow_reassociation: bool) {
        let run = self.clock.now();
        // What was not answered before may have gone out on a dead connection.
        let fresh_connection = self.claim.attempts() > 0 || self.reads.gets_no_answer(now);
        let held = self.ownership.fact().and_then(|fact| fact.association);
        let release = held.filter(|_| self.config.strict && allow_reassociation);
        let call = release.map_or(Call::Associate { allow_reassociation }, Call::Release);
        let id = self.call(now, call, fresh_connection);
        let attempt = self.claim.sent(now, run, id, held);
        match release {
            Some(association) => {
                self.claim.releases(association);
                self.tell(Event::Releasing {
                    rule,
                    association,
                    attempt,
                });
            }
            None => self.tell(Event::Claiming { rule, attempt }),
        }
    }

    /// No rule says claim: what is unresolved is still read, the rest ends.
    pub(super) fn settle(&mut self, now: Instant) {
        self.claim.rest();
        if self.claim.is_unresolved() {
            self.read_address(now, true);
        }
    }

    pub(super) fn read_address(&mut self, now: Instant, fresh_connection: bool) {
        let run = self.clock.now();
        if self.reads.may_read(run, fresh_connection) {
            let id = self.call(now, Call::ReadAddress, fresh_connection);
            let read = Read {
                of: ReadOf::Address { fresh_connection },
                asked_at: now,
                asked_run: run,
            };
            let is_silent = self.silence.is_some() && !self.ownership.is_mine();
            self.reads.sent(run, id, read, is_silent, &mut self.chance);
            if fresh_connection {
                self.claim.read_sent();
            }
        }
    }

    /// Whether it has just been said that this node holds the address: its IMDS does so every other second, and says it when it does
    /// not any more, so EC2 need not be asked.
    fn is_confirmed(&self, now: Instant) -> bool {
        let confirmation = self.ownership.confirmation();
        confirmation.is_some_and(|(_, at)| now.since(at) <= READ_GAP)
    }

    pub(super) fn read_instance_if_due(&mut self, now: Instant) {
        let run = self.clock.now();
        // The life of a new peer says nothing of the instance before it (F-9).
        let matters = self.detector.is_holdtime_over(run) || self.holder() == Some(Holder::Former);
        if !matters || !self.reads.is_instance_due(run) {
            return;
        }
        if let Some(instance) = self.holders_instance().copied() {
            let id = self.call(now, Call::ReadInstance(instance), false);
            let read = Read {
                of: ReadOf::Instance(instance),
                asked_at: now,
                asked_run: run,
            };
            self.reads.sent(run, id, read, true, &mut self.chance);
        }
    }

    pub(super) fn probe_if_due(&mut self) {
        let run = self.clock.now();
        let Some(timeout) = self.config.probe_timeout else {
            return;
        };
        if run < self.probing.next_at() {
            return;
        }
        let timeout = self.within_holdtime(run, timeout);
        self.probing.sent(run, timeout, self.detector.is_holdtime_over(run));
        self.outputs.push_back(Output::Probe { timeout });
    }

    pub(super) fn ask_witnesses_if_due(&mut self) {
        let run = self.clock.now();
        if self.witnesses.next_at().is_none_or(|at| run < at) {
            return;
        }
        let timeout = self.within_holdtime(run, WITNESS_TIMEOUT);
        let gap = self.config.witness_gap();
        self.witnesses.asked(run, gap, self.detector.is_holdtime_over(run));
        self.outputs.push_back(Output::AskWitnesses { timeout });
    }

    /// As much of `timeout` as ends within the holdtime: whoever is asked under suspicion has answered when it is over (F-3).
    fn within_holdtime(&self, run: RunTime, timeout: Duration) -> Duration {
        let until_holdtime = self.detector.holdtime_at().since(run);
        if until_holdtime.is_zero() {
            timeout
        } else {
            timeout.min(until_holdtime)
        }
    }

    pub(super) fn query_if_due(&mut self, now: Instant) {
        let run = self.clock.now();
        let gap = self.config.query_gap();
        let over = self.detector.is_holdtime_over(run);
        let Some(silence) = &mut self.silence else { return };
        if silence.queries_left > 0 && run >= silence.next_query {
            silence.queries_left = if over { 0 } else { silence.queries_left - 1 };
            silence.next_query = run + gap;
            self.beat(now, true);
        }
    }

    pub(super) fn beat(&mut self, now: Instant, query: bool) {
        let run = self.clock.at(now);
        let (incarnation, sequence, echo) = self.detector.stamp(now, run);
        let prefix = Prefix {
            sender: self.config.me,
            incarnation,
            sequence,
            echo,
        };
        let report = Some(self.report(now, run, query));
        self.outputs.push_back(Output::Send(Heartbeat { prefix, report }));
        if !query {
            self.next_beat = now + self.config.interval;
        }
    }

    pub(super) fn call(&mut self, now: Instant, call: Call, fresh_connection: bool) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.outputs.push_back(Output::Call(CallRequest {
            id,
            call,
            timeout: self.config.call_timeout,
            not_after: now + self.config.interval * 2,
            fresh_connection,
        }));
        id
    }

    pub(super) fn report(&self, now: Instant, run: RunTime, query: bool) -> Report {
        let identity = self.identity.as_ref();
        Report {
            query,
            interval: self.pace.interval,
            instance: identity.map(|identity| identity.instance),
            zone: identity.map(|identity| identity.zone).unwrap_or_default(),
            fitness: self.said_fitness(),
            saturated: self.saturated,
            ready: self.ready,
            word: self.word(now),
            claiming: self.claim.is_told(run),
            yielding: self.is_yielding(now),
            moves: self.budget.told(run),
            notice: self.notice(now),
            hold: self.holds.told(now),
            by_order: self.holds_by_order && self.ownership.is_mine(),
            version: self.config.version,
        }
    }

    /// What this node says of itself: unknown after a pause, until the fact has been read again (F-16).
    pub(super) fn said_fitness(&self) -> Fitness {
        if self.unsure_since.is_some() {
            Fitness::Unknown
        } else {
            self.fitness
        }
    }

    /// What this node says of the address; nothing while it is unsure (F-16).
    pub(super) fn word(&self, now: Instant) -> Option<Word> {
        if self.unsure_since.is_some() {
            return None;
        }
        let fact = self.ownership.fact()?;
        let (source, at) = self.ownership.confirmation()?;
        let association = fact.association;
        Some(Word {
            holder: fact.holder,
            association,
            source,
            age: now.since(at),
        })
    }
}
