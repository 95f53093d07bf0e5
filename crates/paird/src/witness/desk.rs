//! The questions of this node that are under way, and how they end.

use std::collections::BTreeMap;
use std::time::Duration;

use pair_core::{Fitness, Input, Instant, WitnessIndex, WitnessOutcome};
use pair_wire::witness::{Nonce, Told};

use crate::config::AddressIndex;

/// How many questions are under way at most: those of eight addresses to eight witnesses, in the fastest burst that there is.
const MOST_OPEN: usize = 4096;

/// How questions ended so far: by witness and outcome.
pub type Counts = BTreeMap<(WitnessIndex, WitnessOutcome), u64>;

/// What is under way.
#[derive(Debug, Default)]
pub(super) struct Desk {
    open: BTreeMap<Nonce, Question>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    /// Which address asks.
    by: AddressIndex,
    witness: WitnessIndex,
    begun_at: Instant,
    ends_at: Instant,
    is_passed_on: bool,
}

impl Question {
    const fn ended(&self, outcome: WitnessOutcome) -> (AddressIndex, Input) {
        let input = Input::Witnessed {
            begun_at: self.begun_at,
            witness: self.witness,
            outcome,
        };
        (self.by, input)
    }
}

impl Desk {
    /// Notes that a question goes out; `false` if too many are under way.
    pub(super) fn asks(
        &mut self,
        now: Instant,
        by: AddressIndex,
        witness: WitnessIndex,
        nonce: Nonce,
        timeout: Duration,
    ) -> bool {
        if self.open.len() >= MOST_OPEN {
            return false;
        }
        let question = Question {
            by,
            witness,
            begun_at: now,
            ends_at: now + timeout,
            is_passed_on: false,
        };
        self.open.insert(nonce, question);
        true
    }

    /// Takes in what came back; nothing if no such question is under way.
    pub(super) fn hear(&mut self, told: Told) -> Option<(AddressIndex, Input)> {
        match told {
            Told::PassedOn(nonce) => {
                let question = self.open.get_mut(&nonce).filter(|question| !question.is_passed_on)?;
                question.is_passed_on = true;
                Some(question.ended(WitnessOutcome::PassedOn))
            }
            Told::Answer { nonce, fitness, .. } => {
                let question = self.open.remove(&nonce)?;
                let outcome = match fitness {
                    Fitness::Unfit(_) => WitnessOutcome::ProvedUnfit,
                    Fitness::Fit | Fitness::Unknown => WitnessOutcome::Proved,
                };
                Some(self.end(&question, outcome))
            }
        }
    }

    /// Ends the questions whose time is over.
    pub(super) fn end_overdue(&mut self, now: Instant) -> Vec<(AddressIndex, Input)> {
        let over: Vec<Question> = self
            .open
            .extract_if(.., |_, question| question.ends_at <= now)
            .map(|(_, question)| question)
            .collect();
        over.iter()
            .map(|question| {
                let outcome = if question.is_passed_on {
                    WitnessOutcome::Unproven
                } else {
                    WitnessOutcome::Nothing
                };
                self.end(question, outcome)
            })
            .collect()
    }

    /// When the next question's time is over.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.open.values().map(|question| question.ends_at).min()
    }

    /// How questions ended so far.
    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn end(&mut self, question: &Question, outcome: WitnessOutcome) -> (AddressIndex, Input) {
        *self.counts.entry((question.witness, outcome)).or_default() += 1;
        question.ended(outcome)
    }
}

#[cfg(test)]
mod tests {
    use pair_core::{Incarnation, Unfitness};

    use super::*;

    const SEAT: AddressIndex = AddressIndex(1);
    const WITNESS: WitnessIndex = WitnessIndex(2);
    const NONCE: Nonce = Nonce([7; 16]);

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    fn desk() -> Desk {
        let mut desk = Desk::default();
        assert!(desk.asks(at(10), SEAT, WITNESS, NONCE, Duration::from_millis(500)));
        desk
    }

    fn outcome(heard: Option<(AddressIndex, Input)>) -> Option<WitnessOutcome> {
        heard.map(|(by, input)| {
            let Input::Witnessed {
                begun_at,
                witness,
                outcome,
            } = input
            else {
                panic!("{input:?}")
            };
            assert_eq!((by, begun_at, witness), (SEAT, at(10), WITNESS));
            outcome
        })
    }

    fn answer(fitness: Fitness) -> Told {
        Told::Answer {
            nonce: NONCE,
            incarnation: Incarnation(1),
            fitness,
        }
    }

    #[test]
    fn a_question_that_is_passed_on_and_answered_ends_once() {
        let mut desk = desk();
        assert_eq!(
            outcome(desk.hear(Told::PassedOn(NONCE))),
            Some(WitnessOutcome::PassedOn)
        );
        assert_eq!(outcome(desk.hear(Told::PassedOn(NONCE))), None);
        assert_eq!(outcome(desk.hear(answer(Fitness::Fit))), Some(WitnessOutcome::Proved));
        assert_eq!(outcome(desk.hear(answer(Fitness::Fit))), None);
        assert_eq!((desk.end_overdue(at(9_999)), desk.next_at()), (Vec::new(), None));
        assert_eq!(desk.counts(), &Counts::from([((WITNESS, WitnessOutcome::Proved), 1)]));
    }

    #[test]
    fn an_unfit_peer_lives_and_an_unsure_one_is_not_unfit() {
        let unfit = Fitness::Unfit(Unfitness::CheckFailed);
        assert_eq!(outcome(desk().hear(answer(unfit))), Some(WitnessOutcome::ProvedUnfit));
        assert_eq!(
            outcome(desk().hear(answer(Fitness::Unknown))),
            Some(WitnessOutcome::Proved)
        );
    }

    #[test]
    fn what_is_over_tells_whether_the_witness_answered() {
        let mut silent = desk();
        assert_eq!(silent.next_at(), Some(at(510)));
        assert_eq!(silent.end_overdue(at(509)), Vec::new());
        assert_eq!(
            outcome(silent.end_overdue(at(510)).pop()),
            Some(WitnessOutcome::Nothing)
        );
        let mut passed_on = desk();
        passed_on.hear(Told::PassedOn(NONCE));
        assert_eq!(
            outcome(passed_on.end_overdue(at(510)).pop()),
            Some(WitnessOutcome::Unproven)
        );
    }

    #[test]
    fn what_nobody_asked_means_nothing() {
        let mut desk = Desk::default();
        assert_eq!(outcome(desk.hear(Told::PassedOn(NONCE))), None);
        assert_eq!(outcome(desk.hear(answer(Fitness::Fit))), None);
    }

    #[test]
    fn the_number_of_questions_under_way_is_bounded() {
        let mut desk = Desk::default();
        let asked = (0..5_000_u32).filter(|number| {
            let mut nonce = [0; 16];
            nonce[..4].copy_from_slice(&number.to_le_bytes());
            desk.asks(at(0), SEAT, WITNESS, Nonce(nonce), Duration::from_secs(1))
        });
        assert_eq!(asked.count(), 4_096);
    }
}
