//! An examination of this node that somebody asked for: made on the other thread, told when it is over.

use std::mem;

use pair_core::Instant;
use pair_wire::control::{Answer, Examination, Outcome, Response};
use tokio::sync::oneshot;

use super::Agent;
use crate::doctor::{self, Patient};
use crate::news::News;
use crate::problems;

impl Agent {
    /// Has this node examined, and a takeover rehearsed; who asks meanwhile gets the same answer.
    pub(super) fn examine(&mut self, answer: oneshot::Sender<Response>) {
        self.patience.push(answer);
        if self.patience.len() > 1 {
            return;
        }
        self.prove_readiness();
        let patient = Patient {
            config: self.config.clone(),
            me: self.core.me,
            private_ip: self.known.private_ip,
        };
        let tell = self.tell.clone();
        self.elsewhere.spawn(async move {
            let examinations = doctor::examine(&patient).await;
            let _ = tell.send(News::Examined(examinations)).await;
        });
    }

    /// Wants readiness proven anew, soon: something changed, or somebody asks.
    pub(super) fn prove_readiness(&self) {
        self.cloud.rehearse_soon();
        self.watchers.examine_host_soon();
    }

    /// Tells all who wait what was found, and what this agent knows beside it.
    pub(super) fn tell_diagnosis(&mut self, now: Instant, examinations: Vec<Examination>) {
        let problems = problems::of(&self.node.view(now), &self.known, &self.names, self.core.me);
        let diagnosis = doctor::consult(&self.config.pair, self.names.me(), examinations, problems);
        for answer in mem::take(&mut self.patience) {
            let _ = answer.send(Response::new(Outcome::Ok(Answer::Diagnosis(Box::new(
                diagnosis.clone(),
            )))));
        }
    }
}
