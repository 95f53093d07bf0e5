//! The end of this agent while its service goes on: the peer is told, so that it waits (F-13).

use super::{Node, Stopping};
use crate::{
    Fitness, Instant, Link, Notice, Output,
    config::{NOTICE_GAP, NOTICE_TIME},
};

impl Node {
    /// This agent is asked to end.
    pub(super) fn stop(&mut self, now: Instant) {
        self.stopping.get_or_insert(Stopping {
            until: now + NOTICE_TIME,
            next_notice: now,
            first: None,
            is_done: false,
        });
    }

    /// What this node says it is about to do. It asks for grace only if its service goes on.
    pub(super) fn notice(&self, now: Instant) -> Option<Notice> {
        let ending = self.ending.map(|ending| ending.notice(now));
        if self.is_leaving {
            Some(Notice::Leaving)
        } else if self.is_ending() {
            // An agent that ends on a host that ends is not waited for.
            ending
        } else if self.stopping.is_some() && self.fitness == Fitness::Fit {
            let grace = self.config.restart_grace;
            Some(Notice::Restarting { grace })
        } else {
            ending
        }
    }

    /// Repeats the notice until the peer has heard it, or cannot be waited for.
    pub(super) fn give_notice_if_due(&mut self, now: Instant) {
        let is_peer_up = self.detector.link(self.clock.now()) == Link::Up;
        let echoed = self.detector.last_echoed();
        let Some(stopping) = self.stopping.as_mut().filter(|stopping| !stopping.is_done) else {
            return;
        };
        let is_heard = stopping.first.is_some_and(|first| echoed >= first);
        if is_heard || now >= stopping.until || (stopping.first.is_some() && !is_peer_up) {
            stopping.is_done = true;
            self.outputs.push_back(Output::MayStop);
        } else if now >= stopping.next_notice {
            stopping.next_notice = now + NOTICE_GAP;
            stopping.first.get_or_insert(self.detector.last_sent().next());
            // A query, so that the peer answers at once.
            self.beat(now, true);
        }
    }
}
