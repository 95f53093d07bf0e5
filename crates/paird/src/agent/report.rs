//! What follows a turn: whoever watches this node is told, and never waited for.

use std::time::Duration;

use pair_core::{Fitness, Instant, View};
use pair_wire::control::{Response, Status};
use sd_notify::NotifyState;
use tracing::debug;

use super::Agent;
use crate::metrics::Picture;
use crate::status::Sources;
use crate::text;

impl Agent {
    pub(super) fn status(&self) -> Response {
        let now = self.clock.now();
        Response::status(self.status_at(now, &self.node.view(now)))
    }

    fn status_at(&self, now: Instant, view: &View) -> Status {
        let sources = Sources {
            config: &self.config,
            core: &self.core,
            names: &self.names,
            view,
            known: &self.known,
            drops: self.receiver.drops(),
            ring: &self.ring,
            peer_keys: self.receiver.peer_keys(),
            uptime: now.since(Instant::ZERO),
            loop_age: now.since(self.turned_at),
        };
        sources.status()
    }

    /// Hands a picture of this moment to metrics and hooks; neither is waited for.
    pub(super) fn publish(&mut self, now: Instant) {
        if !self.publisher.is_due(now) {
            return;
        }
        let view = self.node.view(now);
        self.publisher.publish(Picture {
            at: now,
            status: self.status_at(now, &view),
            is_fit: view.fitness == Fitness::Fit,
            tally: self.tally.clone(),
        });
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
        let decision = self.node.decide();
        let line = format!("{} ({})", text::verdict(decision.verdict), decision.rule);
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
