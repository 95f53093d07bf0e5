//! Witnesses: third hosts that pass a question on to a node's peer, and its answer back (F-20).
//!
//! ```text
//! asker ──► witness ──► peer ──► witness ──► asker
//!    ▲         │
//!    └─────────┘ "passed on", at once
//! ```
//!
//! A leg is one hop of a question. Whether the next one follows is decided when it arrives: by then a host may have died, an
//! agent been stopped, a way been cut.

use std::time::Duration;

use pair_core::{Fitness, Input, Instant, Member, WitnessIndex, WitnessOutcome};

use crate::{World, agenda::Happening};

/// A third host.
#[derive(Clone, Copy, Debug)]
pub struct WitnessHost {
    /// Whether it runs: one that stands still is no different from one that is off.
    pub(crate) is_on: bool,
    /// Whether the ways between it and each member carry.
    pub(crate) reaches: [bool; 2],
}

/// A question on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    by: Member,
    run: u64,
    number: u64,
    witness: u8,
    begun_at: Instant,
    to: Stop,
}

/// Where a leg ends.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Witness,
    Peer,
    WitnessAgain(WitnessOutcome),
    Asker(WitnessOutcome),
    /// The time for an answer is over.
    End,
}

impl WitnessHost {
    pub(crate) const fn new() -> Self {
        Self {
            is_on: true,
            reaches: [true; 2],
        }
    }

    const fn carries(&self, member: Member) -> bool {
        self.is_on && self.reaches[member.index()]
    }

    /// Whether it carries questions from either member to the other.
    #[must_use]
    pub const fn is_well(&self) -> bool {
        self.is_on && self.reaches[0] && self.reaches[1]
    }
}

impl World {
    /// A node asks every witness.
    pub(crate) fn ask_witnesses(&mut self, by: Member, timeout: Duration) {
        for witness in 0..self.settings.witnesses.count {
            let host = self.host_mut(by);
            host.questions_asked += 1;
            let (number, run) = (host.questions_asked, host.run);
            host.questions.insert(number, false);
            let leg = Leg {
                by,
                run,
                number,
                witness,
                begun_at: self.host(by).local(self.now),
                to: Stop::Witness,
            };
            self.send(leg);
            self.agenda
                .put(self.now + timeout, Happening::Question(Leg { to: Stop::End, ..leg }));
        }
    }

    /// A leg of a question ends.
    pub(crate) fn carry_question(&mut self, leg: Leg) {
        let host = self.witnesses[usize::from(leg.witness)];
        match leg.to {
            Stop::Witness if host.carries(leg.by) => {
                self.send(Leg {
                    to: Stop::Asker(WitnessOutcome::PassedOn),
                    ..leg
                });
                if host.carries(leg.by.peer()) {
                    self.send(Leg { to: Stop::Peer, ..leg });
                }
            }
            // A process that stands still does not answer.
            Stop::Peer if self.host(leg.by.peer()).is_running() && self.has_found_peer(leg.by) => {
                let outcome = match self.host(leg.by.peer()).service.fitness() {
                    Fitness::Unfit(_) => WitnessOutcome::ProvedUnfit,
                    Fitness::Fit | Fitness::Unknown => WitnessOutcome::Proved,
                };
                if host.carries(leg.by.peer()) {
                    let to = Stop::WitnessAgain(outcome);
                    self.send(Leg { to, ..leg });
                }
            }
            Stop::WitnessAgain(outcome) if host.carries(leg.by) => {
                let to = Stop::Asker(outcome);
                self.send(Leg { to, ..leg });
            }
            Stop::Witness | Stop::Peer | Stop::WitnessAgain(_) => {}
            Stop::Asker(outcome) => self.hear_witness(&leg, Some(outcome)),
            Stop::End => self.hear_witness(&leg, None),
        }
    }

    /// An asker hears of its question: an outcome, or that its time is over.
    fn hear_witness(&mut self, leg: &Leg, outcome: Option<WitnessOutcome>) {
        let host = self.host_mut(leg.by);
        if host.run != leg.run {
            return;
        }
        let Some(is_passed_on) = host.questions.get_mut(&leg.number) else {
            return;
        };
        let outcome = match (outcome, *is_passed_on) {
            (Some(outcome), _) => outcome,
            (None, true) => WitnessOutcome::Unproven,
            (None, false) => WitnessOutcome::Nothing,
        };
        if outcome == WitnessOutcome::PassedOn {
            *is_passed_on = true;
        } else {
            host.questions.remove(&leg.number);
        }
        let input = Input::Witnessed {
            begun_at: leg.begun_at,
            witness: WitnessIndex(leg.witness),
            outcome,
        };
        self.reach(leg.by, input);
    }

    fn send(&mut self, leg: Leg) {
        let delay = self.dice.between(self.settings.delay.0, self.settings.delay.1);
        self.agenda.put(self.now + delay, Happening::Question(leg));
    }
}

/// Witnesses.
impl World {
    /// Turns every witness off, or on.
    pub fn set_witnesses(&mut self, are_on: bool) {
        self.trace.note(self.now, || format!("witnesses on: {are_on}"));
        for witness in &mut self.witnesses {
            witness.is_on = are_on;
        }
    }

    /// Turns one witness off, or on.
    pub fn set_witness(&mut self, index: u8, is_on: bool) {
        self.trace.note(self.now, || format!("witness {index} on: {is_on}"));
        self.witnesses[usize::from(index)].is_on = is_on;
    }

    /// Cuts the ways between a member and every witness, or mends them.
    pub fn set_witness_path(&mut self, member: Member, is_open: bool) {
        self.trace.note(self.now, || {
            format!("way of {member:?} to the witnesses open: {is_open}")
        });
        for witness in &mut self.witnesses {
            witness.reaches[member.index()] = is_open;
        }
    }

    /// Whether some witness carries questions from either member to the other.
    #[must_use]
    pub fn has_witness(&self) -> bool {
        self.witnesses.iter().any(WitnessHost::is_well)
    }
}
