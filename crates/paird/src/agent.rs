//! The event loop: carries datagrams, time and news to the core, and carries out what it wants.
//!
//! One turn drains the socket before it wakes the core (F-4), so that a node that was paused hears what its peer said
//! meanwhile before it judges its silence. Nothing in a turn waits: calls, checks and probes run on the other thread.
//!
//! ```text
//!  datagrams, time ───────────────► turn ──┐            ┌──► Output: datagrams, calls, probes, answers
//!  the other thread ──► hear ──► Input ────┼──► Node ───┤
//!  control clients ──► answer ─► Input ────┘            └──► Event: log, recorder, metrics ──► report
//! ```

mod answer;
mod card;
mod examine;
mod hear;
mod probe;
mod reload;
mod report;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use pair_core::{Config as CoreConfig, Event, Holder, Input, Instant, Node, Output};
use pair_wire::control::Response;
use pair_wire::datagram::{DIGEST_LEN, MAX_DATAGRAM, Receiver, Sender};
use pair_wire::key::KeyRing;
use sd_notify::NotifyState;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, trace, warn};

use crate::archive::Archive;
use crate::cli;
use crate::clock::Clock;
use crate::cloud::Cloud;
use crate::config::Config;
use crate::control::Pending;
use crate::flight::Flight;
use crate::journal::{self, Loudness};
use crate::knowledge::Knowledge;
use crate::logbook::Logbook;
use crate::metrics::{Publisher, Tally};
use crate::names::Names;
use crate::news::News;
use crate::orders::Orders;
use crate::socket::{HeartbeatSocket, Received};
use crate::standing::Keeper;
use crate::vitals;
use crate::watchers::Watchers;

use reload::Reloads;
use report::{Watchdog, notify};

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
    /// The digest of the configuration.
    digest: [u8; DIGEST_LEN],
    /// The digest of HAProxy's configuration, as far as it is known.
    haproxy: Option<[u8; DIGEST_LEN]>,
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
    /// Where configuration and keys are read again.
    source: cli::Node,
    ring: KeyRing,
    reloads: Reloads,
    watchers: Watchers,
    loudness: Loudness,
    publisher: Publisher,
    /// Whether the core has nothing left to do before this daemon ends.
    may_stop: bool,
    turned_at: Instant,
    watchdog: Option<Watchdog>,
    told_status: String,
}

/// What an [`Agent`] is made of.
pub struct Parts {
    /// The file.
    pub config: Config,
    /// What the core is told of it.
    pub core: CoreConfig,
    /// The private IP on which the address would land here.
    pub private_ip: Ipv4Addr,
    /// The keys.
    pub ring: KeyRing,
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
    /// The journal.
    pub logbook: Logbook,
    /// The tasks that watch for this node.
    pub watchers: Watchers,
    /// What shows the pair to metrics and hooks.
    pub publisher: Publisher,
    /// How much is logged.
    pub loudness: Loudness,
    /// Where configuration and keys come from.
    pub source: cli::Node,
    /// The seed of incarnation and jitter.
    pub seed: u64,
}

impl Agent {
    /// An agent at the start of its run.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
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
            logbook,
            watchers,
            publisher,
            loudness,
            source,
            seed,
        } = parts;
        let digest = config.digest();
        let now = clock.now();
        let node = Node::new(core.clone(), seed, now);
        let nodes = config.nodes.each_ref().map(|node| node.name.clone());
        let names = Names::new(nodes, core.me);
        Self {
            flight: Flight::new(&config, &names, archive, logbook, now, &node),
            names,
            sender: Sender::new(&config.pair, &ring),
            receiver: Receiver::new(&config.pair, core.me, node.incarnation(), &ring),
            ring,
            known: Knowledge::new(vitals::service_name(&config), private_ip),
            tally: Tally::default(),
            source,
            reloads: Reloads::default(),
            watchers,
            loudness,
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
            digest,
            haproxy: None,
            elsewhere,
            news,
            tell,
            requests,
            watchdog: Watchdog::wanted(now),
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
        let mut hangup = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
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
                _ = hangup.recv() => self.reload(None),
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
                        Ok(heartbeat) => {
                            self.compare_cards(&heartbeat);
                            self.handle(self.clock.now(), Input::Heartbeat(heartbeat));
                        }
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
                self.sender.show(self.card());
                let mut datagram = [0; MAX_DATAGRAM];
                let length = self.sender.encode(&heartbeat, &mut datagram);
                if let Err(error) = self.socket.send(&datagram[..length]) {
                    debug!(%error, "heartbeat not sent");
                }
            }
            Output::Probe { timeout } => self.probe(timeout),
            // No configuration names a witness, and without one the core asks none.
            Output::AskWitnesses { .. } => {}
            Output::Call(request) => {
                self.tally.called(&request);
                self.elsewhere.spawn(Arc::clone(&self.cloud).call(request));
            }
            Output::Ordered { id, outcome } => self.end_order(id, outcome),
            Output::Keep(standing) => self.keeper.keep(standing),
            Output::MayStop => self.may_stop = true,
            Output::Event(event) => {
                journal::tell(&event, &self.names);
                self.tally.happened(&event);
                self.publisher.hurry();
                // Whoever does not hold the address must be able to take it: what a move changes is rehearsed anew.
                if matches!(event, Event::HolderChanged { to, .. } if to != Holder::Member(self.core.me)) {
                    self.prove_readiness();
                }
                self.tell_status();
            }
        }
    }
}
