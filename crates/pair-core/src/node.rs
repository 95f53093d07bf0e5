//! One node of a pair: carries inputs to the parts, asks the table what should be done, and puts out what that takes.
//!
//! ```text
//!             ┌──────────── detector ── link, silence
//!  Input ──►  ├──────────── ownership ─ fact               ──► Situation ──► decide ──► claim ──► Output
//!             ├──────────── peer, refit, probing, instance
//!             └──────────── reads, orders
//! ```
//!
//! Whatever happens, `handle` ends the same way: suspicion is followed, the decision is taken anew, due work goes out. There
//! is no state that says "active": that is what the fact says.
//!
//! One exception: a node that is late, because it or its host did not run, only takes in what it is told and decides at the
//! wake-up that follows, when the socket has been drained (F-4). After a sleep in which the peer may have presumed it dead it
//! doubts itself and all it knew (F-16).

use alloc::{collections::VecDeque, string::String};
use core::time::Duration;

use crate::{
    Association, AssociationId, Call, CallFault, CallId, CallRequest, Config, Decision, Event, Fact, Fitness,
    Heartbeat, Holder, Identity, Incarnation, Input, InstanceId, InstanceState, Instant, Link, Objection, Output,
    Prefix, Reply, Report, Rule, Situation, Source, Testimony, Timer, Verdict, View, Word,
    chance::Chance,
    claim::{Basis, Claim, Step},
    config::{FACT_FRESH, ISOLATION_CALLS, LOSS_CONFIRM, NOBODY_PATIENCE, NOBODY_SKEW, READ_GAP, SHORTEST_INTERVAL},
    decide::decide,
    detector::{Detector, Hearing},
    instance_watch::InstanceWatch,
    order::{Order, Orders, Target},
    ownership::{Ownership, Taken},
    peer::Peer,
    probing::Probing,
    reads::{Read, ReadOf, Reads},
    refit::Refit,
    running::{RunTime, RunningClock},
};

/// One node of a pair.
#[derive(Clone, Debug)]
pub struct Node {
    config: Config,
    clock: RunningClock,
    chance: Chance,
    identity: Option<Identity>,
    /// As measured; unknown from a pause until the next measurement.
    fitness: Fitness,
    saturated: bool,
    ready: bool,
    /// Back from a pause, and the fact not yet read again (F-16): when the pause ended.
    unsure_since: Option<Instant>,
    detector: Detector,
    peer: Peer,
    ownership: Ownership,
    probing: Probing,
    instance_watch: InstanceWatch,
    refit: Refit,
    claim: Claim,
    reads: Reads,
    orders: Orders,
    silence: Option<Silence>,
    next_beat: Instant,
    answered_query_at: Option<Instant>,
    /// Since when the fact says that nobody holds the address (F-10).
    nobody_since: Option<RunTime>,
    next_call: u64,
    last_link: Link,
    last_decision: Option<(Rule, Verdict)>,
    outputs: VecDeque<Output>,
}

/// One silence of the peer, from suspicion until life returns.
#[derive(Clone, Debug)]
struct Silence {
    began_at: Instant,
    next_query: RunTime,
    queries_left: u32,
    /// Calls that got no answer, with no answer since the first of them was sent: this node may be cut off (F-11).
    unanswered: u32,
    answered_at: Option<Instant>,
    /// A pause has restarted this silence, and does so once only: starvation slows detection and never stops it (F-4).
    was_paused: bool,
}

impl Node {
    /// A node that starts at `now`. `seed` makes its incarnation and its jitter: two nodes must not share one.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Instant) -> Self {
        let mut chance = Chance::new(seed);
        let clock = RunningClock::new(now, config.interval);
        let run = clock.now();
        let own = Incarnation(chance.next());
        Self {
            clock,
            identity: None,
            fitness: Fitness::Unknown,
            saturated: false,
            ready: false,
            unsure_since: None,
            detector: Detector::new(&config, own, run),
            peer: Peer::default(),
            ownership: Ownership::new(config.me, run),
            probing: Probing::new(&config, run),
            instance_watch: InstanceWatch::default(),
            refit: Refit::new(config.refit),
            claim: Claim::default(),
            reads: Reads::new(run),
            orders: Orders::default(),
            silence: None,
            next_beat: now,
            answered_query_at: None,
            nobody_since: None,
            next_call: 0,
            last_link: Link::NeverHeard,
            last_decision: None,
            outputs: VecDeque::new(),
            chance,
            config,
        }
    }

    /// Takes in what happened at `now`, decides anew, and queues what that takes.
    ///
    /// The caller handles every datagram that waits in the socket before it handles a [`Input::Wakeup`] (F-4), and tells of
    /// its own checks again and again, changed or not: after a pause the last verdict is void (F-16).
    pub fn handle(&mut self, now: Instant, input: Input) {
        let run = self.clock.at(now);
        let is_late = input != Input::Wakeup && self.clock.is_late(now);
        match input {
            Input::Wakeup => self.wake(now),
            Input::Heartbeat(heartbeat) => self.hear_heartbeat(now, run, &heartbeat),
            Input::PeerUnreachable => self.detector.note_unreachable(),
            Input::Identity(identity) => self.identity = Some(identity),
            Input::Imds { mine, asked_at } => self.hear_imds(now, run, mine, asked_at),
            Input::Health { fitness, saturated } => self.hear_health(now, run, fitness, saturated),
            Input::Readiness(ready) => self.ready = ready,
            Input::Probed {
                begun_at,
                target,
                outcome,
            } => {
                let peer_holds = self.peer_holds();
                self.probing.hear(run, begun_at, target, outcome, peer_holds);
            }
            Input::Called { id, result } => self.hear_call(now, run, id, result),
            Input::Order { id, to } => self.hear_order(now, Order { id, to }),
        }
        if is_late {
            return;
        }
        self.follow_link(now);
        self.end_orders(now);
        self.act(now);
    }

    /// This run of the node: what the peer must echo.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.detector.own()
    }

    /// The next thing that this node wants done.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When this node wants a [`Input::Wakeup`], and why.
    #[must_use]
    pub fn poll_timeout(&self) -> (Instant, Timer) {
        let when = |point: RunTime| self.clock.when(point);
        let is_silent = self.silence.is_some();
        let timers = [
            Some((self.next_beat.min(self.clock.next_step()), Timer::Beat)),
            (!is_silent).then(|| (when(self.detector.suspect_at()), Timer::Suspicion)),
            (!self.detector.is_holdtime_over(self.clock.now()))
                .then(|| (when(self.detector.holdtime_at()), Timer::Holdtime)),
            self.silence
                .as_ref()
                .filter(|silence| silence.queries_left > 0)
                .map(|silence| (when(silence.next_query), Timer::Query)),
            self.config
                .probe_timeout
                .map(|_| (when(self.probing.next_at()), Timer::Probe)),
            self.reads.next_at().map(|at| (when(at), Timer::Read)),
            self.claim.next_at().map(|at| (when(at), Timer::Claim)),
            self.claim.read_beside_at().map(|at| (at, Timer::Claim)),
        ];
        timers
            .into_iter()
            .flatten()
            // A timer that is overdue waits for a result, not for time: the beat looks after it.
            .filter(|(at, timer)| *timer == Timer::Beat || *at > self.clock.woken_at())
            .min()
            .unwrap_or((self.next_beat, Timer::Beat))
    }

    /// What should be done at this node's last wake-up, by which rule and on what evidence. Changes nothing.
    #[must_use]
    pub fn decide(&self) -> Decision {
        decide(&self.situation(self.clock.now()))
    }

    /// What this node knows and does, for people to read.
    #[must_use]
    pub fn view(&self, now: Instant) -> View {
        let confirmed = self.ownership.confirmation();
        View {
            is_active: self.ownership.fact().map(|_| self.ownership.is_mine()),
            fact: self.ownership.fact().cloned(),
            confirmed: confirmed.map(|(source, at)| (source, now.since(at))),
            ec2_read_age: self.ownership.ec2_read().map(|at| now.since(at)),
            ec2_read_failed: self.reads.last_failed(),
            fitness: self.fitness,
            ready: self.ready,
            link: self.detector.link(self.clock.now()),
            heard_age: self.detector.life_at().map(|at| now.since(at)),
            round_trip: self.detector.quality().round_trip(),
            loss_percent: self.detector.quality().loss_percent(),
            peer: self.peer.report().cloned(),
            probe: self.probing.last(),
            decision: self.decide(),
            attempts: self.claim.attempts(),
            claim_fault: self.claim.last_fault(),
            takeover: self.claim.last().cloned(),
        }
    }

    fn wake(&mut self, now: Instant) {
        let missed = self.clock.advance(now);
        if missed + self.config.interval >= self.config.pause() {
            self.doubt_everything(now, missed);
        }
        self.end_overdue_calls(now);
    }

    /// Back from a pause: what this node knew of itself and of the peer is in doubt (F-16).
    fn doubt_everything(&mut self, now: Instant, missed: Duration) {
        let run = self.clock.now();
        self.unsure_since = Some(now);
        self.fitness = Fitness::Unknown;
        self.peer.doubt();
        if missed >= READ_GAP {
            self.reads.want_now(run);
        } else {
            self.reads.want(run);
        }
        self.tell(Event::Paused { missed });
        if let Some(silence) = &mut self.silence
            && !silence.was_paused
        {
            silence.was_paused = true;
            self.restart_silence(now);
        }
    }

    /// A call of which nobody told the end counts as unanswered.
    fn end_overdue_calls(&mut self, now: Instant) {
        let (run, timeout) = (self.clock.now(), self.config.call_timeout);
        while let Some(id) = self
            .reads
            .overdue(now, timeout)
            .or_else(|| self.claim.overdue(now, timeout))
        {
            self.hear_call(now, run, id, Err(CallFault::Unanswered));
        }
    }

    /// Counts the silence anew, with all that belongs to a suspicion.
    fn restart_silence(&mut self, now: Instant) {
        let run = self.clock.now();
        let queries = self.queries();
        if let Some(silence) = &mut self.silence {
            self.detector.start_silence_anew(run);
            self.probing.suspect(now, run);
            silence.queries_left = queries;
            silence.next_query = run;
        }
    }

    /// How many queries one suspicion may send.
    fn queries(&self) -> u32 {
        let queries = self.config.holdtime.as_nanos() / self.config.query_gap().as_nanos();
        u32::try_from(queries).unwrap_or(u32::MAX)
    }

    fn hear_heartbeat(&mut self, now: Instant, run: RunTime, heartbeat: &Heartbeat) {
        if heartbeat.prefix.sender == self.config.me {
            return;
        }
        let hearing = self.detector.hear(now, run, &heartbeat.prefix);
        if hearing == Hearing::NoLife {
            return;
        }
        if hearing == Hearing::NewIncarnation {
            self.tell(Event::PeerIncarnation(heartbeat.prefix.incarnation));
        }
        let hands = self.ownership.hands();
        self.peer.hear(now, run, &self.config, hands, heartbeat.report.as_ref());
        let Some(report) = self.peer.report().cloned() else {
            return;
        };
        self.detector.follow_interval(&self.config, report.interval);
        // A datagram that waited while this node slept is older than it looks: it is life, and no news.
        let is_news = self.clock.asleep(now) < self.config.pause();
        if let Some(word) = report.word.as_ref().filter(|_| is_news) {
            let before = self.holder();
            let taken = self.ownership.hear_peer(now, run, word);
            self.read_if_contested(run, taken);
            self.follow_holder(now, before);
        }
        let may_answer = self
            .answered_query_at
            .is_none_or(|at| now.since(at) >= SHORTEST_INTERVAL / 2);
        if report.query && may_answer {
            self.answered_query_at = Some(now);
            self.beat(now, false);
        }
    }

    fn hear_imds(&mut self, now: Instant, run: RunTime, mine: bool, asked_at: Instant) {
        let before = self.holder();
        let taken = self.ownership.hear_imds(run, mine, asked_at);
        self.read_if_contested(run, taken);
        if mine == self.ownership.is_mine() {
            self.be_sure(asked_at);
        }
        self.follow_holder(now, before);
    }

    fn hear_health(&mut self, now: Instant, run: RunTime, fitness: Fitness, saturated: bool) {
        let changed = fitness != self.fitness;
        self.refit.hear(run, fitness, self.ownership.is_mine());
        self.fitness = fitness;
        self.saturated = saturated;
        if changed {
            // The peer of a holder that fails must not wait for the next beat.
            self.beat(now, false);
        }
    }

    fn hear_call(&mut self, now: Instant, run: RunTime, id: CallId, result: Result<Reply, CallFault>) {
        self.follow_isolation(now, id, result.as_ref().err().copied());
        let before = self.holder();
        match result {
            Ok(Reply::Address(association)) => {
                let Some(read) = self.reads.answered(run, id) else {
                    return;
                };
                self.hear_address(now, run, read, association);
            }
            Ok(Reply::Instance(state)) => {
                if let Some(read) = self.reads.answered(run, id) {
                    self.hear_instance(run, read, state);
                }
            }
            Ok(Reply::Associated(association)) => {
                if !self.claim.is_in_flight(id) {
                    return;
                }
                self.tell(Event::Claimed(association.clone()));
                self.orders.spend();
                self.claim.replied(now, run, association.clone());
                self.ownership
                    .hear_ec2(run, self.own_hold(association, Source::Reply, now));
            }
            Err(fault) if self.claim.is_in_flight(id) => {
                let attempt = self.claim.attempts();
                if let Some(pause) = self.claim.failed(now, run, fault, &mut self.chance) {
                    self.tell(Event::ClaimFailed { attempt, fault, pause });
                }
            }
            Err(fault) => {
                self.reads.failed(run, id, fault, &mut self.chance);
            }
        }
        self.follow_holder(now, before);
    }

    fn hear_address(&mut self, now: Instant, run: RunTime, read: Read, association: Option<Association>) {
        let holder = self.classify(association.as_ref());
        let id = association.as_ref().map(|held| held.id.clone());
        let taken = self.ownership.hear_ec2(
            run,
            Fact {
                holder,
                association: id.clone(),
                instance: association.and_then(|held| held.instance),
                source: Source::Ec2,
                asked_at: read.asked_at,
            },
        );
        match taken {
            Taken::Contested | Taken::StillContested => self.reads.want_after(run, LOSS_CONFIRM),
            Taken::Believed | Taken::Ignored => {}
        }
        self.be_sure(read.asked_at);
        let mine = id.filter(|_| holder == Holder::Member(self.config.me));
        if let Some(takeover) = self.claim.read(now, read.asked_at, mine.as_ref()) {
            self.tell(Event::TookOver(takeover));
        }
    }

    /// Takes in what EC2 says of the holder's instance, unless life came after it was asked (F-8).
    fn hear_instance(&mut self, run: RunTime, read: Read, state: InstanceState) {
        let ReadOf::Instance(instance) = read.of else { return };
        let of_this_silence = |silence: &Silence| read.asked_at >= silence.began_at;
        if self.silence.as_ref().is_some_and(of_this_silence) {
            self.instance_watch.hear(run, read.asked_at, instance, state);
        }
    }

    fn hear_order(&mut self, now: Instant, order: Order) {
        let Some(fact) = self.ownership.fact() else {
            return self.orders.refuse_unknown(order, &mut self.outputs);
        };
        let (fitness, ready, up) = if order.to == self.config.me {
            (Some(self.fitness), self.ready, true)
        } else {
            let up = self.detector.link(self.clock.now()) == Link::Up;
            let report = self.peer.report();
            (self.peer.fitness(), report.is_some_and(|report| report.ready), up)
        };
        let target = Target { fitness, ready, up };
        self.orders
            .hear(now, order, self.config.me, fact.holder, target, &mut self.outputs);
        self.beat(now, false);
    }

    /// Follows the link: suspicion begins or ends.
    fn follow_link(&mut self, now: Instant) {
        let run = self.clock.now();
        let link = self.detector.link(run);
        if link != self.last_link {
            let silence = self.detector.silence(run);
            self.tell(Event::LinkChanged {
                from: self.last_link,
                to: link,
                silence,
            });
            self.last_link = link;
        }
        match (self.detector.is_silent(run), self.silence.is_some()) {
            (true, false) => {
                self.silence = Some(Silence {
                    began_at: now,
                    next_query: run,
                    queries_left: self.queries(),
                    unanswered: 0,
                    answered_at: None,
                    was_paused: false,
                });
                self.instance_watch.clear();
                self.probing.suspect(now, run);
                self.reads.want(run);
            }
            (false, true) => {
                self.silence = None;
                self.probing.relax();
                self.instance_watch.clear();
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Follows whether this node was cut off from EC2 during the silence (F-11).
    fn follow_isolation(&mut self, now: Instant, id: CallId, fault: Option<CallFault>) {
        let asked_at = self.reads.asked_at(id).or_else(|| self.claim.sent_at(id));
        let (Some(silence), Some(asked_at)) = (&mut self.silence, asked_at) else {
            return;
        };
        match fault {
            Some(CallFault::NotSent) => {}
            Some(fault) if !fault.is_answer() => {
                if silence.answered_at.is_none_or(|at| at < asked_at) {
                    silence.unanswered = silence.unanswered.saturating_add(1);
                }
            }
            Some(_) | None => {
                let was_cut_off = silence.unanswered >= ISOLATION_CALLS;
                silence.unanswered = 0;
                silence.answered_at = Some(now);
                if was_cut_off {
                    self.restart_silence(now);
                    self.tell(Event::SilenceStartsAnew);
                }
            }
        }
    }

    /// Follows a change of the holder: the peer is told at once.
    fn follow_holder(&mut self, now: Instant, before: Option<Holder>) {
        let Some(fact) = self.ownership.fact() else { return };
        if before == Some(fact.holder) {
            return;
        }
        let event = Event::HolderChanged {
            from: before,
            to: fact.holder,
            association: fact.association.clone(),
            source: fact.source,
        };
        self.nobody_since = (fact.holder == Holder::Nobody).then(|| self.clock.now());
        self.instance_watch.follow_change(self.ownership.is_mine());
        if !self.ownership.is_mine() {
            self.claim.stop_verifying();
        }
        self.tell(event);
        self.beat(now, false);
    }

    fn end_orders(&mut self, now: Instant) {
        let is_verified = !self.claim.is_verifying();
        self.orders.end(now, self.holder(), is_verified, &mut self.outputs);
    }

    /// Decides anew, and puts out whatever is due.
    fn act(&mut self, now: Instant) {
        let run = self.clock.now();
        let decision = decide(&self.situation(run));
        let verdict = (decision.rule, decision.verdict);
        let rule = decision.rule;
        if self.last_decision != Some(verdict) {
            self.last_decision = Some(verdict);
            self.tell(Event::Decided(decision));
        }
        match verdict.1 {
            Verdict::Claim { allow_reassociation } => self.pursue(now, rule, allow_reassociation),
            Verdict::Serve | Verdict::Wait(_) | Verdict::Alarm(_) => self.settle(now),
        }
        if matches!(verdict.1, Verdict::Alarm(_)) {
            self.reads.want_each_minute(run);
            self.read_instance_if_due(now);
        }
        if let Some(step) = self.claim.verify_due(run) {
            self.read_address(now, step == Step::ReadFresh);
        }
        if self.reads.is_due(run) {
            self.read_address(now, false);
        }
        self.probe_if_due();
        self.query_if_due(now);
        if now >= self.next_beat {
            self.beat(now, false);
        }
    }

    fn pursue(&mut self, now: Instant, rule: Rule, allow_reassociation: bool) {
        let run = self.clock.now();
        let from = self.holder().unwrap_or(Holder::Nobody);
        let detect = self.silence.as_ref().and_then(|_| self.detector.life_at());
        let detect = detect.map(|life| now.since(life));
        let was_told = self.claim.is_told(run);
        let basis = self.basis(now);
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
            Step::Associate => {
                // What was not answered before may have gone out on a dead connection.
                let fresh_connection = self.claim.attempts() > 0 || self.reads.gets_no_answer(now);
                let id = self.call(now, Call::Associate { allow_reassociation }, fresh_connection);
                let attempt = self.claim.sent(now, id);
                self.tell(Event::Claiming { rule, attempt });
            }
        }
    }

    /// No rule says claim: what is unresolved is still read, the rest ends.
    fn settle(&mut self, now: Instant) {
        self.claim.rest();
        if self.claim.is_unresolved() {
            self.read_address(now, true);
        }
    }

    fn read_address(&mut self, now: Instant, fresh_connection: bool) {
        let run = self.clock.now();
        if self.reads.may_read(run, fresh_connection) {
            let id = self.call(now, Call::ReadAddress, fresh_connection);
            let read = Read {
                of: ReadOf::Address { fresh_connection },
                asked_at: now,
            };
            self.reads.sent(run, id, read, self.silence.is_some(), &mut self.chance);
            if fresh_connection {
                self.claim.read_sent();
            }
        }
    }

    fn read_instance_if_due(&mut self, now: Instant) {
        let run = self.clock.now();
        if !self.detector.is_holdtime_over(run) || !self.reads.is_instance_due(run) {
            return;
        }
        if let Some(instance) = self.holders_instance().cloned() {
            let id = self.call(now, Call::ReadInstance(instance.clone()), false);
            let read = Read {
                of: ReadOf::Instance(instance),
                asked_at: now,
            };
            self.reads.sent(run, id, read, true, &mut self.chance);
        }
    }

    /// Two members, or none, say that they hold the address, or IMDS drops it: EC2 settles it.
    fn read_if_contested(&mut self, run: RunTime, taken: Taken) {
        match taken {
            Taken::Contested => self.reads.want_now(run),
            Taken::StillContested => self.reads.want(run),
            Taken::Believed | Taken::Ignored => {}
        }
    }

    fn probe_if_due(&mut self) {
        let run = self.clock.now();
        let Some(timeout) = self.config.probe_timeout else {
            return;
        };
        if run < self.probing.next_at() {
            return;
        }
        // Each probe under suspicion ends within the holdtime (F-3).
        let until_holdtime = self.detector.holdtime_at().since(run);
        let timeout = if until_holdtime.is_zero() {
            timeout
        } else {
            timeout.min(until_holdtime)
        };
        self.probing.sent(run, timeout, self.detector.is_holdtime_over(run));
        self.outputs.push_back(Output::Probe { timeout });
    }

    fn query_if_due(&mut self, now: Instant) {
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

    fn beat(&mut self, now: Instant, query: bool) {
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

    fn call(&mut self, now: Instant, call: Call, fresh_connection: bool) -> CallId {
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

    fn be_sure(&mut self, asked_at: Instant) {
        if self.unsure_since.is_some_and(|since| asked_at >= since) {
            self.unsure_since = None;
        }
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn report(&self, now: Instant, run: RunTime, query: bool) -> Report {
        let identity = self.identity.as_ref();
        Report {
            query,
            interval: self.config.interval,
            instance: identity.map(|identity| identity.instance.clone()),
            zone: identity.map_or_else(String::new, |identity| identity.zone.clone()),
            fitness: self.said_fitness(),
            saturated: self.saturated,
            ready: self.ready,
            word: self.word(now),
            claiming: self.claim.is_told(run),
            yielding: self.orders.is_yielding(self.config.me) && self.ownership.is_mine(),
            version: self.config.version.clone(),
        }
    }

    /// What this node says of itself: unknown after a pause, until the fact has been read again (F-16).
    fn said_fitness(&self) -> Fitness {
        if self.unsure_since.is_some() {
            Fitness::Unknown
        } else {
            self.fitness
        }
    }

    /// What this node says of the address; nothing while it is unsure (F-16).
    fn word(&self, now: Instant) -> Option<Word> {
        if self.unsure_since.is_some() {
            return None;
        }
        let fact = self.ownership.fact()?;
        let (source, at) = self.ownership.confirmation()?;
        let association = fact.association.clone();
        Some(Word {
            holder: fact.holder,
            association,
            source,
            age: now.since(at),
        })
    }

    fn situation(&self, run: RunTime) -> Situation {
        let holdtime_over = self.detector.is_holdtime_over(run);
        Situation {
            me: self.config.me,
            holder: self.holder(),
            fitness: self.fitness,
            can_land: self
                .identity
                .as_ref()
                .is_some_and(|identity| identity.interface.is_some()),
            ready: self.ready,
            refit: self.refit.is_over(run),
            my_turn: self.is_my_turn(run),
            ordered: self.orders.wants(self.config.me),
            link: self.detector.link(run),
            silence: self.detector.silence(run),
            holdtime_over,
            peer_fitness: self.peer.fitness(),
            peer_unfit_lasting: self.peer.is_unfit_for(run, self.config.unfit_delay),
            peer_yielding: self.peer.is_yielding(),
            objection: holdtime_over.then(|| self.objection(run)).flatten(),
            testimony: holdtime_over.then(|| self.testimony(run)).flatten(),
        }
    }

    fn objection(&self, run: RunTime) -> Option<Objection> {
        if self.probing.proves_life(run) {
            return Some(Objection::ProbeServed);
        }
        let was_saturated = self.peer.report().is_some_and(|report| report.saturated);
        let briefly = self.detector.silence(run) < self.config.lost_contact_takeover;
        (self.config.probe_timeout.is_some() && was_saturated && briefly).then_some(Objection::Saturated)
    }

    fn testimony(&self, run: RunTime) -> Option<Testimony> {
        let (changed, hands) = (self.ownership.changed(), self.ownership.hands());
        let association = self.ownership.fact().and_then(|fact| fact.association.as_ref());
        let heartbeats_proven = self.detector.life().is_some_and(|life| {
            life > changed || self.peer.spoke_of_its_hold(self.config.me.peer(), association, hands)
        });
        let holder = self.holders_instance();
        if self.instance_watch.is_down(run, holder) {
            Some(Testimony::InstanceDown)
        } else if heartbeats_proven {
            Some(Testimony::Heartbeats)
        } else if self.probing.testifies(run, changed) {
            Some(Testimony::Probe)
        } else if self.probing.kernel_testifies(run) {
            Some(Testimony::KernelOnly)
        } else if self.instance_watch.is_unreachable(holder) {
            Some(Testimony::InstanceUnreachable)
        } else {
            None
        }
    }

    /// What a claim may be built on (F-5).
    fn basis(&self, now: Instant) -> Basis {
        let peer = self.config.me.peer();
        let read_fresh = self.ownership.ec2_read().is_some_and(|at| now.since(at) <= FACT_FRESH);
        let is_silent = self.silence.is_some();
        let word_fresh = !is_silent && self.peer.age_of_hold(peer, now).is_some_and(|age| age <= FACT_FRESH);
        let last_word_fresh = self
            .peer
            .age_of_hold_when_heard(peer)
            .is_some_and(|age| age <= FACT_FRESH);
        Basis {
            fact_fresh: read_fresh || (self.peer_holds() && word_fresh),
            word_usable: self.peer_holds() && last_word_fresh && self.reads.gets_no_answer(now),
        }
    }

    /// Whether it is this node's turn to take an address that nobody holds (F-10).
    fn is_my_turn(&self, run: RunTime) -> bool {
        let Some(since) = self.nobody_since else { return false };
        let waited = run.since(since);
        let peer_claims = self.peer.report().is_some_and(|report| report.claiming) && !self.detector.is_silent(run);
        // A peer that tries in vain must not keep the address from everybody: EC2 lets only one claim win.
        let peer_has_it = peer_claims && waited < NOBODY_PATIENCE;
        let skew_is_over = self.config.preferred == self.config.me || waited >= NOBODY_SKEW;
        skew_is_over && !peer_has_it
    }

    /// The instance that holds the address, as EC2 says, or the peer of its own.
    fn holders_instance(&self) -> Option<&InstanceId> {
        let by_fact = self.ownership.fact().and_then(|fact| fact.instance.as_ref());
        by_fact.or_else(|| self.peer.report().and_then(|report| report.instance.as_ref()))
    }

    fn holder(&self) -> Option<Holder> {
        self.ownership.fact().map(|fact| fact.holder)
    }

    fn peer_holds(&self) -> bool {
        self.holder() == Some(Holder::Member(self.config.me.peer()))
    }

    fn own_hold(&self, association: AssociationId, source: Source, asked_at: Instant) -> Fact {
        Fact {
            holder: Holder::Member(self.config.me),
            association: Some(association),
            instance: self.identity.as_ref().map(|identity| identity.instance.clone()),
            source,
            asked_at,
        }
    }

    /// Says whose an association is (F-1, F-9).
    fn classify(&self, association: Option<&Association>) -> Holder {
        let Some(held) = association else { return Holder::Nobody };
        let (me, peer) = (self.config.me, self.config.me.peer());
        let own_ip = self.config.private_ips[me.index()];
        let peer_ip = self.config.private_ips[peer.index()];
        let own = self.identity.as_ref();
        let peer_instance = self.peer.report().and_then(|report| report.instance.as_ref());
        let on_own_interface = own
            .and_then(|own| own.interface.as_ref())
            .map(|interface| *interface == held.interface);
        let on_own_instance = own.is_some_and(|own| held.instance.as_ref() == Some(&own.instance));
        let on_peer_instance = held.instance.is_some() && held.instance.as_ref() == peer_instance;
        match on_own_interface {
            Some(true) | None if held.private_ip == own_ip => Holder::Member(me),
            Some(true) => Holder::Misplaced(me),
            Some(false) | None if on_own_instance => Holder::Misplaced(me),
            Some(false) | None if held.private_ip == peer_ip => {
                // The peer's place on another instance than the one that speaks: life belongs to an instance.
                let is_other = held.instance.is_some() && peer_instance.is_some() && !on_peer_instance;
                if is_other {
                    Holder::Stranger
                } else {
                    Holder::Member(peer)
                }
            }
            Some(false) | None if on_peer_instance => Holder::Misplaced(peer),
            Some(false) | None => Holder::Stranger,
        }
    }
}
