//! One of the two machines: an agent that may run, a service that may serve, a clock of its own.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use pair_core::{CallId, Ending, Event, Input, Instant, Member, Node, OrderId, OrderOutcome};

use crate::{Service, Tuning, operator::Kept};

/// A machine with its agent and its service.
#[derive(Debug)]
pub struct Host {
    pub(crate) member: Member,
    pub(crate) is_on: bool,
    pub(crate) node: Option<Node>,
    pub(crate) paused: Option<Pause>,
    pub(crate) service: Service,
    pub(crate) ready: bool,
    /// Whether an interface of the instance carries the private IP on which the address lands.
    pub(crate) has_place: bool,
    /// Whether another address is on that private IP.
    pub(crate) has_neighbour: bool,
    /// What AWS says of its end.
    pub(crate) ending: Option<Ending>,
    /// How late its wake-ups come at most.
    pub(crate) wake_late: Duration,
    /// How far this host's clock is ahead of the world's.
    pub(crate) clock_ahead: Duration,
    /// Counts the runs of the agent: what was meant for an earlier one does not reach a later one.
    pub(crate) run: u64,
    /// The first run of the agent on this instance.
    pub(crate) first_run: u64,
    /// Counts the wishes to be woken: only the latest counts.
    pub(crate) wish: u64,
    pub(crate) calls: BTreeMap<CallId, OpenCall>,
    /// Questions to witnesses whose time is not over, and whether the witness has passed each on.
    pub(crate) questions: BTreeMap<u64, bool>,
    pub(crate) questions_asked: u64,
    /// Whether IMDS answers.
    pub(crate) has_imds: bool,
    /// Whether nobody tells the node how its calls end.
    pub(crate) forgets_results: bool,
    pub(crate) kept: Option<Kept>,
    /// Whether the core has nothing left to do before its daemon ends.
    pub(crate) may_stop: bool,
    /// What its configuration file says.
    pub(crate) tuning: Tuning,
    /// When this run of the agent has won the address from its peer at a cost (F-15).
    pub(crate) wins: Vec<Instant>,
    pub(crate) events: Vec<(Instant, Event)>,
    pub(crate) outcomes: Vec<(OrderId, OrderOutcome)>,
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenCall {
    pub(crate) is_claim: bool,
    pub(crate) asked_at: Instant,
}

/// A host that does not run for a while.
#[derive(Debug)]
pub(crate) struct Pause {
    /// Datagrams wait in the socket while a process is stopped, and are lost while a whole machine is.
    pub(crate) keeps_datagrams: bool,
    pub(crate) datagrams: VecDeque<Input>,
    pub(crate) results: VecDeque<Input>,
}

/// How many datagrams a socket keeps: Linux's default receive buffer holds about this many of ours.
pub(crate) const SOCKET_KEEPS: usize = 256;

impl Host {
    pub(crate) const fn new(member: Member, clock_ahead: Duration, wake_late: Duration) -> Self {
        Self {
            member,
            is_on: true,
            node: None,
            paused: None,
            service: Service::Serving,
            ready: true,
            has_place: true,
            has_neighbour: false,
            ending: None,
            has_imds: true,
            wake_late,
            clock_ahead,
            run: 0,
            first_run: 0,
            wish: 0,
            calls: BTreeMap::new(),
            questions: BTreeMap::new(),
            questions_asked: 0,
            forgets_results: false,
            kept: None,
            may_stop: false,
            tuning: Tuning::Own,
            wins: Vec::new(),
            events: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// The world's time as this host's clock shows it.
    pub(crate) fn local(&self, now: Instant) -> Instant {
        now + self.clock_ahead
    }

    /// A time of this host's clock as the world counts it.
    pub(crate) fn global(&self, local: Instant) -> Instant {
        local - self.clock_ahead
    }

    /// Which member this is.
    #[must_use]
    pub const fn member(&self) -> Member {
        self.member
    }

    /// The node, while the agent runs.
    #[must_use]
    pub const fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// Whether agent and host run, without a pause.
    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.is_on && self.node.is_some() && self.paused.is_none()
    }

    /// How the service does.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }

    /// What the agent told, over all its runs.
    #[must_use]
    pub fn events(&self) -> &[(Instant, Event)] {
        &self.events
    }

    /// How orders ended, in that order.
    #[must_use]
    pub fn outcomes(&self) -> &[(OrderId, OrderOutcome)] {
        &self.outcomes
    }

    /// How many questions were put to witnesses, over all runs.
    #[must_use]
    pub const fn questions_asked(&self) -> u64 {
        self.questions_asked
    }

    /// How many reads are under way.
    #[must_use]
    pub fn reads_in_flight(&self) -> usize {
        self.calls.len() - self.claims_in_flight()
    }

    /// How many claims are under way.
    #[must_use]
    pub fn claims_in_flight(&self) -> usize {
        self.calls.values().filter(|call| call.is_claim).count()
    }
}
