//! What the other thread tells, and what the core is told of it.

use std::time::SystemTime;

use pair_core::{Fitness, Input, Unfitness};
use tracing::{info, warn};

use super::Agent;
use crate::check;
use crate::cloud::fault_of;
use crate::news::News;
use crate::problems;

impl Agent {
    pub(super) fn hear(&mut self, news: News) {
        let now = self.clock.now();
        match news {
            News::Input(input) => {
                if let Input::Identity(identity) = &input {
                    info!(instance = identity.instance.0, zone = identity.zone, "identity known");
                    self.known.identity = Some(identity.clone());
                }
                if let Input::Called { id, result: Ok(_) } = &input {
                    self.tally.answered(*id, None);
                }
                self.handle(now, input);
            }
            News::CallFailed { id, fault, error } => {
                warn!(error, "EC2 call failed");
                self.tally.answered(id, Some(fault));
                self.known.last_call_error = Some(error);
                self.handle(now, Input::Called { id, result: Err(fault) });
            }
            News::PublicIp(public_ip) => {
                info!(%public_ip, "Elastic IP known");
                self.known.public_ip = Some(public_ip);
            }
            News::Rehearsed { outcome, clock_ahead_s } => {
                self.known.rehearsed_at = Some(now);
                self.known.clock_ahead_s = clock_ahead_s;
                self.tally.rehearsed(outcome.as_ref().err().map(fault_of));
                match &outcome {
                    Ok(neighbour) => {
                        let is_there = neighbour.is_some();
                        self.handle(now, Input::Neighbour { is_there });
                    }
                    Err(error) => warn!(%error, "rehearsal of a takeover failed"),
                }
                self.known.rehearsal = Some(outcome);
            }
            News::Imds(outcome) => {
                let error = outcome.err();
                if error.is_some() && self.known.imds_error.is_none() {
                    warn!(error, "IMDS does not answer");
                }
                self.known.imds_error = error;
            }
            News::Kept(outcome) => {
                if let Err(error) = &outcome {
                    warn!(error, "holds and leaves do not survive a restart");
                }
                self.known.standing_error = outcome.err();
            }
            News::Recorded(outcome) => {
                if let Err(error) = &outcome {
                    warn!(error, "a record of the core's inputs was not written");
                }
                self.known.follow_record(outcome);
            }
            News::Host(host) => {
                self.known.host = host.findings();
                self.haproxy = host.haproxy;
            }
            News::Reread(read) => self.follow_files(*read),
            News::Metrics(outcome) => self.known.metrics_error = outcome.err(),
            News::Journalled(outcome) => {
                if let Err((lost, error)) = &outcome {
                    warn!(lost, error, "lines of the journal were not written");
                }
                self.known.follow_journal(outcome, self.flight.logbook().lost());
            }
            News::Hooked(outcomes) => {
                for (_, outcome) in &outcomes {
                    self.tally.hooked(outcome);
                }
                self.known.follow_hooks(&outcomes);
            }
            News::Notices(notices) => {
                let wall = SystemTime::now();
                let ending = notices.first().map(|notice| notice.ending(wall, now));
                self.known.notices = notices;
                self.handle(now, Input::HostEnds(ending));
            }
            News::Landing(obstacles) => self.known.landing = obstacles,
            News::Examined(examinations) => self.tell_diagnosis(now, examinations),
            News::Checked(verdict) => {
                let fitness = fitness_of(&verdict);
                let saturated = verdict.saturated;
                self.tally.checked(&verdict.state);
                self.known.verdict = Some(verdict);
                self.handle(now, Input::Health { fitness, saturated });
            }
        }
        let fitness = self.known.verdict.as_ref().map_or(Fitness::Unknown, fitness_of);
        let ready = self.known.identity.is_some() && problems::against_readiness(&self.known, fitness).is_empty();
        self.handle(now, Input::Readiness(ready));
    }
}

fn fitness_of(verdict: &check::Verdict) -> Fitness {
    match &verdict.state {
        check::State::Healthy => Fitness::Fit,
        check::State::Unhealthy { process_gone: true, .. } => Fitness::Unfit(Unfitness::ServiceGone),
        check::State::Unhealthy {
            process_gone: false, ..
        } => Fitness::Unfit(Unfitness::CheckFailed),
        check::State::Unknown => Fitness::Unknown,
    }
}
