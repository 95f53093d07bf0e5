//! What control clients ask: who may, who waits for how long, and what they are told.

use std::net::SocketAddr;
use std::time::Duration;

use pair_core::{Holder, Input, Member, OrderId, OrderOutcome};
use pair_wire::control::{Answer, Command, Events, Outcome, Response};
use tokio::sync::oneshot;
use tracing::{debug, info};

use super::Agent;
use crate::control::Pending;
use crate::orders::{Failover, Kind, Ordered};
use crate::standing::LeaveEnds;
use crate::{logbook, outage, text};

impl Agent {
    pub(super) fn answer(&mut self, request: Pending) {
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
        let order = text::order(&command);
        if let Some(order) = &order {
            info!(uid = asker.uid, pid = asker.pid, order, "ordered");
            self.flight.order(self.clock.now(), order, &asker);
        }
        let ordered = Ordered {
            order: order.unwrap_or_default(),
            by: asker,
            at: self.clock.now(),
        };
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
            Command::Failover { to, force, .. } => self.failover(to.as_deref(), force, ordered, answer),
            Command::Events { after, since_ms } => self.events(after, since_ms, answer),
            Command::Hold { for_ms, reason } => self.hold(Duration::from_millis(for_ms), reason, answer),
            Command::Resume => self.hold(Duration::ZERO, None, answer),
            Command::Reload => self.reload(Some(answer)),
            Command::Leave => self.leave(LeaveEnds::AtJoin, ordered, answer),
            Command::LeaveUntilBoot => self.leave(LeaveEnds::AtBoot, ordered, answer),
            Command::Join => self.join(answer),
            Command::JoinIfUntilBoot => match (self.is_leaving(), self.keeper.leave_ends()) {
                (true, LeaveEnds::AtJoin) => {
                    let stays =
                        "this node stays out of the pair, since it was ordered to leave: pairctl join ends that";
                    let _ = answer.send(Response::done(stays));
                }
                (true, LeaveEnds::AtBoot) | (false, _) => self.join(answer),
            },
        }
    }

    /// Moves the address, and watches from here how new connections fare meanwhile.
    fn failover(&mut self, to: Option<&str>, force: bool, ordered: Ordered, answer: oneshot::Sender<Response>) {
        let Some(answer) = self.unless_busy(&ordered, answer) else {
            return;
        };
        let to = match self.order_target(to) {
            Ok(to) => to,
            Err((reason, hint)) => return self.refuse(&ordered, answer, &reason, hint),
        };
        let from = self
            .node
            .view(ordered.at)
            .fact
            .map_or(Holder::Nobody, |fact| fact.holder);
        let failover = Failover {
            from: self.names.holder_name(from),
            to: self.names.of(to).to_owned(),
            forced: force,
            outage: self.watch_outage(),
        };
        let id = self.orders.wait(Kind::Failover(failover), ordered, answer);
        self.handle(self.clock.now(), Input::Order { id, to, force });
    }

    /// Leaves the pair for so long, and lets the client wait until the address is gone.
    fn leave(&mut self, ends: LeaveEnds, ordered: Ordered, answer: oneshot::Sender<Response>) {
        let Some(answer) = self.unless_busy(&ordered, answer) else {
            return;
        };
        // A host that goes down does not shorten what an operator has ordered; an operator may well prolong that.
        if !self.is_leaving() || ends == LeaveEnds::AtJoin {
            self.keeper.let_leave_end(ends);
        }
        let id = self.orders.wait(Kind::Leave, ordered, answer);
        self.handle(self.clock.now(), Input::Leave { id });
    }

    fn join(&mut self, answer: oneshot::Sender<Response>) {
        self.handle(self.clock.now(), Input::Join);
        let hands_over = self.known.notices.iter().any(|notice| notice.hands_over);
        let told = if hands_over {
            "this node is in the pair, but AWS takes its host: it gives away what it holds"
        } else {
            "this node is in the pair"
        };
        let _ = answer.send(Response::done(told));
    }

    fn is_leaving(&self) -> bool {
        self.node.view(self.clock.now()).is_leaving
    }

    /// Tells the client of an order how it ended, and the journal.
    pub(super) fn end_order(&mut self, id: OrderId, outcome: OrderOutcome) {
        let now = self.clock.now();
        let takeover = self.node.view(now).takeover;
        if let Some(how) = self.orders.end(id, outcome, now, takeover.as_ref()) {
            info!(how, "an order has ended");
            self.flight.order_ended(now, &how);
        }
    }

    /// The client back, unless another order is under way: then it is told which, and whose.
    fn unless_busy(
        &mut self,
        ordered: &Ordered,
        answer: oneshot::Sender<Response>,
    ) -> Option<oneshot::Sender<Response>> {
        let Some(reason) = self.orders.under_way(self.clock.now()) else {
            return Some(answer);
        };
        let hint = "wait for its end: an order ends within 30 s".to_owned();
        self.refuse(ordered, answer, &reason, hint);
        None
    }

    /// Refuses an order before the core has heard of it.
    fn refuse(&mut self, ordered: &Ordered, answer: oneshot::Sender<Response>, reason: &str, hint: String) {
        let how = format!("{}: refused, {reason}", ordered.order);
        self.flight.order_ended(self.clock.now(), &how);
        let _ = answer.send(Response::refused(reason, Some(hint)));
    }

    /// Begins to watch new connections to the Elastic IP, if it is known how.
    fn watch_outage(&self) -> Option<oneshot::Sender<outage::Ended>> {
        let (probe, public_ip) = (self.config.probe.clone()?, self.known.public_ip?);
        let target = SocketAddr::from((public_ip, probe.port));
        let (ended, end) = oneshot::channel();
        self.elsewhere.spawn(outage::watch(probe, target, end));
        Some(ended)
    }

    /// Reads the journal on the other thread.
    fn events(&self, after: u64, since_ms: u64, answer: oneshot::Sender<Response>) {
        let logbook = self.flight.logbook();
        let (folder, newest) = (logbook.folder().to_owned(), logbook.newest());
        if after >= newest {
            let entries = Vec::new();
            let _ = answer.send(Response::new(Outcome::Ok(Answer::Events(Events { entries, newest }))));
            return;
        }
        self.elsewhere.spawn_blocking(move || {
            let response = match logbook::read(&folder, after, since_ms, newest) {
                Ok(events) => Response::new(Outcome::Ok(Answer::Events(events))),
                Err(error) => Response::error(format!("the journal cannot be read: {error}")),
            };
            let _ = answer.send(response);
        });
    }

    /// Holds the address where it is for so long, and lets the client wait until the peer has heard of it.
    fn hold(&mut self, length: Duration, reason: Option<String>, answer: oneshot::Sender<Response>) {
        let now = self.clock.now();
        self.handle(now, Input::Hold(length));
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

    /// The node that an order means, or why it means none and what can be done.
    fn order_target(&self, to: Option<&str>) -> Result<Member, (String, String)> {
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
            (format!("no node is called {name:?}"), hint)
        })
    }
}
