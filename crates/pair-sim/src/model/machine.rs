//! One of the two machines of the model: a real node, or none while its agent is dead, and what is under way for it.

use pair_core::{Call, CallId, Input, Instant, Member, Node};

use super::fold::Fold;
use crate::{Service, operator::Kept};

/// A machine with its agent and its service.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) member: Member,
    pub(super) is_on: bool,
    /// The node, while the agent runs. In a box, since states are moved far more often than they are made.
    pub(super) node: Option<Box<Node>>,
    pub(super) service: Service,
    /// The whole machine stands still. What is sent to it is lost; how its calls end, it is told when it goes on.
    pub(super) is_suspended: bool,
    /// Nothing gets out or in.
    pub(super) is_isolated: bool,
    /// Its calls vanish, and nothing comes back.
    pub(super) is_api_cut: bool,
    /// The claim that was sent in the last tick: what becomes of it is decided in the next.
    pub(super) claim: Option<Request>,
    /// A claim whose sender has given it up. It may yet reach EC2, at any time.
    pub(super) straggler: Option<Request>,
    /// Reads that are answered in the next tick: the first few of a tick are answered at once.
    pub(super) reads: Vec<(CallId, Call)>,
    pub(super) reads_answered: u8,
    /// Calls that nobody will answer: their time is over in the next tick.
    pub(super) unanswered: Vec<CallId>,
    /// What waits until the machine goes on.
    pub(super) waiting: Vec<Input>,
    pub(super) kept: Option<Kept>,
    /// How many agents have run here: each has a seed of its own.
    pub(super) runs: u64,
    /// The agent may end: its peer knows.
    pub(super) may_stop: bool,
}

/// An `AssociateAddress` under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: CallId,
    pub(super) allow_reassociation: bool,
}

impl Machine {
    pub(super) const fn new(member: Member) -> Self {
        Self {
            member,
            is_on: true,
            node: None,
            service: Service::Serving,
            is_suspended: false,
            is_isolated: false,
            is_api_cut: false,
            claim: None,
            straggler: None,
            reads: Vec::new(),
            reads_answered: 0,
            unanswered: Vec::new(),
            waiting: Vec::new(),
            kept: None,
            runs: 0,
            may_stop: false,
        }
    }

    /// The agent ends at once. A claim that it has sent goes its way.
    pub(super) fn kill_agent(&mut self) {
        self.node = None;
        self.may_stop = false;
        self.is_suspended = false;
        self.reads.clear();
        self.unanswered.clear();
        self.waiting.clear();
        self.give_up_claim();
    }

    /// Nobody will hear how the claim ends.
    pub(super) fn give_up_claim(&mut self) {
        if let Some(request) = self.claim.take() {
            self.straggler = Some(request);
        }
    }

    /// Whether agent and host run.
    pub(super) const fn is_running(&self) -> bool {
        self.is_on && self.node.is_some() && !self.is_suspended
    }

    /// Whether its calls reach EC2 and are answered.
    pub(super) const fn reaches_api(&self) -> bool {
        !self.is_api_cut && !self.is_isolated
    }

    /// Whether it runs and serves.
    pub(super) fn is_well(&self) -> bool {
        self.is_running() && self.service == Service::Serving
    }

    /// Whether nobody can be served here, and nobody sees to it: the host is off, or the agent and the service are dead.
    pub(super) fn is_dead(&self) -> bool {
        !self.is_on || (self.node.is_none() && self.service != Service::Serving)
    }

    pub(super) fn fold(&self, fold: &mut Fold, now: Instant) {
        fold.add((
            self.is_on,
            self.service,
            self.is_suspended,
            self.is_isolated,
            self.is_api_cut,
            self.may_stop,
        ));
        for request in [self.claim, self.straggler] {
            fold.add(request.map(|request| request.allow_reassociation));
        }
        fold.add_known(self.member, &self.node);
        // The straggler's number means nothing to anybody any more.
        if let Some(request) = self.claim {
            fold.add_call(self.member, request.id);
        }
        fold.add((self.unanswered.len(), self.reads.len()));
        let reads = self.reads.iter().map(|(call, _)| call);
        for call in self.unanswered.iter().chain(reads) {
            fold.add_call(self.member, *call);
        }
        fold.add_known(self.member, &self.waiting);
        // While an agent runs it is the node that counts.
        let kept = self.kept.filter(|_| self.node.is_none());
        fold.add_known(self.member, &kept.map(|kept| kept.by(now)));
    }
}
