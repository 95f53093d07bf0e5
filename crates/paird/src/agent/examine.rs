//! An examination of this node that somebody asked for: made on the other thread, told when it is over.

use std::mem;

use pair_core::{Instant, View};
use pair_wire::control::{Answer, Examination, Outcome, Response};
use tokio::sync::oneshot;

use super::Agent;
use super::shared::Shared;
use crate::doctor::{self, Patient};
use crate::news::News;
use crate::problems::{self, Sight};

impl Agent {
    /// Has this node examined, and a takeover rehearsed; who asks meanwhile gets the same answer.
    pub(super) fn examine(&mut self, answer: oneshot::Sender<Response>) {
        self.patience.push(answer);
        if self.patience.len() > 1 {
            return;
        }
        for seat in &self.seats {
            self.shared.prove_readiness(seat.index);
        }
        if let Some(prompt) = &self.shared.prompt {
            prompt.soon.notify_one();
        }
        let patient = Patient {
            config: self.shared.config.clone(),
            me: self.shared.me,
            private_ips: self.seats.iter().map(|seat| seat.known.private_ip).collect(),
        };
        let tell = self.shared.tell.clone();
        self.shared.elsewhere.spawn(async move {
            let examinations = doctor::examine(&patient).await;
            let _ = tell.send(News::Examined(examinations)).await;
        });
    }

    /// Tells all who wait what was found, and what this agent knows beside it.
    pub(super) fn tell_diagnosis(&mut self, now: Instant, examinations: Vec<Examination>) {
        let Shared {
            config,
            names,
            known,
            me,
            ..
        } = &self.shared;
        let views: Vec<View> = self.seats.iter().map(|seat| seat.node.view(now)).collect();
        let sights = self.seats.iter().zip(&views).map(|(seat, view)| Sight {
            allocation_id: &seat.allocation_id,
            view,
            known: &seat.known,
        });
        let problems = problems::of(&sights.collect::<Vec<_>>(), known, names, *me);
        let diagnosis = doctor::consult(&config.pair, names.me(), examinations, problems);
        for answer in mem::take(&mut self.patience) {
            let _ = answer.send(Response::new(Outcome::Ok(Answer::Diagnosis(Box::new(
                diagnosis.clone(),
            )))));
        }
    }
}
