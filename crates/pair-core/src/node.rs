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

mod act;
mod bars;
mod classify;
mod configure;
mod evidence;
mod follow;
mod hear;
mod leave;
mod stop;

use alloc::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{
    Config, Decision, Ending, Event, Fitness, HoldVersion, Identity, Incarnation, Input, Instant, Link, Members,
    Output, Rule, Sequence, Timer, Verdict, View,
    budget::Budget,
    chance::Chance,
    claim::Claim,
    decide::decide,
    detector::Detector,
    grace::Grace,
    hold::Holds,
    instance_watch::InstanceWatch,
    order::{Order, Orders},
    ownership::Ownership,
    peer::Peer,
    preempt::Preempt,
    probing::Probing,
    reads::Reads,
    refit::Refit,
    running::{RunTime, RunningClock},
    slip::Slip,
    witness::Witnesses,
};

use configure::Pace;

/// One node of a pair.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Node {
    /// The settings in force.
    config: Config,
    /// The interval and the holdtime that were asked for last, in force or waiting for the peer.
    pace: Pace,
    clock: RunningClock,
    chance: Chance,
    identity: Option<Identity>,
    /// As measured; unknown from a pause until the next measurement.
    fitness: Fitness,
    saturated: bool,
    ready: bool,
    /// Another address is on the private IP on which this one would land (F-5).
    has_neighbour: bool,
    /// Back from a pause, and the fact not yet read again (F-16): when the pause ended.
    unsure_since: Option<Instant>,
    detector: Detector,
    peer: Peer,
    /// Who is at the peer's place, if that is found and not configured.
    #[serde(default)]
    members: Option<Members>,
    ownership: Ownership,
    probing: Probing,
    #[serde(default)]
    witnesses: Witnesses,
    instance_watch: InstanceWatch,
    refit: Refit,
    claim: Claim,
    reads: Reads,
    orders: Orders,
    holds: Holds,
    /// The newest hold as it was told last: which one, and whether it was in force.
    told_hold: Option<(HoldVersion, bool)>,
    budget: Budget,
    /// Whether the claim pursued last is free of the budget.
    claims_freely: bool,
    /// When the last bar to a claim ended (F-14).
    released: Option<(RunTime, Instant)>,
    preempt: Preempt,
    /// An operator has brought the address here: it does not go back by itself (F-6f).
    holds_by_order: bool,
    /// The grace of a restarting peer (F-13).
    grace: Grace,
    is_leaving: bool,
    /// What AWS says of the end of this host (F-13); not kept, since it is told anew after a restart.
    ending: Option<Ending>,
    stopping: Option<Stopping>,
    silence: Option<Silence>,
    next_beat: Instant,
    answered_query_at: Option<Instant>,
    /// Since when nobody serves the address and no silence need prove it: nobody holds it (F-10), or a former member that
    /// EC2 says is stopped (F-9).
    vacant_since: Option<(RunTime, Instant)>,
    next_call: u64,
    last_link: Link,
    last_decision: Option<(Rule, Verdict)>,
    outputs: VecDeque<Output>,
}

/// One silence of the peer, from suspicion until life returns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Silence {
    began_at: Instant,
    next_query: RunTime,
    queries_left: u32,
    /// Calls that got no answer, with no answer since the first of them was sent: this node may be cut off (F-11).
    unanswered: u32,
    answered_at: Option<Instant>,
    /// A pause has restarted this silence, and does so once only: starvation slows detection and never stops it (F-4).
    was_paused: bool,
    slip: Slip,
}

/// The end of this agent, of which the peer is told (F-13).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Stopping {
    until: Instant,
    next_notice: Instant,
    /// The first datagram that gave notice: the peer has heard it once it echoes this one or a later one.
    first: Option<Sequence>,
    is_done: bool,
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
            has_neighbour: false,
            unsure_since: None,
            detector: Detector::new(&config, own, run),
            peer: Peer::default(),
            members: None,
            ownership: Ownership::new(config.me, run),
            probing: Probing::new(&config, run),
            witnesses: Witnesses::new(&config, run),
            instance_watch: InstanceWatch::default(),
            refit: Refit::new(config.refit),
            claim: Claim::default(),
            reads: Reads::new(run),
            orders: Orders::default(),
            holds: Holds::default(),
            told_hold: None,
            budget: Budget::default(),
            claims_freely: false,
            released: None,
            preempt: Preempt::new(config.own_preempt_delay()),
            holds_by_order: false,
            grace: Grace::default(),
            is_leaving: false,
            ending: None,
            stopping: None,
            silence: None,
            next_beat: now,
            answered_query_at: None,
            vacant_since: None,
            next_call: 0,
            last_link: Link::NeverHeard,
            last_decision: None,
            outputs: VecDeque::new(),
            chance,
            pace: Pace::of(&config),
            config,
        }
    }

    /// Takes in what happened at `now`, decides anew, and queues what that takes.
    ///
    /// The caller handles every datagram that waits in the socket before it handles a [`Input::Wakeup`] (F-4), and tells of
    /// its own checks again and again, changed or not, unless it knows its service fit: after a pause the last verdict is void (F-16).
    pub fn handle(&mut self, now: Instant, input: Input) {
        let run = self.clock.at(now);
        let is_late = input != Input::Wakeup && self.clock.is_late(now);
        match input {
            Input::Wakeup => self.wake(now),
            Input::Heartbeat(heartbeat) => self.hear_heartbeat(now, run, heartbeat),
            Input::PeerUnreachable => self.detector.note_unreachable(),
            Input::Identity(identity) => self.identity = Some(identity),
            Input::Imds { mine, asked_at } => self.hear_imds(now, run, mine, asked_at),
            Input::Health { fitness, saturated } => self.hear_health(now, run, fitness, saturated),
            Input::Neighbour { is_there } => self.has_neighbour = is_there,
            Input::Readiness(ready) => self.ready = ready,
            Input::Probed {
                begun_at,
                target,
                outcome,
            } => {
                let peer_holds = self.peer_holds();
                self.probing.hear(run, begun_at, target, outcome, peer_holds);
            }
            Input::Witnessed {
                begun_at,
                witness,
                outcome,
            } => self.witnesses.hear(run, begun_at, witness, outcome),
            Input::Called { id, result } => self.hear_call(now, run, id, result),
            Input::Order { id, to, force } => self.hear_order(now, Order { id, to, force }),
            Input::Hold(length) => self.holds.ask(now, self.config.me, length),
            Input::Leave { id } => self.leave(now, id),
            Input::Join => self.join(now),
            Input::HostEnds(ending) => self.hear_ending(now, ending),
            Input::Restored(standing) => self.restore(now, standing),
            Input::Configured(config) => self.configure(now, &config),
            Input::Members(members) => self.hear_members(run, members),
            Input::Stop => self.stop(now),
        }
        if is_late {
            return;
        }
        self.follow_link(now);
        self.follow_witnesses();
        self.follow_vacancy(now);
        self.follow_preempt();
        self.follow_bars(now);
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
            self.peer
                .unfit_for_at(self.config.unfit_delay)
                .map(|at| (when(at), Timer::Unfitness)),
            self.config
                .probe_timeout
                .map(|_| (when(self.probing.next_at()), Timer::Probe)),
            self.witnesses.next_at().map(|at| (when(at), Timer::Witness)),
            self.reads.next_at().map(|at| (when(at), Timer::Read)),
            self.claim.next_at().map(|at| (when(at), Timer::Claim)),
            self.claim.read_beside_at().map(|at| (at, Timer::Claim)),
            self.stopping
                .as_ref()
                .filter(|stopping| !stopping.is_done)
                .map(|stopping| (stopping.next_notice.min(stopping.until), Timer::Notice)),
        ];
        timers
            .into_iter()
            .flatten()
            // A timer that is overdue waits for a result, not for time: the beat looks after it.
            .filter(|(at, timer)| *timer == Timer::Beat || *at > self.clock.woken_at())
            .min()
            .unwrap_or((self.next_beat, Timer::Beat))
    }

    /// Whether the fact says that this node holds the address; `None` while that is unknown.
    #[must_use]
    pub fn is_active(&self) -> Option<bool> {
        self.ownership.fact().map(|_| self.ownership.is_mine())
    }

    /// The link to the peer at this node's last wake-up.
    #[must_use]
    pub fn link(&self) -> Link {
        self.detector.link(self.clock.now())
    }

    /// What should be done at this node's last wake-up, by which rule and on what evidence. Changes nothing.
    #[must_use]
    pub fn decide(&self) -> Decision {
        decide(&self.situation(self.clock.woken_at()))
    }

    /// How this node's own service is, as far as it knows.
    #[must_use]
    pub const fn fitness(&self) -> Fitness {
        self.fitness
    }

    /// What this node knows and does, for people to read.
    #[must_use]
    pub fn view(&self, now: Instant) -> View {
        let confirmed = self.ownership.confirmation();
        View {
            is_active: self.is_active(),
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
            witnesses: self.witnesses.views(self.clock.now()),
            decision: self.decide(),
            hold: self.holds.told(now),
            is_leaving: self.is_leaving,
            ending: self.ending,
            moves: self.budget.moves(self.clock.now()),
            restart_grace: self.grace.remaining(self.clock.now()),
            attempts: self.claim.attempts(),
            claim_fault: self.claim.last_fault(),
            takeover: self.claim.last().cloned(),
        }
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
