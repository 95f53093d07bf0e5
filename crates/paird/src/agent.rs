//! The event loop: carries datagrams, time and news to the core, and carries out what it wants.
//!
//! One turn drains the socket before it wakes the core (F-4), so that a node that was paused hears what its peer said
//! meanwhile before it judges its silence. Nothing in a turn waits: calls, checks and probes run on the other thread.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use pair_core::{
    Config as CoreConfig, Event, Fitness, Holder, Input, Instant, Member, Node, Output, ProbeOutcome, ProbeTarget,
    Unfitness, View,
};
use pair_wire::control::{Answer, Command, Examination, Outcome as ControlOutcome, Response, Status};
use pair_wire::datagram::{MAX_DATAGRAM, Receiver, Sender};
use pair_wire::key::KeyRing;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::{debug, info, trace, warn};

use crate::archive::Archive;
use crate::check;
use crate::clock::Clock;
use crate::cloud::{Cloud, fault_of};
use crate::config::{Config, Probe};
use crate::control::Pending;
use crate::doctor::{self, Patient};
use crate::flight::Flight;
use crate::journal;
use crate::knowledge::Knowledge;
use crate::metrics::{Picture, Publisher, Tally};
use crate::names::Names;
use crate::news::News;
use crate::orders::{Kind, Orders};
use crate::probe::{self, Outcome};
use crate::problems;
use crate::socket::{HeartbeatSocket, Received};
use crate::standing::Keeper;
use crate::status::Sources;
use crate::{text, vitals};

/// The event loop and everything in its hands.
pub struct Agent {
    config: Config,
    core: CoreConfig,
    names: Names,
    clock: Clock,
    node: Node,
    socket: HeartbeatSocket,
    sender: Sender,
    receiver: Receiver,
    known: Knowledge,
    cloud: Arc<Cloud>,
    /// The runtime of the other thread.
    elsewhere: Handle,
    news: mpsc::Receiver<News>,
    tell: mpsc::Sender<News>,
    requests: mpsc::Receiver<Pending>,
    orders: Orders,
    /// Who waits for the end of the examination of this node that is under way.
    patience: Vec<oneshot::Sender<Response>>,
    keeper: Keeper,
    flight: Flight,
    tally: Tally,
    /// `None` if nobody can ask for metrics.
    publisher: Option<Publisher>,
    /// Whether the core has nothing left to do before this daemon ends.
    may_stop: bool,
    turned_at: Instant,
    watchdog: Option<Watchdog>,
    told_status: String,
}

/// What an [`Agent`] is made of.
pub struct Parts<'a> {
    /// The file.
    pub config: Config,
    /// What the core is told of it.
    pub core: CoreConfig,
    /// The private IP on which the address would land here.
    pub private_ip: Ipv4Addr,
    /// The keys.
    pub ring: &'a KeyRing,
    /// The daemon's clock.
    pub clock: Clock,
    /// The heartbeat socket.
    pub socket: HeartbeatSocket,
    /// The cloud side.
    pub cloud: Arc<Cloud>,
    /// The runtime of the other thread.
    pub elsewhere: Handle,
    /// What the other thread tells.
    pub news: mpsc::Receiver<News>,
    /// Where it tells it.
    pub tell: mpsc::Sender<News>,
    /// What control clients ask.
    pub requests: mpsc::Receiver<Pending>,
    /// What keeps orders over a restart.
    pub keeper: Keeper,
    /// What keeps records of the core's inputs.
    pub archive: Archive,
    /// Where metrics are published, nowhere, or why they cannot be served.
    pub metrics: Result<Option<Publisher>, String>,
    /// The seed of incarnation and jitter.
    pub seed: u64,
}

#[derive(Debug)]
struct Watchdog {
    every: Duration,
    fed_at: Instant,
}

impl Agent {
    /// An agent at the start of its run.
    #[must_use]
    pub fn new(parts: Parts<'_>) -> Self {
        let Parts {
            config,
            core,
            private_ip,
            ring,
            clock,
            socket,
            cloud,
            elsewhere,
            news,
            tell,
            requests,
            keeper,
            archive,
            metrics,
            seed,
        } = parts;
        let mut known = Knowledge::new(vitals::service_name(&config), private_ip);
        let publisher = metrics.unwrap_or_else(|error| {
            known.metrics_error = Some(error);
            None
        });
        let now = clock.now();
        let node = Node::new(core.clone(), seed, now);
        let nodes = config.nodes.each_ref().map(|node| node.name.clone());
        let names = Names::new(nodes, core.me);
        let watchdog = sd_notify::watchdog_enabled().map(|limit| Watchdog {
            every: limit / 3,
            fed_at: now,
        });
        Self {
            flight: Flight::new(&config, &names, archive, now, &node),
            names,
            sender: Sender::new(&config.pair, ring),
            receiver: Receiver::new(&config.pair, core.me, node.incarnation(), ring),
            known,
            tally: Tally::default(),
            publisher,
            orders: Orders::default(),
            patience: Vec::new(),
            keeper,
            may_stop: false,
            turned_at: now,
            told_status: String::new(),
            config,
            core,
            clock,
            node,
            socket,
            cloud,
            elsewhere,
            news,
            tell,
            requests,
            watchdog,
        }
    }

    /// Runs until SIGTERM or SIGINT. The address stays where it is: stopping the agent is no failover, and the peer is told
    /// (F-13).
    ///
    /// # Errors
    /// If signals or the reactor fail: the daemon cannot go on and is restarted.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
        self.restore();
        notify(&[NotifyState::Ready]);
        loop {
            let is_empty = self.turn()?;
            if self.may_stop {
                break;
            }
            if !is_empty {
                // A socket that is never empty never waits, and who asks for the status must have his turn in a flood, too.
                tokio::task::yield_now().await;
            }
            let (wake_at, _) = self.node.poll_timeout();
            let wake_at = self.orders.next_at().map_or(wake_at, |at| at.min(wake_at));
            tokio::select! {
                readable = self.socket.readable() => readable.context("the heartbeat socket failed")?,
                () = tokio::time::sleep_until(self.clock.deadline(wake_at)) => {}
                Some(news) = self.news.recv() => self.hear(news),
                Some(request) = self.requests.recv() => self.answer(request),
                _ = terminate.recv() => self.stop(),
                _ = interrupt.recv() => self.stop(),
            }
            self.tally.woke(self.clock.now(), wake_at);
        }
        if let Err(error) = self.keeper.flush() {
            warn!(%error, "holds and leaves were not kept");
        }
        if let Err(error) = self.flight.finish(self.clock.now(), &self.node) {
            warn!(%error, "the last record of the core's inputs was not written");
        }
        Ok(())
    }

    /// Takes up what operators had ordered before this daemon started.
    fn restore(&mut self) {
        match self.keeper.restore() {
            Ok(Some(standing)) => self.handle(self.clock.now(), Input::Restored(standing)),
            Ok(None) => {}
            Err(error) => {
                warn!(error, "orders of an earlier run are lost");
                self.known.standing_error = Some(error);
            }
        }
    }

    /// Gives the peer notice; the loop goes on until the peer has heard it, or a tenth of a second is over.
    fn stop(&mut self) {
        info!("stopping; the address stays where it is");
        notify(&[NotifyState::Stopping]);
        self.handle(self.clock.now(), Input::Stop);
    }

    /// Says whether the socket is empty.
    fn turn(&mut self) -> anyhow::Result<bool> {
        let is_empty = self.drain().context("the heartbeat socket failed")?;
        let now = self.clock.now();
        self.handle(now, Input::Wakeup);
        self.turned_at = now;
        self.flight.follow(now, &self.node);
        self.known.follow_drops(now, self.receiver.drops());
        if self.orders.next_at().is_some() {
            let peers = self.node.view(now).peer.and_then(|report| report.hold);
            self.orders
                .follow_peer(now, peers.map(|hold| hold.version), &self.names);
        }
        self.publish(now);
        self.feed_watchdog(now);
        Ok(is_empty)
    }

    /// Hears every datagram that waited when it began, and no more than the socket can hold: a flood must not keep time
    /// from passing. Says whether the socket is empty.
    fn drain(&mut self) -> io::Result<bool> {
        let mut buffer = [0; MAX_DATAGRAM + 1];
        for _ in 0..self.socket.capacity() {
            match self.socket.try_receive(&mut buffer) {
                Ok(Received::Datagram { length, overflow }) => {
                    self.receiver.count_overflow(overflow.into());
                    match self.receiver.open(&buffer[..length]) {
                        Ok(heartbeat) => self.handle(self.clock.now(), Input::Heartbeat(heartbeat)),
                        Err(cause) => trace!(%cause, "datagram dropped"),
                    }
                }
                Ok(Received::Refused) => self.handle(self.clock.now(), Input::PeerUnreachable),
                Ok(Received::Empty) => return Ok(true),
                // An ICMP error of another kind: reading it has cleared it.
                Err(error) => debug!(%error, "heartbeat path"),
            }
        }
        Ok(false)
    }

    fn handle(&mut self, now: Instant, input: Input) {
        self.flight.input(now, &self.node, &input);
        self.node.handle(now, input);
        while let Some(output) = self.node.poll_output() {
            self.flight.output(now, &output);
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send(heartbeat) => {
                let mut datagram = [0; MAX_DATAGRAM];
                let length = self.sender.encode(&heartbeat, &mut datagram);
                if let Err(error) = self.socket.send(&datagram[..length]) {
                    debug!(%error, "heartbeat not sent");
                }
            }
            Output::Probe { timeout } => self.probe(timeout),
            Output::Call(request) => {
                self.tally.called(&request);
                self.elsewhere.spawn(Arc::clone(&self.cloud).call(request));
            }
            Output::Ordered { id, outcome } => self.orders.end(id, outcome),
            Output::Keep(standing) => self.keeper.keep(standing),
            Output::MayStop => self.may_stop = true,
            Output::Event(event) => {
                journal::tell(&event, &self.names);
                self.tally.happened(&event);
                if let Some(publisher) = &mut self.publisher {
                    publisher.hurry();
                }
                // Whoever does not hold the address must be able to take it: what a move changes is rehearsed anew.
                if matches!(event, Event::HolderChanged { to, .. } if to != Holder::Member(self.core.me)) {
                    self.cloud.rehearse_soon();
                }
                self.tell_status();
            }
        }
    }

    fn hear(&mut self, news: News) {
        let now = self.clock.now();
        match news {
            News::Input(input) => {
                if let Input::Identity(identity) = &input {
                    info!(instance = identity.instance.0, zone = identity.zone, "identity known");
                    self.known.identity = Some(identity.clone());
                }
                if let Input::Called { id, result: Ok(_) } = &input {
                    self.tally.answered(*id, None);
                }
                self.handle(now, input);
            }
            News::CallFailed { id, fault, error } => {
                warn!(error, "EC2 call failed");
                self.tally.answered(id, Some(fault));
                self.known.last_call_error = Some(error);
                self.handle(now, Input::Called { id, result: Err(fault) });
            }
            News::PublicIp(public_ip) => {
                info!(%public_ip, "Elastic IP known");
                self.known.public_ip = Some(public_ip);
            }
            News::Rehearsed(outcome) => {
                self.tally.rehearsed(outcome.as_ref().err().map(fault_of));
                match &outcome {
                    Ok(neighbour) => {
                        let is_there = neighbour.is_some();
                        self.handle(now, Input::Neighbour { is_there });
                    }
                    Err(error) => warn!(%error, "rehearsal of a takeover failed"),
                }
                self.known.rehearsal = Some(outcome);
            }
            News::Imds(outcome) => {
                let error = outcome.err();
                if error.is_some() && self.known.imds_error.is_none() {
                    warn!(error, "IMDS does not answer");
                }
                self.known.imds_error = error;
            }
            News::Kept(outcome) => {
                if let Err(error) = &outcome {
                    warn!(error, "holds and leaves do not survive a restart");
                }
                self.known.standing_error = outcome.err();
            }
            News::Recorded(outcome) => {
                if let Err(error) = &outcome {
                    warn!(error, "a record of the core's inputs was not written");
                }
                self.known.follow_record(outcome);
            }
            News::Landing(obstacles) => self.known.landing = obstacles,
            News::Examined(examinations) => self.tell_diagnosis(now, examinations),
            News::Checked(verdict) => {
                let fitness = fitness_of(&verdict);
                let saturated = verdict.saturated;
                self.tally.checked(&verdict.state);
                self.known.verdict = Some(verdict);
                self.handle(now, Input::Health { fitness, saturated });
            }
        }
        let fitness = self.known.verdict.as_ref().map_or(Fitness::Unknown, fitness_of);
        let ready = self.known.identity.is_some() && problems::against_readiness(&self.known, fitness).is_empty();
        self.handle(now, Input::Readiness(ready));
    }

    fn answer(&mut self, request: Pending) {
        let Pending { asker, command, answer } = request;
        if let Err(refused) = asker.may(&command) {
            // No louder than that: every local user can ask as often as he likes.
            debug!(
                uid = asker.uid,
                pid = asker.pid,
                ?command,
                "refused: not from this user"
            );
            let _ = answer.send(refused);
            return;
        }
        if let Some(order) = text::order(&command) {
            info!(uid = asker.uid, pid = asker.pid, order, "ordered");
            self.flight.order(self.clock.now(), &order, &asker);
        }
        match command {
            Command::Status => {
                let _ = answer.send(self.status());
            }
            Command::Why => {
                let _ = answer.send(self.flight.why(self.clock.now()));
            }
            Command::Doctor => self.examine(answer),
            Command::Export { id, from } => {
                let _ = answer.send(self.flight.export(self.clock.now(), &self.node, id, from));
            }
            Command::Failover { to } => match self.order_target(to.as_deref()) {
                Ok(to) => {
                    let id = self.orders.wait(Kind::Failover, answer);
                    self.handle(self.clock.now(), Input::Order { id, to });
                }
                Err(refused) => {
                    let _ = answer.send(refused);
                }
            },
            Command::Hold { for_ms } => self.hold(Duration::from_millis(for_ms), answer),
            Command::Resume => self.hold(Duration::ZERO, answer),
            Command::Leave => {
                let id = self.orders.wait(Kind::Leave, answer);
                self.handle(self.clock.now(), Input::Leave { id });
            }
            Command::Join => {
                self.handle(self.clock.now(), Input::Join);
                let _ = answer.send(Response::done("this node is in the pair"));
            }
        }
    }

    /// Has this node examined on the other thread, and a takeover rehearsed; who asks meanwhile gets the same answer.
    fn examine(&mut self, answer: oneshot::Sender<Response>) {
        self.patience.push(answer);
        if self.patience.len() > 1 {
            return;
        }
        self.cloud.rehearse_soon();
        let patient = Patient {
            config: self.config.clone(),
            me: self.core.me,
            private_ip: self.known.private_ip,
        };
        let tell = self.tell.clone();
        self.elsewhere.spawn(async move {
            let examinations = doctor::examine(&patient).await;
            let _ = tell.send(News::Examined(examinations)).await;
        });
    }

    fn tell_diagnosis(&mut self, now: Instant, examinations: Vec<Examination>) {
        let problems = problems::of(&self.node.view(now), &self.known, &self.names, self.core.me);
        let diagnosis = doctor::consult(&self.config.pair, self.names.me(), examinations, problems);
        for answer in std::mem::take(&mut self.patience) {
            let _ = answer.send(Response::new(ControlOutcome::Ok(Answer::Diagnosis(diagnosis.clone()))));
        }
    }

    /// Holds the address where it is for so long, and lets the client wait until the peer has heard of it.
    fn hold(&mut self, length: Duration, answer: oneshot::Sender<Response>) {
        let now = self.clock.now();
        self.handle(now, Input::Hold(length));
        match self.node.view(now).hold {
            Some(hold) => {
                let until = now + self.core.holdtime;
                self.orders.wait_for_peer(hold.version, hold.remaining, until, answer);
            }
            None => {
                let _ = answer.send(Response::error("the hold was not taken up"));
            }
        }
    }

    fn order_target(&self, to: Option<&str>) -> Result<Member, Response> {
        let Some(name) = to else {
            let is_active = self.node.view(self.clock.now()).is_active == Some(true);
            return Ok(if is_active { self.core.me.peer() } else { self.core.me });
        };
        self.names.member(name).ok_or_else(|| {
            let hint = format!(
                "the nodes are {} and {}",
                self.names.of(Member::First),
                self.names.of(Member::Second)
            );
            Response::refused(format!("no node is called {name:?}"), Some(hint))
        })
    }

    fn status(&self) -> Response {
        let now = self.clock.now();
        Response::status(self.status_at(now, &self.node.view(now)))
    }

    fn status_at(&self, now: Instant, view: &View) -> Status {
        let sources = Sources {
            config: &self.config,
            core: &self.core,
            names: &self.names,
            view,
            known: &self.known,
            drops: self.receiver.drops(),
            uptime: now.since(Instant::ZERO),
            loop_age: now.since(self.turned_at),
        };
        sources.status()
    }

    /// Hands a picture of this moment to whoever asks for metrics; nobody who asks is waited for.
    fn publish(&mut self, now: Instant) {
        if !self.publisher.as_ref().is_some_and(|publisher| publisher.is_due(now)) {
            return;
        }
        let view = self.node.view(now);
        let picture = Picture {
            at: now,
            status: self.status_at(now, &view),
            is_fit: view.fitness == Fitness::Fit,
            tally: self.tally.clone(),
        };
        if let Some(publisher) = &mut self.publisher {
            publisher.publish(picture);
        }
    }

    /// Probes the peer's service on its private address, and on the Elastic IP while the peer holds it.
    fn probe(&self, timeout: Duration) {
        let Some(probe) = self.config.probe.clone() else { return };
        let peer = self.core.me.peer();
        let holder = self.node.decide().evidence.holder;
        let elastic = self.known.public_ip.filter(|_| holder == Some(Holder::Member(peer)));
        let targets = [
            Some((ProbeTarget::Private, self.core.private_ips[peer.index()])),
            elastic.map(|ip| (ProbeTarget::Elastic, IpAddr::V4(ip))),
        ];
        for (target, address) in targets.into_iter().flatten() {
            let (tell, clock, probe) = (self.tell.clone(), self.clock, probe.clone());
            self.elsewhere.spawn(async move {
                let begun_at = clock.now();
                if let Some(outcome) = probe_once(&probe, address, timeout).await {
                    let _ = tell
                        .send(News::Input(Input::Probed {
                            begun_at,
                            target,
                            outcome,
                        }))
                        .await;
                }
            });
        }
    }

    fn feed_watchdog(&mut self, now: Instant) {
        let Some(watchdog) = &mut self.watchdog else { return };
        if now.since(watchdog.fed_at) >= watchdog.every {
            watchdog.fed_at = now;
            notify(&[NotifyState::Watchdog]);
        }
    }

    /// Tells the service manager in one line how things are, when that changes.
    fn tell_status(&mut self) {
        let decision = self.node.decide();
        let line = format!("{} ({})", text::verdict(decision.verdict), decision.rule);
        if line != self.told_status {
            notify(&[NotifyState::Status(&line)]);
            self.told_status = line;
        }
    }
}

async fn probe_once(probe: &Probe, address: IpAddr, timeout: Duration) -> Option<ProbeOutcome> {
    let target = SocketAddr::new(address, probe.port);
    match probe::probe(target, &probe.path, probe.expect, timeout).await {
        Outcome::Served { .. } => Some(ProbeOutcome::Served),
        Outcome::BadStatus(_) => Some(ProbeOutcome::WrongStatus),
        Outcome::Kernel(_) => Some(ProbeOutcome::KernelOnly),
        Outcome::Nothing => Some(ProbeOutcome::Nothing),
        Outcome::NotAsked { error } => {
            warn!(%target, error, "probe not sent");
            None
        }
    }
}

fn fitness_of(verdict: &check::Verdict) -> Fitness {
    match &verdict.state {
        check::State::Healthy => Fitness::Fit,
        check::State::Unhealthy { process_gone: true, .. } => Fitness::Unfit(Unfitness::ServiceGone),
        check::State::Unhealthy {
            process_gone: false, ..
        } => Fitness::Unfit(Unfitness::CheckFailed),
        check::State::Unknown => Fitness::Unknown,
    }
}

/// Tells the service manager, if there is one.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "service manager not told");
    }
}
