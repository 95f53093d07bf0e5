//! Problems of a pair whose members are found.

use pair_wire::control::Problem;

use super::degraded;
use crate::clock::unix_ms;
use crate::discovery::{self, Company};

/// What is wrong with those that bear the pair's tag.
pub(super) fn about(company: &Company) -> Vec<Problem> {
    let tag = discovery::tag(&company.tag);
    let mut problems = Vec::new();
    if let Some(error) = &company.error {
        let age_s = unix_ms().saturating_sub(company.last.at_unix_ms) / 1_000;
        problems.push(degraded(
            "discovery-failing",
            format!("who bears the tag {tag} is known from {age_s} s ago: {error}"),
            "allow ec2:DescribeInstances to the instance role, keep the tag on this instance, and check the route to EC2",
        ));
    }
    if company.peer.is_none() {
        problems.push(peer_not_found(&tag));
    }
    if !company.last.roster.spares.is_empty() {
        problems.push(third_member(&company.last.roster.spares, &tag));
    }
    problems
}

/// The problem that nobody is at the peer's place.
#[must_use]
pub fn peer_not_found(tag: &str) -> Problem {
    degraded(
        "peer-not-found",
        format!("no instance with the tag {tag} runs in the other node's zone"),
        "launch one there, or see why the autoscaling group does not",
    )
}

/// The problem that more than two instances bear the tag.
#[must_use]
pub fn third_member(spares: &[String], tag: &str) -> Problem {
    degraded(
        "third-member",
        format!("{} bears the tag {tag}, too, and is not used", spares.join(", ")),
        "a pair has two members: terminate it, or take the tag from it",
    )
}
