//! What the daemon knows beside the cores: words for people, and what readiness is made of.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use pair_core::{Fitness, HoldVersion, Identity, Instant, Unfitness};
use pair_ec2::{Address, CallError};
use pair_wire::control::{Problem, RecorderStatus};
use pair_wire::datagram::{DropCause, Drops};

use crate::check::{State, Verdict};
use crate::discovery::Company;
use crate::hooks::Outcome;
use crate::landing::Obstacle;
use crate::notices::Notice;
use crate::problems::Cards;

/// What the daemon knows beside the cores about this node as a whole.
#[derive(Debug)]
pub struct Knowledge {
    /// What is checked, such as `haproxy`.
    pub service: &'static str,
    /// Why IMDS does not answer.
    pub imds_error: Option<String>,
    /// How many seconds this host's clock was ahead of EC2's when that was last told.
    pub clock_ahead_s: Option<i64>,
    /// What was last found in files, kernel and HAProxy of this host.
    pub host: Vec<Problem>,
    /// The witnesses that do not answer.
    pub silent_witnesses: BTreeSet<String>,
    /// What both agents say of themselves.
    pub cards: Option<Cards>,
    /// That the peer has other keys, if it has.
    pub keys_apart: Option<Problem>,
    /// The notices of AWS that stand, the most urgent first.
    pub notices: Vec<Notice>,
    /// Which paths of several are silent, in words.
    pub silent_paths: Vec<String>,
    /// By which paths that are not silent here the peer hears nothing.
    pub unheard_paths: Vec<String>,
    /// What the checks last said.
    pub verdict: Option<Verdict>,
    /// Why the newest lines of the journal are not on disk.
    pub journal_error: Option<String>,
    /// Why metrics are not served, though they should be.
    pub metrics_error: Option<String>,
    /// Which hooks failed when they were last told something, and why.
    pub failed_hooks: Vec<String>,
    /// Who bears the pair's tag, if the members are found by it.
    pub company: Option<Company>,
    /// What became of the records so far.
    pub recorder: RecorderStatus,
    /// Lines of the journal that the disk did not take.
    lost_on_disk: u64,
    rejected: u64,
    rejected_at: Option<Instant>,
    now: Instant,
}

/// What the daemon knows beside the core about one address.
#[derive(Debug)]
pub struct AddressKnowledge {
    /// The private IP on which the address would land here.
    pub private_ip: Ipv4Addr,
    /// Who this node is in EC2, and by which interface it would have the address.
    pub identity: Option<Identity>,
    /// The Elastic IP behind the allocation.
    pub public_ip: Option<Ipv4Addr>,
    /// How the last rehearsal of a takeover went, and another address that it would knock off.
    pub rehearsal: Option<Result<Option<Address>, CallError>>,
    /// When that was.
    pub rehearsed_at: Option<Instant>,
    /// Why the address could not land on this host.
    pub landing: Vec<Obstacle>,
    /// What was said of the last EC2 call that failed.
    pub last_call_error: Option<String>,
    /// Why there is a hold, in the words of who ordered it here, and which one.
    pub hold_reason: Option<(HoldVersion, String)>,
    /// Why what operators have ordered cannot be kept on disk, or could not be read from it.
    pub standing_error: Option<String>,
    /// Why the newest record of the core's inputs is not on disk.
    pub record_error: Option<String>,
}

/// How long a rejected heartbeat is worth telling.
const LATELY: std::time::Duration = std::time::Duration::from_secs(10);

impl Knowledge {
    /// Nothing is known yet but what is checked, and who was found.
    #[must_use]
    pub fn new(service: &'static str, company: Option<Company>) -> Self {
        Self {
            service,
            imds_error: None,
            clock_ahead_s: None,
            host: Vec::new(),
            silent_witnesses: BTreeSet::new(),
            cards: None,
            keys_apart: None,
            notices: Vec::new(),
            silent_paths: Vec::new(),
            unheard_paths: Vec::new(),
            verdict: None,
            journal_error: None,
            metrics_error: None,
            failed_hooks: Vec::new(),
            company,
            recorder: RecorderStatus::default(),
            lost_on_disk: 0,
            rejected: 0,
            rejected_at: None,
            now: Instant::ZERO,
        }
    }

    /// Follows the drops of the receiver: those that say "configured wrong" are remembered.
    pub fn follow_drops(&mut self, now: Instant, drops: &Drops) {
        self.now = now;
        let telling = [
            DropCause::Pair,
            DropCause::KeyUnknown,
            DropCause::Tag,
            DropCause::OwnEcho,
        ];
        let rejected = telling.into_iter().map(|cause| drops.of(cause)).sum();
        if rejected > self.rejected {
            self.rejected = rejected;
            self.rejected_at = Some(now);
        }
    }

    /// Takes in that a witness answers, or has fallen silent. Those of one address are those of all.
    pub fn follow_witness(&mut self, name: &str, answers: bool) {
        if answers {
            self.silent_witnesses.remove(name);
        } else {
            self.silent_witnesses.insert(name.to_owned());
        }
    }

    /// Counts how the writing of a record went.
    pub const fn count_record(&mut self, is_written: bool) {
        if is_written {
            self.recorder.written += 1;
        } else {
            self.recorder.failed += 1;
        }
    }

    /// Takes in how the writing of the journal went; `lost` is how many lines did not even wait for it so far.
    pub fn follow_journal(&mut self, outcome: Result<(), (u64, String)>, lost: u64) {
        if let Err((count, _)) = &outcome {
            self.lost_on_disk += count;
        }
        self.recorder.events_lost = self.lost_on_disk + lost;
        self.journal_error = outcome.err().map(|(_, error)| error);
    }

    /// Takes in what became of the hooks, by their names.
    pub fn follow_hooks(&mut self, outcomes: &[(String, Outcome)]) {
        let failed = outcomes.iter().filter(|(_, outcome)| outcome.is_failure());
        self.failed_hooks = failed.map(|(hook, outcome)| format!("{hook}: {outcome}")).collect();
    }

    /// Whether heartbeats were rejected within the last seconds.
    #[must_use]
    pub fn rejected_lately(&self) -> bool {
        self.rejected_at.is_some_and(|at| self.now.since(at) < LATELY)
    }

    /// What the checks said, in words.
    #[must_use]
    pub fn verdict_detail(&self) -> &str {
        self.verdict
            .as_ref()
            .map_or("no check has ended yet", |verdict| verdict.detail.as_str())
    }

    /// How fit the own service is, as the checks say.
    #[must_use]
    pub fn fitness(&self) -> Fitness {
        match self.verdict.as_ref().map(|verdict| &verdict.state) {
            Some(State::Healthy) => Fitness::Fit,
            Some(State::Unhealthy { process_gone: true, .. }) => Fitness::Unfit(Unfitness::ServiceGone),
            Some(State::Unhealthy {
                process_gone: false, ..
            }) => Fitness::Unfit(Unfitness::CheckFailed),
            Some(State::Unknown) | None => Fitness::Unknown,
        }
    }
}

impl AddressKnowledge {
    /// Nothing is known yet but where the address would land.
    #[must_use]
    pub const fn new(private_ip: Ipv4Addr) -> Self {
        Self {
            private_ip,
            identity: None,
            public_ip: None,
            rehearsal: None,
            rehearsed_at: None,
            landing: Vec::new(),
            last_call_error: None,
            hold_reason: None,
            standing_error: None,
            record_error: None,
        }
    }

    /// What was said of the last EC2 call that failed.
    #[must_use]
    pub fn call_error(&self) -> &str {
        self.last_call_error.as_deref().unwrap_or("no error was told")
    }
}
