//! Where an examination writes down what it sees.

use pair_wire::control::{Examination, Examined, Problem};

/// The examinations of a node so far, in order.
#[derive(Debug, Default)]
pub(super) struct Chart(Vec<Examination>);

impl Chart {
    /// Notes what came of an examination.
    pub(super) fn add(&mut self, subject: &str, result: Examined) {
        self.0.push(Examination {
            subject: subject.to_owned(),
            result,
        });
    }

    /// Notes that nothing is wrong with it.
    pub(super) fn sound(&mut self, subject: &str, seen: String) {
        self.add(subject, Examined::Sound { seen });
    }

    /// Notes what is wrong with it.
    pub(super) fn found(&mut self, subject: &str, findings: Vec<Problem>) {
        self.add(subject, Examined::Found { findings });
    }

    /// Notes why it was not examined.
    pub(super) fn skipped(&mut self, subject: &str, why: String) {
        self.add(subject, Examined::Skipped { why });
    }

    /// Adds what somebody else has examined.
    pub(super) fn extend(&mut self, examinations: Vec<Examination>) {
        self.0.extend(examinations);
    }

    /// Gives everything that was noted.
    pub(super) fn into_examinations(self) -> Vec<Examination> {
        self.0
    }
}

/// What came of an examination that found one thing.
pub(super) fn found(finding: Problem) -> Examined {
    Examined::Found {
        findings: vec![finding],
    }
}
