//! What the other thread and signals tell, and what the cores are told of it.

use std::time::SystemTime;

use pair_core::{Fitness, Input, Instant};
use tracing::{info, warn};

use super::Agent;
use super::seat::Seat;
use super::shared::Shared;
use crate::check::{State, Verdict};
use crate::cloud::fault_of;
use crate::config::Heartbeat;
use crate::news::{AddressNews, News, Signal};

impl Agent {
    pub(super) fn hear(&mut self, news: News) {
        self.hear_at(self.shared.clock.now(), news);
    }

    /// Hears it at the time of a turn that is under way: what a core is told never goes back in time.
    fn hear_at(&mut self, now: Instant, news: News) {
        match news {
            News::Address(index, news) => {
                if let Some(seat) = self.seats.get_mut(index.0) {
                    seat.hear(now, *news, &mut self.shared);
                    seat.follow_readiness(now, &mut self.shared);
                }
                return;
            }
            News::Imds(outcome) => {
                let error = outcome.err();
                if error.is_some() && self.shared.known.imds_error.is_none() {
                    warn!(error, "IMDS does not answer");
                }
                self.shared.known.imds_error = error;
            }
            News::Host(host) => {
                self.shared.known.host = host.findings();
                self.shared.haproxy = host.haproxy;
            }
            News::Found(found) => self.follow_members(found),
            News::Reread(read) => self.follow_files(*read),
            News::Metrics(outcome) => self.shared.known.metrics_error = outcome.err(),
            News::Journalled(outcome) => {
                if let Err((lost, error)) = &outcome {
                    warn!(lost, error, "lines of the journal were not written");
                }
                self.shared.known.follow_journal(outcome, self.shared.logbook.lost());
            }
            News::Hooked(outcomes) => {
                for (_, outcome) in &outcomes {
                    self.shared.tally.hooked(outcome);
                }
                self.shared.known.follow_hooks(&outcomes);
            }
            News::Notices(notices) => {
                let wall = SystemTime::now();
                let ending = notices.first().map(|notice| notice.ending(wall, now));
                self.shared.known.notices = notices;
                self.tell_all(now, &Input::HostEnds(ending));
            }
            News::Signal(Signal::Stop) => self.stop(),
            News::Signal(Signal::Reload) => self.reload(None),
            News::Examined(examinations) => self.tell_diagnosis(now, examinations),
            News::Checked(verdict) => {
                let saturated = verdict.saturated;
                self.note_verdict(verdict);
                let fitness: Fitness = self.shared.known.fitness();
                self.tell_all(now, &Input::Health { fitness, saturated });
            }
        }
        for seat in &mut self.seats {
            seat.follow_readiness(now, &mut self.shared);
        }
    }
}

impl Agent {
    /// Hears what the checks say again, unless that may be from before a pause (F-16). To a core that knows its service fit, that it
    /// still is tells nothing.
    pub(super) fn hear_unchanged(&mut self, now: Instant) {
        let Heartbeat { interval, holdtime, .. } = self.shared.config.heartbeat;
        let pause = holdtime - interval;
        // After a pause the cores are woken first: what they were told before that would be void, and this is told once.
        if now.since(self.turned_at) >= pause {
            return;
        }
        let Some(verdict) = self.shared.watchers.take_unchanged(now, pause) else {
            return;
        };
        let mut fitnesses = self.seats.iter().map(|seat| seat.node.fitness());
        if verdict.state == State::Healthy && fitnesses.all(|fitness| fitness == Fitness::Fit) {
            self.note_verdict(verdict);
        } else {
            self.hear_at(now, News::Checked(verdict));
        }
    }

    /// Keeps it for status and metrics: what the cores are told of it, if anything, is the caller's.
    fn note_verdict(&mut self, verdict: Verdict) {
        self.shared.tally.checked(&verdict.state);
        self.shared.known.verdict = Some(verdict);
    }
}

impl Seat {
    fn hear(&mut self, now: Instant, news: AddressNews, shared: &mut Shared) {
        let _entered = self.span.clone().entered();
        match news {
            AddressNews::Input(input) => {
                if let Input::Identity(identity) = &input {
                    info!(
                        instance = identity.instance.as_str(),
                        zone = identity.zone.as_str(),
                        "identity known"
                    );
                    self.known.identity = Some(identity.clone());
                }
                if let Input::Called { id, result: Ok(_) } = &input {
                    self.tally.answered(*id, None);
                }
                self.handle(now, input, shared);
            }
            AddressNews::CallFailed { id, fault, error } => {
                warn!(error, "EC2 call failed");
                self.tally.answered(id, Some(fault));
                self.known.last_call_error = Some(error);
                self.handle(now, Input::Called { id, result: Err(fault) }, shared);
            }
            AddressNews::PublicIp(public_ip) => {
                info!(%public_ip, "Elastic IP known");
                self.known.public_ip = Some(public_ip);
            }
            AddressNews::Rehearsed { outcome, clock_ahead_s } => {
                self.known.rehearsed_at = Some(now);
                shared.known.clock_ahead_s = clock_ahead_s;
                self.tally.rehearsed(outcome.as_ref().err().map(fault_of));
                match &outcome {
                    Ok(neighbour) => {
                        let is_there = neighbour.is_some();
                        self.handle(now, Input::Neighbour { is_there }, shared);
                    }
                    Err(error) => warn!(%error, "rehearsal of a takeover failed"),
                }
                self.known.rehearsal = Some(outcome);
            }
            AddressNews::Kept(outcome) => {
                if let Err(error) = &outcome {
                    warn!(error, "holds and leaves do not survive a restart");
                }
                self.known.standing_error = outcome.err();
            }
            AddressNews::Recorded(outcome) => {
                if let Err(error) = &outcome {
                    warn!(error, "a record of the core's inputs was not written");
                }
                shared.known.count_record(outcome.is_ok());
                self.known.record_error = outcome.err();
            }
            AddressNews::Landing(obstacles) => self.known.landing = obstacles,
        }
    }
}
