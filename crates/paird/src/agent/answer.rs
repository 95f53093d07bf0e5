//! What control clients ask: who may, which seats it is for, and what they are told.

use std::time::Duration;

use pair_core::Instant;
use pair_wire::control::{Answer, Command, Events, Outcome, Response, WHY_VERSION, Why};
use tokio::sync::oneshot;
use tracing::{debug, info};

use super::Agent;
use super::fan_out::fan_out;
use super::seat::Seat;
use super::shared::Shared;
use crate::chronicle::KEPT;
use crate::config::AddressIndex;
use crate::control::Pending;
use crate::logbook::{self, Wanted};
use crate::orders::Ordered;
use crate::standing::LeaveEnds;
use crate::text;

impl Agent {
    pub(super) fn answer(&mut self, request: Pending) {
        let Pending {
            asker,
            command,
            address,
            answer,
        } = request;
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
        let meant = match self.meant(&command, address.as_deref()) {
            Ok(meant) => meant,
            Err(refused) => {
                let _ = answer.send(refused);
                return;
            }
        };
        let now = self.shared.clock.now();
        let order = text::order(&command);
        if let Some(order) = &order {
            info!(uid = asker.uid, pid = asker.pid, address, order, "ordered");
            for index in &meant {
                self.seats[index.0].note_order(now, order, &asker, &mut self.shared);
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
                let _ = answer.send(self.why(now, &meant));
            }
            Command::Doctor => self.examine(answer),
            Command::Export { id, from } => self.each(&meant, answer, |seat, answer, _| {
                let _ = answer.send(seat.flight.export(now, &seat.node, id, from));
            }),
            Command::Failover { to, force, .. } => self.each(&meant, answer, |seat, answer, shared| {
                seat.failover(to.as_deref(), force, ordered.clone(), answer, shared);
            }),
            Command::Events { after, since_ms } => {
                let wanted = Wanted {
                    after,
                    since_ms,
                    address: address.map(|_| self.seats[meant[0].0].allocation_id.clone()),
                };
                self.events(wanted, answer);
            }
            Command::Hold { for_ms, reason } => self.each(&meant, answer, |seat, answer, shared| {
                seat.hold(Duration::from_millis(for_ms), reason.clone(), answer, shared);
            }),
            Command::Resume => self.each(&meant, answer, |seat, answer, shared| {
                seat.hold(Duration::ZERO, None, answer, shared);
            }),
            Command::Reload => self.reload(Some(answer)),
            Command::Leave => self.each(&meant, answer, |seat, answer, shared| {
                seat.leave(LeaveEnds::AtJoin, ordered.clone(), answer, shared);
            }),
            Command::LeaveUntilBoot => self.each(&meant, answer, |seat, answer, shared| {
                seat.leave(LeaveEnds::AtBoot, ordered.clone(), answer, shared);
            }),
            Command::Join => self.each(&meant, answer, Seat::join),
            Command::JoinIfUntilBoot => self.each(&meant, answer, Seat::join_if_until_boot),
        }
    }

    /// The addresses that a request is about: the named one, or all of them. One that can only be about one has to name it, unless
    /// there is no other.
    fn meant(&self, command: &Command, address: Option<&str>) -> Result<Vec<AddressIndex>, Response> {
        let called = || {
            let names: Vec<String> = self.seats.iter().map(Seat::name).collect();
            format!("the addresses are {}", names.join(", "))
        };
        match address {
            Some(_) if !command.is_of_address() => Err(Response::refused(
                "that is about the node, with all of its addresses",
                Some("leave the address away".to_owned()),
            )),
            Some(word) => {
                let config = &self.shared.config;
                let mut called_so = self.seats.iter().filter(|seat| seat.is_called(word, config));
                let seat = called_so.next().ok_or_else(|| {
                    // Whatever somebody typed, as a Rust string: it cannot pretend to be another line.
                    Response::refused(format!("no address is called {word:?}"), Some(called()))
                })?;
                Ok(vec![seat.index])
            }
            None if self.seats.len() > 1 && is_of_one(command) => Err(Response::refused(
                "the pair has several addresses, and this is about one",
                Some(format!("name it with --address: {}", called())),
            )),
            None => Ok(self.seats.iter().map(|seat| seat.index).collect()),
        }
    }

    /// What happened lately to these addresses, and why.
    fn why(&self, now: Instant, meant: &[AddressIndex]) -> Response {
        let told = meant.iter().map(|index| self.seats[index.0].flight.tell(now));
        let mut transitions = told.collect::<Vec<_>>().concat();
        // Stable: what is told of one address keeps its order.
        transitions.sort_by_key(|transition| transition.unix_ms);
        let surplus = transitions.len().saturating_sub(KEPT);
        transitions.drain(..surplus);
        Response::new(Outcome::Ok(Answer::Why(Why {
            version: WHY_VERSION,
            pair: self.shared.config.pair.clone(),
            clock: None,
            transitions,
        })))
    }

    /// Gives each of these seats the same order, and the client one answer.
    fn each(
        &mut self,
        meant: &[AddressIndex],
        answer: oneshot::Sender<Response>,
        mut order: impl FnMut(&mut Seat, oneshot::Sender<Response>, &mut Shared),
    ) {
        let names = meant.iter().map(|index| self.seats[index.0].name()).collect();
        for (index, answer) in meant.iter().zip(fan_out(names, answer)) {
            order(&mut self.seats[index.0], answer, &mut self.shared);
        }
    }

    /// Reads the journal on the other thread.
    fn events(&self, wanted: Wanted, answer: oneshot::Sender<Response>) {
        let logbook = &self.shared.logbook;
        let (folder, newest) = (logbook.folder().to_owned(), logbook.newest());
        if wanted.after >= newest {
            let entries = Vec::new();
            let _ = answer.send(Response::new(Outcome::Ok(Answer::Events(Events { entries, newest }))));
            return;
        }
        self.shared.elsewhere.spawn_blocking(move || {
            let response = match logbook::read(&folder, &wanted, newest) {
                Ok(events) => Response::new(Outcome::Ok(Answer::Events(events))),
                Err(error) => Response::error(format!("the journal cannot be read: {error}")),
            };
            let _ = answer.send(response);
        });
    }
}

/// Whether a request makes sense for one address at a time only.
const fn is_of_one(command: &Command) -> bool {
    match command {
        Command::Failover { .. } | Command::Export { .. } => true,
        Command::Status
        | Command::Why
        | Command::Events { .. }
        | Command::Doctor
        | Command::Hold { .. }
        | Command::Resume
        | Command::Leave
        | Command::LeaveUntilBoot
        | Command::Join
        | Command::JoinIfUntilBoot
        | Command::Reload => false,
    }
}
