//! What follows a turn: whoever watches this node is told, and never waited for.

use std::mem;
use std::time::Duration;

use pair_core::{Fitness, Instant, View};
use pair_wire::control::{Response, Status};
use sd_notify::NotifyState;
use tracing::debug;

use super::Agent;
use crate::metrics::Picture;
use crate::status::{SeatSources, Sources};
use crate::text;

impl Agent {
    pub(super) fn status(&self) -> Response {
        Response::status(self.status_at(self.shared.clock.now()))
    }

    fn status_at(&self, now: Instant) -> Status {
        let views: Vec<View> = self.seats.iter().map(|seat| seat.node.view(now)).collect();
        let config = &self.shared.config;
        let seats = self.seats.iter().zip(&views).map(|(seat, view)| SeatSources {
            address: config.address(seat.index),
            places: config.places(config.address(seat.index)),
            view,
            known: &seat.known,
        });
        let sources = Sources {
            config,
            me: self.shared.me,
            names: &self.shared.names,
            known: &self.shared.known,
            seats: seats.collect(),
            paths: &self.shared.paths,
            drops: &self.drops(),
            ring: &self.shared.ring,
            peer_keys: self.seats.iter().find_map(|seat| seat.receiver.peer_keys()),
            uptime: now.since(Instant::ZERO),
            loop_age: now.since(self.turned_at),
        };
        sources.status()
    }

    /// Hands a picture of this moment to metrics and hooks; neither is waited for.
    pub(super) fn publish(&mut self, now: Instant) {
        if !self.shared.publisher.is_due(now) {
            return;
        }
        let picture = Picture {
            at: now,
            status: self.status_at(now),
            is_fit: self.shared.known.fitness() == Fitness::Fit,
            tally: self.shared.tally.clone(),
            witness: self.shared.witness_tally(),
            addresses: self.seats.iter().map(|seat| seat.tally.clone()).collect(),
        };
        self.shared.publisher.publish(picture);
    }

    pub(super) fn feed_watchdog(&mut self, now: Instant) {
        let Some(watchdog) = &mut self.watchdog else { return };
        if now.since(watchdog.fed_at) >= watchdog.every {
            watchdog.fed_at = now;
            notify(&[NotifyState::Watchdog]);
        }
    }

    /// Tells the service manager in one line how things are, when that changes.
    pub(super) fn tell_status(&mut self) {
        if !mem::take(&mut self.shared.has_happened) {
            return;
        }
        let lines = self.seats.iter().map(|seat| {
            let decision = seat.node.decide();
            format!("{} ({})", text::verdict(decision.verdict), decision.rule)
        });
        let line = lines.collect::<Vec<_>>().join("; ");
        if line != self.told_status {
            notify(&[NotifyState::Status(&line)]);
            self.told_status = line;
        }
    }
}

/// The service manager's watchdog, which is fed by the loop itself.
#[derive(Debug)]
pub(super) struct Watchdog {
    every: Duration,
    fed_at: Instant,
}

impl Watchdog {
    /// The watchdog that the service manager wants to be fed, if any: three times as often as it must be.
    pub(super) fn wanted(now: Instant) -> Option<Self> {
        let limit = sd_notify::watchdog_enabled()?;
        Some(Self {
            every: limit / 3,
            fed_at: now,
        })
    }
}

/// Tells the service manager, if there is one.
pub(super) fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!(%error, "service manager not told");
    }
}
