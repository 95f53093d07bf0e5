//! What a running agent adds to an examination of its node: what it knows of the pair.

use pair_wire::control::{DIAGNOSIS_VERSION, Diagnosis, Examination, Examined, Examiner, Problem};

use super::EXAMINED;

/// What the agent knows is told under this word.
const SUBJECT: &str = "pair";

/// Joins an examination with the problems that the agent's status names. Of what was examined the examination tells, for it is
/// newer; the agent knows better only how bad it is.
#[must_use]
pub fn consult(pair: &str, node: &str, mut examinations: Vec<Examination>, problems: Vec<Problem>) -> Diagnosis {
    let mut known = Vec::new();
    for problem in problems {
        if !EXAMINED.contains(&problem.id.as_str()) {
            known.push(problem);
        } else if let Some(finding) = finding(&mut examinations, &problem) {
            finding.severity = finding.severity.max(problem.severity);
        }
    }
    examinations.push(Examination {
        subject: SUBJECT.to_owned(),
        result: if known.is_empty() {
            Examined::Sound {
                seen: "the nodes hear each other, and the peer could take the address".to_owned(),
            }
        } else {
            Examined::Found { findings: known }
        },
    });
    Diagnosis {
        version: DIAGNOSIS_VERSION,
        pair: Some(pair.to_owned()),
        node: Some(node.to_owned()),
        examiner: Examiner::Agent,
        examinations,
    }
}

/// What was found that is the same problem, about the same address if there are several.
fn finding<'e>(examinations: &'e mut [Examination], problem: &Problem) -> Option<&'e mut Problem> {
    let found = examinations
        .iter_mut()
        .filter_map(|examination| match &mut examination.result {
            Examined::Found { findings } => Some(findings),
            Examined::Sound { .. } | Examined::Skipped { .. } => None,
        });
    found
        .flatten()
        .find(|finding| (&finding.id, &finding.address) == (&problem.id, &problem.address))
}

#[cfg(test)]
mod tests {
    use pair_wire::control::Severity;

    use super::*;
    use crate::problems::{critical, degraded};

    fn examined(findings: Vec<Problem>) -> Vec<Examination> {
        vec![Examination {
            subject: "service".to_owned(),
            result: Examined::Found { findings },
        }]
    }

    #[test]
    fn the_examination_tells_what_it_examined_and_the_agent_the_rest() {
        let unfit =
            |severity: fn(&str, String, &str) -> Problem| severity("service-unfit", "down".to_owned(), "repair");
        let stale = degraded("ec2-denied", "a minute ago".to_owned(), "allow it");
        let silent = degraded("peer-silent", "for 9 s".to_owned(), "look there");
        let diagnosis = consult(
            "lb-1",
            "a",
            examined(vec![unfit(degraded)]),
            vec![unfit(critical), stale, silent],
        );
        let found: Vec<_> = diagnosis
            .findings()
            .map(|finding| (finding.id.as_str(), finding.severity))
            .collect();
        assert_eq!(
            found,
            [
                ("service-unfit", Severity::Critical),
                ("peer-silent", Severity::Degraded)
            ]
        );
    }

    #[test]
    fn of_several_addresses_the_agent_knows_better_only_of_the_same_one() {
        let of = |severity: fn(&str, String, &str) -> Problem, id: &str| Problem {
            address: Some(id.to_owned()),
            ..severity("place-taken", "taken".to_owned(), "move it")
        };
        let found = vec![of(degraded, "eipalloc-1"), of(degraded, "eipalloc-2")];
        let diagnosis = consult("lb-1", "a", examined(found), vec![of(critical, "eipalloc-2")]);
        let severities: Vec<Severity> = diagnosis.findings().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::Degraded, Severity::Critical]);
    }

    #[test]
    fn an_agent_that_knows_of_nothing_says_so() {
        let diagnosis = consult("lb-1", "a", Vec::new(), Vec::new());
        assert_eq!((diagnosis.findings().count(), diagnosis.examinations.len()), (0, 1));
    }
}
