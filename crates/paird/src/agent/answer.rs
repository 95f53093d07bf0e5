//! What control clients ask: who may, which seats it is for, and what they are told.

use std::time::Duration;

use pair_wire::control::{Answer, Command, Events, Outcome, Response};
use tokio::sync::oneshot;
use tracing::{debug, info};

use super::Agent;
use super::fan_out::fan_out;
use super::seat::Seat;
use super::shared::Shared;
use crate::control::Pending;
use crate::orders::Ordered;
use crate::standing::LeaveEnds;
use crate::{logbook, text};

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
        let now = self.shared.clock.now();
        let order = text::order(&command);
        if let Some(order) = &order {
            info!(uid = asker.uid, pid = asker.pid, order, "ordered");
            for seat in &mut self.seats {
                seat.note_order(now, order, &asker, &mut self.shared);
            }
        }
        let ordered = Ordered {
            order: order.unwrap_or_default(),
            by: asker,
            at: now,
        };
        match command {
            Command::Status => {
                let _ = answer.send(self.status());
            }
            Command::Why => {
                let _ = answer.send(self.seats[0].flight.why(now));
            }
            Command::Doctor => self.examine(answer),
            Command::Export { id, from } => {
                let seat = &mut self.seats[0];
                let _ = answer.send(seat.flight.export(now, &seat.node, id, from));
            }
            Command::Failover { to, force, .. } => {
                self.each(answer, |seat, answer, shared| {
                    seat.failover(to.as_deref(), force, ordered.clone(), answer, shared);
                });
            }
            Command::Events { after, since_ms } => self.events(after, since_ms, answer),
            Command::Hold { for_ms, reason } => self.each(answer, |seat, answer, shared| {
                seat.hold(Duration::from_millis(for_ms), reason.clone(), answer, shared);
            }),
            Command::Resume => self.each(answer, |seat, answer, shared| {
                seat.hold(Duration::ZERO, None, answer, shared);
            }),
            Command::Reload => self.reload(Some(answer)),
            Command::Leave => self.each(answer, |seat, answer, shared| {
                seat.leave(LeaveEnds::AtJoin, ordered.clone(), answer, shared);
            }),
            Command::LeaveUntilBoot => self.each(answer, |seat, answer, shared| {
                seat.leave(LeaveEnds::AtBoot, ordered.clone(), answer, shared);
            }),
            Command::Join => self.each(answer, Seat::join),
            Command::JoinIfUntilBoot => self.each(answer, Seat::join_if_until_boot),
        }
    }

    /// Gives each seat the same order, and the client one answer.
    fn each(
        &mut self,
        answer: oneshot::Sender<Response>,
        mut order: impl FnMut(&mut Seat, oneshot::Sender<Response>, &mut Shared),
    ) {
        let names = self.seats.iter().map(Seat::name).collect();
        for (seat, answer) in self.seats.iter_mut().zip(fan_out(names, answer)) {
            order(seat, answer, &mut self.shared);
        }
    }

    /// Reads the journal on the other thread.
    fn events(&self, after: u64, since_ms: u64, answer: oneshot::Sender<Response>) {
        let logbook = &self.shared.logbook;
        let (folder, newest) = (logbook.folder().to_owned(), logbook.newest());
        if after >= newest {
            let entries = Vec::new();
            let _ = answer.send(Response::new(Outcome::Ok(Answer::Events(Events { entries, newest }))));
            return;
        }
        self.shared.elsewhere.spawn_blocking(move || {
            let response = match logbook::read(&folder, after, since_ms, newest) {
                Ok(events) => Response::new(Outcome::Ok(Answer::Events(events))),
                Err(error) => Response::error(format!("the journal cannot be read: {error}")),
            };
            let _ = answer.send(response);
        });
    }
}
