//! A seat: what this node is and does about one address.
//!
//! Each address is a failover group of its own, as each virtual router of VRRP is (RFC 9568, section 1.6): a core with its own
//! heartbeats, claim, budget, hold and orders, and its own flight record. No seat knows of another, so every rule holds for each
//! address as it holds for the only one.

use std::net::Ipv4Addr;
use std::sync::Arc;

use pair_core::{Config as CoreConfig, Event, Heartbeat, Holder, Input, Instant, Node, Output};
use pair_wire::datagram::{DropCause, MAX_DATAGRAM, Opened, Receiver, Sender};
use pair_wire::key::KeyRing;
use tracing::{Span, info_span, warn};

use super::shared::Shared;
use crate::archive::Archive;
use crate::config::{AddressIndex, Config};
use crate::flight::Flight;
use crate::journal;
use crate::knowledge::AddressKnowledge;
use crate::metrics::AddressTally;
use crate::names::Names;
use crate::orders::Orders;
use crate::problems;
use crate::standing::Keeper;

/// What this node is and does about one address.
pub(super) struct Seat {
    pub(super) index: AddressIndex,
    pub(super) allocation_id: String,
    pub(super) core: CoreConfig,
    pub(super) node: Node,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    pub(super) known: AddressKnowledge,
    pub(super) orders: Orders,
    pub(super) keeper: Keeper,
    pub(super) flight: Flight,
    pub(super) tally: AddressTally,
    /// Names the address in the log, if there are others.
    pub(super) span: Span,
    /// Whether the core was told something since it was last woken.
    is_told: bool,
    /// Whether the core has nothing left to do before this daemon ends.
    may_stop: bool,
}

/// What a seat is made of.
pub struct SeatParts {
    /// What the core is told of the configuration.
    pub core: CoreConfig,
    /// The private IP on which the address would land here.
    pub private_ip: Ipv4Addr,
    /// What keeps orders over a restart.
    pub keeper: Keeper,
    /// What keeps records of the core's inputs.
    pub archive: Archive,
    /// The seed of incarnation and jitter.
    pub seed: u64,
}

impl Seat {
    /// The seat at this address at the start of its run.
    pub(super) fn new(
        index: AddressIndex,
        parts: SeatParts,
        paths: usize,
        config: &Config,
        names: &Names,
        ring: &KeyRing,
        now: Instant,
    ) -> Self {
        let SeatParts {
            core,
            private_ip,
            keeper,
            archive,
            seed,
        } = parts;
        let node = Node::new(core.clone(), seed, now);
        let address = config.address(index);
        let heartbeats = config.heartbeat_name(address);
        let span = if config.addresses.len() > 1 {
            info_span!("address", allocation_id = address.allocation_id)
        } else {
            Span::none()
        };
        Self {
            index,
            allocation_id: address.allocation_id.clone(),
            sender: Sender::new(&heartbeats, ring),
            receiver: Receiver::of_paths(paths, &heartbeats, core.me, node.incarnation(), ring),
            known: AddressKnowledge::new(private_ip),
            orders: Orders::default(),
            keeper,
            flight: Flight::new(config, names, address, archive, now, &node),
            tally: AddressTally::default(),
            span,
            is_told: false,
            may_stop: false,
            core,
            node,
        }
    }

    /// Takes up what operators had ordered before this daemon started.
    pub(super) fn restore(&mut self, shared: &mut Shared) {
        match self.keeper.restore() {
            Ok(Some(standing)) => self.handle(shared.clock.now(), Input::Restored(standing), shared),
            Ok(None) => {}
            Err(error) => {
                warn!(error, "orders of an earlier run are lost");
                self.known.standing_error = Some(error);
            }
        }
    }

    /// Reads a datagram that names this address and came by this path. The core hears of it once, whatever paths it came by.
    pub(super) fn open(&mut self, path: usize, datagram: &[u8], shared: &mut Shared) -> Result<(), DropCause> {
        let now = shared.clock.now();
        match self.receiver.open_on(path, datagram)? {
            Opened::First(heartbeat) => {
                shared.paths.hear(now, path, self.index, &heartbeat.prefix);
                self.hear_of_peer(&heartbeat, shared);
                self.handle(now, Input::Heartbeat(heartbeat), shared);
            }
            Opened::Copy(prefix) => shared.paths.hear(now, path, self.index, &prefix),
        }
        Ok(())
    }

    /// Takes down that a path has fallen silent, or speaks again.
    pub(super) fn note_path(&mut self, now: Instant, what: &str, shared: &mut Shared) {
        self.flight.path(now, what, &mut shared.logbook);
    }

    /// Takes down who is at the peer's place from here on, and who was before.
    pub(super) fn note_peer(&mut self, now: Instant, who: String, before: Option<String>, shared: &mut Shared) {
        self.flight.peer(now, who, before, &mut shared.logbook);
    }

    /// Tells the core, and carries out what it wants.
    pub(super) fn handle(&mut self, now: Instant, input: Input, shared: &mut Shared) {
        let _entered = self.span.clone().entered();
        self.is_told = true;
        self.flight.input(now, &self.node, &input);
        self.node.handle(now, input);
        while let Some(output) = self.node.poll_output() {
            self.flight.output(now, &output, &mut shared.logbook);
            self.carry_out(output, shared);
        }
    }

    /// Wakes the core if its time has come or it was told something; whatever waited in the socket was told before (F-4).
    pub(super) fn turn(&mut self, now: Instant, shared: &mut Shared) {
        if self.is_told || now >= self.node.poll_timeout().0 {
            self.handle(now, Input::Wakeup, shared);
            self.is_told = false;
        }
        self.flight.follow(now, &self.node);
        if self.orders.next_at().is_some() {
            let peers = self.node.view(now).peer.and_then(|report| report.hold);
            self.orders
                .follow_peer(now, peers.map(|hold| hold.version), &shared.names);
        }
    }

    /// Tells the core whether this node could take the address over.
    pub(super) fn follow_readiness(&mut self, now: Instant, shared: &mut Shared) {
        let fitness = shared.known.fitness();
        let ready = self.known.identity.is_some()
            && problems::against_readiness(&shared.known, &self.known, fitness).is_empty();
        self.handle(now, Input::Readiness(ready), shared);
    }

    /// Writes what is not on disk yet, at the end of the daemon.
    pub(super) fn finish(&mut self, now: Instant) {
        if let Err(error) = self.keeper.flush() {
            warn!(%error, "holds and leaves were not kept");
        }
        if let Err(error) = self.flight.finish(now, &self.node) {
            warn!(%error, "the last record of the core's inputs was not written");
        }
    }

    /// What people call this seat: by its address, once that is known.
    pub(super) fn name(&self) -> String {
        match self.known.public_ip {
            Some(public_ip) => public_ip.to_string(),
            None => self.allocation_id.clone(),
        }
    }

    /// Whether somebody means it by this: its allocation id, its public IP or its name.
    pub(super) fn is_called(&self, word: &str, config: &Config) -> bool {
        let name = config.address(self.index).name.as_deref();
        self.allocation_id == word || name == Some(word) || self.name() == word
    }

    /// When this seat wants a turn at the latest.
    pub(super) fn wake_at(&self) -> Instant {
        let (wake_at, _) = self.node.poll_timeout();
        self.orders.next_at().map_or(wake_at, |at| at.min(wake_at))
    }

    /// Whether the core has nothing left to do before this daemon ends.
    pub(super) const fn may_stop(&self) -> bool {
        self.may_stop
    }

    /// Keeps what the peer tells people: its card beside this node's, its keys, and by which paths it hears this node. A recording of an
    /// earlier run may be played to this node: only who echoes this run is heard.
    fn hear_of_peer(&self, heartbeat: &Heartbeat, shared: &mut Shared) {
        let is_alive = heartbeat
            .prefix
            .echo
            .is_some_and(|echo| echo.incarnation == self.node.incarnation());
        if !is_alive {
            return;
        }
        shared.known.cards = self.receiver.card().map(|theirs| problems::Cards {
            own: shared.card(),
            theirs,
        });
        shared.known.keys_apart = self
            .receiver
            .peer_keys()
            .and_then(|theirs| problems::of_keys(&shared.ring, &theirs, shared.names.peer()));
        shared.paths.hear_of_peer(self.receiver.heard_paths());
    }

    fn carry_out(&mut self, output: Output, shared: &mut Shared) {
        match output {
            Output::Send(heartbeat) => {
                self.sender.show(shared.card());
                self.sender.show_paths(shared.paths.heard());
                let mut datagram = [0; MAX_DATAGRAM];
                let length = self.sender.encode(&heartbeat, &mut datagram);
                shared.paths.send(&datagram[..length]);
            }
            Output::Probe { timeout } => self.probe(timeout, shared),
            Output::AskWitnesses { timeout } => {
                if let Some(booth) = &mut shared.booth {
                    booth.ask(shared.clock.now(), self.index, timeout);
                }
            }
            Output::Call(request) => {
                self.tally.called(&request);
                shared
                    .elsewhere
                    .spawn(Arc::clone(&shared.cloud).call(self.index, request));
            }
            Output::Ordered { id, outcome } => self.end_order(id, outcome, shared),
            Output::Keep(standing) => self.keeper.keep(standing),
            Output::MayStop => self.may_stop = true,
            Output::Event(event) => {
                journal::tell(&event, &shared.names);
                self.tally.happened(&event);
                shared.publisher.hurry();
                shared.has_happened = true;
                if let Event::Witness { witness, answers } = event {
                    shared.known.follow_witness(shared.names.witness(witness), answers);
                    shared.is_readiness_open = true;
                }
                // Whoever does not hold the address must be able to take it: what a move changes is rehearsed anew.
                if matches!(event, Event::HolderChanged { to, .. } if to != Holder::Member(shared.me)) {
                    shared.prove_readiness(self.index);
                }
            }
        }
    }
}
