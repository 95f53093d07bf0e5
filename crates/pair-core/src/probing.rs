//! Probes of the peer's service: a second channel, with a memory of what it ever carried (F-3, F-7, F-8).
//!
//! A probe that gets bytes from the service while the heartbeats are silent says "silent but serving", and the address stays
//! where it is. A probe that gets nothing says something only if the path carried bytes before, and only after a long time.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Config, Instant, ProbeOutcome, ProbeTarget,
    config::{PROBE_IN_GOOD_TIMES, PROBE_WHILE_SILENT, PROOFS_IN_PATIENCE},
    running::RunTime,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Probing {
    patience: Duration,
    next_at: RunTime,
    /// When suspicion began, in both times; `None` in good times.
    suspected: Option<(Instant, RunTime)>,
    /// Bytes of the expected status, last and under the present suspicion.
    served: Option<RunTime>,
    served_in_silence: Option<RunTime>,
    /// The first and the last answer of a wrong status under the present suspicion.
    wrong: Option<(RunTime, RunTime)>,
    /// Since when every probe was answered by the peer's kernel only.
    kernel_only: Option<RunTime>,
    /// How many probes of the private address in a row, all begun under the present suspicion, got no bytes.
    in_vain: u32,
    last: Option<(ProbeOutcome, RunTime)>,
}

impl Probing {
    pub(crate) const fn new(config: &Config, run: RunTime) -> Self {
        Self {
            patience: config.lost_contact_takeover,
            next_at: run,
            suspected: None,
            served: None,
            served_in_silence: None,
            wrong: None,
            kernel_only: None,
            in_vain: 0,
            last: None,
        }
    }

    /// Follows other settings.
    pub(crate) const fn configure(&mut self, config: &Config) {
        self.patience = config.lost_contact_takeover;
    }

    /// Suspicion begins: the next probe is due at once.
    pub(crate) const fn suspect(&mut self, now: Instant, run: RunTime) {
        self.suspected = Some((now, run));
        self.next_at = run;
        self.in_vain = 0;
    }

    /// Life came back.
    pub(crate) const fn relax(&mut self) {
        self.suspected = None;
        self.in_vain = 0;
        self.served_in_silence = None;
        self.wrong = None;
    }

    /// Notes that a round of probes goes out, and when the next one is due.
    pub(crate) fn sent(&mut self, run: RunTime, timeout: Duration, is_holdtime_over: bool) {
        self.next_at = run
            + match (self.suspected, is_holdtime_over) {
                (None, _) => PROBE_IN_GOOD_TIMES,
                (Some(_), false) => timeout,
                (Some(_), true) => PROBE_WHILE_SILENT.min(self.patience / PROOFS_IN_PATIENCE).max(timeout),
            };
    }

    /// Takes in the end of a probe. `peer_holds` says whether a probe of the Elastic IP speaks of the peer.
    pub(crate) fn hear(
        &mut self,
        run: RunTime,
        begun_at: Instant,
        target: ProbeTarget,
        outcome: ProbeOutcome,
        peer_holds: bool,
    ) {
        if target == ProbeTarget::Elastic && !peer_holds {
            return;
        }
        let began_suspecting = self.suspected.is_some_and(|(since, _)| begun_at >= since);
        match outcome {
            ProbeOutcome::Served => {
                self.served = Some(run);
                self.kernel_only = None;
                if began_suspecting {
                    self.served_in_silence = Some(run);
                }
            }
            ProbeOutcome::WrongStatus => {
                self.kernel_only = None;
                if began_suspecting {
                    let first = self.wrong.map_or(run, |(first, _)| first);
                    self.wrong = Some((first, run));
                }
            }
            // The Elastic IP answers from whatever holds it; only the private address names the peer's kernel.
            ProbeOutcome::KernelOnly if target == ProbeTarget::Private => {
                self.kernel_only.get_or_insert(run);
            }
            ProbeOutcome::Nothing if target == ProbeTarget::Private => self.kernel_only = None,
            ProbeOutcome::KernelOnly | ProbeOutcome::Nothing => {}
        }
        if target == ProbeTarget::Private {
            self.last = Some((outcome, run));
            self.in_vain = match outcome {
                ProbeOutcome::Served | ProbeOutcome::WrongStatus => 0,
                ProbeOutcome::KernelOnly | ProbeOutcome::Nothing => {
                    self.in_vain.saturating_add(u32::from(began_suspecting))
                }
            };
        }
    }

    /// When the next round is due, in running time.
    pub(crate) const fn next_at(&self) -> RunTime {
        self.next_at
    }

    /// Whether a probe begun under the present suspicion proves that the service lives (F-7).
    pub(crate) fn proves_life(&self, run: RunTime) -> bool {
        let recent = |at: RunTime| run.since(at) < self.patience;
        self.served_in_silence.is_some_and(recent)
            || self.wrong.is_some_and(|(first, last)| recent(first) && recent(last))
    }

    /// Whether the probe's silence is a testimony: it carried bytes since `changed`, and none for `lost_contact_takeover`,
    /// all of it under the present suspicion (F-8).
    pub(crate) fn testifies(&self, run: RunTime, changed: RunTime) -> bool {
        let carried = self.served.filter(|served| *served > changed);
        let Some((_, since)) = self.suspected else { return false };
        self.is_asking_in_vain(run) && carried.is_some_and(|served| run.since(served.max(since)) >= self.patience)
    }

    /// Whether only the peer's kernel answered for `lost_contact_takeover`: proven by that answer, history or not (F-8).
    pub(crate) fn kernel_testifies(&self, run: RunTime) -> bool {
        let Some((_, since)) = self.suspected else { return false };
        self.is_asking_in_vain(run)
            && self
                .kernel_only
                .is_some_and(|first| run.since(first.max(since)) >= self.patience)
    }

    /// Whether a path that carried bytes before has failed `times` times in a row under the present suspicion (F-13).
    pub(crate) const fn has_lost_its_path(&self, times: u32) -> bool {
        self.served.is_some() && self.in_vain >= times
    }

    /// What the last probe of the private address got.
    pub(crate) fn last(&self) -> Option<ProbeOutcome> {
        self.last.map(|(outcome, _)| outcome)
    }

    /// Whether probes are really made and get no bytes: one failed probe is nothing, and a prober that has stopped telling
    /// is no silence of the peer.
    fn is_asking_in_vain(&self, run: RunTime) -> bool {
        let recent = self.last.is_some_and(|(_, at)| run.since(at) <= PROBE_IN_GOOD_TIMES);
        recent && self.in_vain >= 2
    }
}

#[cfg(test)]
mod tests;
