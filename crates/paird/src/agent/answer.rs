//! What control clients ask: who may, who waits for how long, and what they are told.

use std::time::Duration;

use pair_core::{Input, Member};
use pair_wire::control::{Command, Response};
use tokio::sync::oneshot;
use tracing::{debug, info};

use super::Agent;
use crate::control::Pending;
use crate::orders::Kind;
use crate::text;

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
            Command::Reload => self.reload(Some(answer)),
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
}
