//! Orders to one seat: move its address, keep it, give it away.

use std::net::SocketAddr;
use std::time::Duration;

use pair_core::{Holder, Input, Instant, Member, OrderId, OrderOutcome};
use pair_wire::control::Response;
use tokio::sync::oneshot;
use tracing::info;

use super::seat::Seat;
use super::shared::Shared;
use crate::asker::Asker;
use crate::orders::{Failover, Kind, Ordered};
use crate::outage;
use crate::standing::LeaveEnds;

impl Seat {
    /// Takes down an order as it was given.
    pub(super) fn note_order(&mut self, now: Instant, order: &str, by: &Asker, shared: &mut Shared) {
        self.flight.order(now, order, by, &mut shared.logbook);
    }

    /// Moves the address, and watches from here how new connections fare meanwhile.
    pub(super) fn failover(
        &mut self,
        to: Option<&str>,
        force: bool,
        ordered: Ordered,
        answer: oneshot::Sender<Response>,
        shared: &mut Shared,
    ) {
        let Some(answer) = self.unless_busy(&ordered, answer, shared) else {
            return;
        };
        let to = match self.order_target(to, shared) {
            Ok(to) => to,
            Err((reason, hint)) => return self.refuse(&ordered, answer, &reason, hint, shared),
        };
        let from = self
            .node
            .view(ordered.at)
            .fact
            .map_or(Holder::Nobody, |fact| fact.holder);
        let failover = Failover {
            from: shared.names.holder_name(from),
            to: shared.names.of(to).to_owned(),
            forced: force,
            outage: self.watch_outage(shared),
        };
        let id = self.orders.wait(Kind::Failover(failover), ordered, answer);
        self.handle(shared.clock.now(), Input::Order { id, to, force }, shared);
    }

    /// Leaves the pair for so long, and lets the client wait until the address is gone.
    pub(super) fn leave(
        &mut self,
        ends: LeaveEnds,
        ordered: Ordered,
        answer: oneshot::Sender<Response>,
        shared: &mut Shared,
    ) {
        let Some(answer) = self.unless_busy(&ordered, answer, shared) else {
            return;
        };
        // A host that goes down does not shorten what an operator has ordered; an operator may well prolong that.
        if !self.is_leaving(ordered.at) || ends == LeaveEnds::AtJoin {
            self.keeper.let_leave_end(ends);
        }
        let id = self.orders.wait(Kind::Leave, ordered, answer);
        self.handle(shared.clock.now(), Input::Leave { id }, shared);
    }

    pub(super) fn join(&mut self, answer: oneshot::Sender<Response>, shared: &mut Shared) {
        self.handle(shared.clock.now(), Input::Join, shared);
        let is_ending = shared.known.notices.iter().any(|notice| notice.hands_over);
        let told = if is_ending {
            "this node is in the pair, but AWS takes its host: it gives away what it holds"
        } else {
            "this node is in the pair"
        };
        let _ = answer.send(Response::done(told));
    }

    /// Joins, unless an operator has ordered to leave.
    pub(super) fn join_if_until_boot(&mut self, answer: oneshot::Sender<Response>, shared: &mut Shared) {
        match (self.is_leaving(shared.clock.now()), self.keeper.leave_ends()) {
            (true, LeaveEnds::AtJoin) => {
                let stays = "this node stays out of the pair, since it was ordered to leave: pairctl join ends that";
                let _ = answer.send(Response::done(stays));
            }
            (true, LeaveEnds::AtBoot) | (false, _) => self.join(answer, shared),
        }
    }

    /// Holds the address where it is for so long, and lets the client wait until the peer has heard of it.
    pub(super) fn hold(
        &mut self,
        length: Duration,
        reason: Option<String>,
        answer: oneshot::Sender<Response>,
        shared: &mut Shared,
    ) {
        let now = shared.clock.now();
        self.handle(now, Input::Hold(length), shared);
        match self.node.view(now).hold {
            Some(hold) => {
                self.known.hold_reason = reason.map(|reason| (hold.version, reason));
                let until = now + self.core.holdtime;
                self.orders.wait_for_peer(hold.version, hold.remaining, until, answer);
            }
            None => {
                let _ = answer.send(Response::error("the hold was not taken up"));
            }
        }
    }

    /// Tells the client of an order how it ended, and the journal.
    pub(super) fn end_order(&mut self, id: OrderId, outcome: OrderOutcome, shared: &mut Shared) {
        let now = shared.clock.now();
        let takeover = self.node.view(now).takeover;
        if let Some(how) = self.orders.end(id, outcome, now, takeover.as_ref()) {
            info!(how, "an order has ended");
            self.flight.order_ended(now, &how, &mut shared.logbook);
        }
    }

    fn is_leaving(&self, now: Instant) -> bool {
        self.node.view(now).is_leaving
    }

    /// The client back, unless another order is under way: then it is told which, and whose.
    fn unless_busy(
        &mut self,
        ordered: &Ordered,
        answer: oneshot::Sender<Response>,
        shared: &mut Shared,
    ) -> Option<oneshot::Sender<Response>> {
        let Some(reason) = self.orders.under_way(shared.clock.now()) else {
            return Some(answer);
        };
        let hint = "wait for its end: an order ends within 30 s".to_owned();
        self.refuse(ordered, answer, &reason, hint, shared);
        None
    }

    /// Refuses an order before the core has heard of it.
    fn refuse(
        &mut self,
        ordered: &Ordered,
        answer: oneshot::Sender<Response>,
        reason: &str,
        hint: String,
        shared: &mut Shared,
    ) {
        let how = format!("{}: refused, {reason}", ordered.order);
        self.flight.order_ended(shared.clock.now(), &how, &mut shared.logbook);
        let _ = answer.send(Response::refused(reason, Some(hint)));
    }

    /// Begins to watch new connections to the Elastic IP, if it is known how.
    fn watch_outage(&self, shared: &Shared) -> Option<oneshot::Sender<outage::Ended>> {
        let (probe, public_ip) = (shared.config.probe.clone()?, self.known.public_ip?);
        let target = SocketAddr::from((public_ip, probe.port));
        let (ended, end) = oneshot::channel();
        shared.elsewhere.spawn(outage::watch(probe, target, end));
        Some(ended)
    }

    /// The node that an order means, or why it means none and what can be done.
    fn order_target(&self, to: Option<&str>, shared: &Shared) -> Result<Member, (String, String)> {
        let Some(name) = to else {
            let is_active = self.node.view(shared.clock.now()).is_active == Some(true);
            return Ok(if is_active { shared.me.peer() } else { shared.me });
        };
        shared.names.member(name).ok_or_else(|| {
            let hint = format!(
                "the nodes are {} and {}",
                shared.names.of(Member::First),
                shared.names.of(Member::Second)
            );
            (format!("no node is called {name:?}"), hint)
        })
    }
}
