//! Witnesses: third hosts that carry a question to the peer, and its signed answer back (F-20).
//!
//! ```text
//!  this node ── question ──► witness ── question ──► peer
//!      ▲ ◄──── "passed on" ────┘  ▲ └──── answer ──────┘
//!      └───────── answer ─────────┘
//! ```
//!
//! The ordinary story: while the path between the nodes is cut, the peer's answers come by way of a witness and say that it
//! lives, so the address stays where it is (F-7). The question is new each time and only the peer can sign its answer, so a
//! witness can neither tell what it heard long ago nor go on telling when it stands still.
//!
//! The odd cases. A witness that answers and brings nothing proves nothing: it may be cut off from the peer itself. It testifies
//! like a probe, if it brought the peer's answers before and none for long (F-8). And if all witnesses that answered have fallen
//! silent together with the peer, it may be this node that is cut off: a claim is held off for a while. A witness that was
//! silent before the suspicion began keeps nobody from a claim.

use alloc::{vec, vec::Vec};
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Config, Instant, WitnessIndex, WitnessOutcome, Witnessing,
    config::{PROOFS_IN_PATIENCE, WITNESS_IN_GOOD_TIMES, WITNESS_MEMORY, WITNESS_WHILE_SILENT},
    running::RunTime,
};

/// What one witness has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WitnessView {
    /// How long ago it last answered, in running time; `None` if it never did.
    pub answered_age: Option<Duration>,
    /// How long ago it last brought an answer of the peer.
    pub proved_age: Option<Duration>,
    /// What the newest question got.
    pub last: Option<WitnessOutcome>,
    /// Whether it has been asked and has not answered for a while.
    pub is_silent: bool,
}

/// All witnesses of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Witnesses {
    settings: Witnessing,
    patience: Duration,
    next_at: RunTime,
    /// When suspicion began, in both times; `None` in good times.
    suspected: Option<(Instant, RunTime)>,
    /// Whether one of them answered when suspicion began, or has since.
    answered_before: bool,
    each: Vec<Witness>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Witness {
    /// The last answer of the witness itself, at all and to a question of the present suspicion.
    answered: Option<RunTime>,
    answered_in_silence: Option<RunTime>,
    /// The last answer of the peer that it brought, at all and to a question of the present suspicion.
    proved: Option<RunTime>,
    proved_in_silence: Option<RunTime>,
    /// How many questions in a row, all of the present suspicion, it answered without an answer of the peer.
    in_vain: u32,
    last: Option<(WitnessOutcome, RunTime)>,
    /// Whether it answers, as it was told last.
    told: Option<bool>,
}

impl Witnesses {
    pub(crate) fn new(config: &Config, run: RunTime) -> Self {
        Self {
            settings: config.witnesses,
            patience: config.lost_contact_takeover,
            next_at: run,
            suspected: None,
            answered_before: false,
            each: vec![Witness::default(); usize::from(config.witnesses.count)],
        }
    }

    /// Follows other settings; how many witnesses there are is what a run of the node is about.
    pub(crate) const fn configure(&mut self, config: &Config) {
        self.settings = config.witnesses;
        self.patience = config.lost_contact_takeover;
    }

    /// Suspicion begins, or begins anew: the next round of questions is due at once.
    pub(crate) fn suspect(&mut self, now: Instant, run: RunTime) {
        self.answered_before = self.answered_before || self.each.iter().any(|witness| witness.answers(run));
        self.suspected = Some((now, run));
        self.next_at = run;
        for witness in &mut self.each {
            witness.answered_in_silence = None;
            witness.in_vain = 0;
        }
    }

    /// Life came back.
    pub(crate) fn relax(&mut self) {
        self.suspected = None;
        self.answered_before = false;
        for witness in &mut self.each {
            witness.answered_in_silence = None;
            witness.proved_in_silence = None;
            witness.in_vain = 0;
        }
    }

    /// Notes that every witness is asked, and when the next round is due: `burst` is the gap between two rounds of a suspicion.
    pub(crate) fn asked(&mut self, run: RunTime, burst: Duration, is_holdtime_over: bool) {
        self.next_at = run
            + match (self.suspected, is_holdtime_over) {
                (None, _) => WITNESS_IN_GOOD_TIMES,
                (Some(_), false) => burst,
                (Some(_), true) => WITNESS_WHILE_SILENT.min(self.patience / PROOFS_IN_PATIENCE),
            };
    }

    /// Takes in what a question that was sent at `begun_at` got. Nothing happens if there is no such witness.
    pub(crate) fn hear(&mut self, run: RunTime, begun_at: Instant, index: WitnessIndex, outcome: WitnessOutcome) {
        let of_silence = self.suspected.is_some_and(|(since, _)| begun_at >= since);
        let Some(witness) = self.each.get_mut(usize::from(index.0)) else {
            return;
        };
        witness.last = Some((outcome, run));
        if outcome.is_answer() {
            witness.answered = Some(run);
            if of_silence {
                witness.answered_in_silence = Some(run);
            }
        }
        match outcome {
            WitnessOutcome::Proved => {
                witness.proved = Some(run);
                witness.in_vain = 0;
                if of_silence {
                    witness.proved_in_silence = Some(run);
                }
            }
            // It lives and does not serve: no reason to leave the address there.
            WitnessOutcome::ProvedUnfit => {
                witness.proved = Some(run);
                witness.in_vain = 0;
            }
            WitnessOutcome::Unproven => witness.in_vain = witness.in_vain.saturating_add(u32::from(of_silence)),
            WitnessOutcome::PassedOn => {}
            WitnessOutcome::Nothing => witness.in_vain = 0,
        }
        self.answered_before = self.answered_before || (of_silence && outcome.is_answer());
    }

    /// Which witnesses have begun to answer, or to be silent, since this was asked last.
    pub(crate) fn changes(&mut self, run: RunTime) -> Vec<(WitnessIndex, bool)> {
        let mut changes = Vec::new();
        for (index, witness) in (0..).map(WitnessIndex).zip(&mut self.each) {
            let answers = witness.last.map(|_| witness.answers(run));
            if let Some(answers) = answers.filter(|_| answers != witness.told) {
                witness.told = Some(answers);
                changes.push((index, answers));
            }
        }
        changes
    }

    /// When the next round is due, in running time; `None` without witnesses.
    pub(crate) fn next_at(&self) -> Option<RunTime> {
        (!self.each.is_empty()).then_some(self.next_at)
    }

    /// Whether a witness has brought an answer to a question of the present suspicion, not long ago (F-7).
    pub(crate) fn proves_life(&self, run: RunTime) -> bool {
        let mut proofs = self.each.iter().filter_map(|witness| witness.proved_in_silence);
        proofs.any(|at| run.since(at) < self.patience)
    }

    /// Whether the silence of the peer at a witness that answers is a testimony: it brought the peer's answers since
    /// `changed`, and none for `lost_contact_takeover`, all of it under the present suspicion (F-8).
    pub(crate) fn testifies(&self, run: RunTime, changed: RunTime) -> bool {
        let Some((_, since)) = self.suspected else { return false };
        self.each.iter().any(|witness| {
            let proved = witness.proved.filter(|proved| *proved > changed);
            witness.is_asked_in_vain(run) && proved.is_some_and(|proved| run.since(proved.max(since)) >= self.patience)
        })
    }

    /// Whether this node may be the one that is cut off: the witnesses that answered before are all silent, and have not been
    /// for long enough (F-20).
    pub(crate) fn are_silent_together(&self, run: RunTime) -> bool {
        let Some((_, since)) = self.suspected else { return false };
        let answered = self.each.iter().filter_map(|witness| witness.answered_in_silence).max();
        if self.settings.required {
            let is_recent = |at: RunTime| run.since(at) < self.settings.isolation_grace;
            !self.each.is_empty() && !answered.is_some_and(is_recent)
        } else {
            self.answered_before && answered.is_none() && run.since(since) < self.settings.isolation_grace
        }
    }

    /// What each witness has told, in the order of the configuration.
    pub(crate) fn views(&self, run: RunTime) -> Vec<WitnessView> {
        let view = |witness: &Witness| WitnessView {
            answered_age: witness.answered.map(|at| run.since(at)),
            proved_age: witness.proved.map(|at| run.since(at)),
            last: witness.last.map(|(outcome, _)| outcome),
            is_silent: witness.last.is_some() && !witness.answers(run),
        };
        self.each.iter().map(view).collect()
    }
}

impl Witness {
    /// Whether it has answered one of the last three rounds of good times: a lost datagram or two are no silence.
    fn answers(&self, run: RunTime) -> bool {
        self.answered.is_some_and(|at| run.since(at) < WITNESS_MEMORY)
    }

    /// Whether it really is asked, answers, and brings nothing: one question is nothing, and a witness that has fallen silent
    /// itself is no silence of the peer.
    fn is_asked_in_vain(&self, run: RunTime) -> bool {
        let recent = self.last.is_some_and(|(_, at)| run.since(at) <= WITNESS_IN_GOOD_TIMES);
        recent && self.in_vain >= 2
    }
}

#[cfg(test)]
mod tests;
