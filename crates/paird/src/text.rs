//! What the core knows, in words: one spelling for the log, the status document and the journal.

use std::time::Duration;

use pair_core::{
    Alarm, CallFault, EndingCause, Fitness, Link, Objection, ProbeOutcome, Reason, Refusal, Situation, Source,
    Testimony, Unfitness, Verdict, WitnessOutcome,
};
use pair_wire::control::Command;

use crate::names::Names;

/// The state of a link, as `pairctl status` spells it.
#[must_use]
pub const fn link(link: Link) -> &'static str {
    match link {
        Link::NeverHeard => "never-heard",
        Link::Up => "up",
        Link::OneWay => "one-way",
        Link::Suspect => "suspect",
        Link::PresumedDead => "presumed-dead",
    }
}

/// Where a fact comes from.
#[must_use]
pub const fn source(source: Source) -> &'static str {
    match source {
        Source::Reply => "reply",
        Source::Ec2 => "ec2",
        Source::Imds => "imds",
        Source::Peer => "peer",
    }
}

/// A verdict and its reason.
#[must_use]
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Serve => "serve: the address is here",
        Verdict::Claim {
            allow_reassociation: true,
        } => "claim: take the address",
        Verdict::Claim {
            allow_reassociation: false,
        } => "claim: take the address that nobody holds",
        Verdict::Wait(reason) => match reason {
            Reason::HolderUnknown => "wait: the holder of the address is not known yet",
            Reason::NotFit => "wait: the own service is not fit",
            Reason::NoPlaceToLand => "wait: the interface on which the address would land is not known",
            Reason::NotMyTurn => "wait: nobody holds the address, and it is the peer's turn",
            Reason::NotReady => "wait: ordered, but not ready",
            Reason::PeerServes => "wait: the peer holds the address and is well",
            Reason::PeerUnfitBriefly => "wait: the peer is unfit, but not for long enough",
            Reason::NotRefit => "wait: the peer is unfit, but so was this node not long ago",
            Reason::PeerSuspect => "wait: the peer is suspect",
            Reason::PeerRestarts => "wait: the peer restarts its agent, as it said it would",
            Reason::Stopping => "wait: this agent is about to end",
            Reason::Leaving => "wait: this node has left the pair",
            Reason::BarJustEnded => "wait: what kept the address here has only just ended",
        },
        Verdict::Alarm(alarm) => match alarm {
            Alarm::HeldByStranger => "alarm: the address is held outside the pair",
            Alarm::Misplaced => "alarm: the address is on a wrong interface or private IP",
            Alarm::PlaceTaken => "alarm: another address is on the private IP on which this one would land",
            Alarm::SilentButServing => "alarm: the peer is silent, and its service serves",
            Alarm::HeldByFormer => "alarm: the address is held by a former member of the pair that is not stopped",
            Alarm::OnHold => "alarm: the address would move here, but for a hold",
            Alarm::OverBudget => "alarm: the address would move here, but it has moved too often",
            Alarm::WitnessesSilent => {
                "alarm: the peer is silent, and so is every witness: this node may be the one cut off"
            }
            Alarm::SilenceUnproven => "alarm: the peer is silent, and no channel that ever worked says that it is dead",
        },
    }
}

/// A fault of an EC2 call.
#[must_use]
pub const fn fault(fault: CallFault) -> &'static str {
    match fault {
        CallFault::NotSent => "not sent",
        CallFault::Unreachable => "EC2 cannot be reached",
        CallFault::Unanswered => "no reply: it may have happened",
        CallFault::Failed => "EC2 failed",
        CallFault::Throttled => "throttled",
        CallFault::Denied => "denied",
        CallFault::Gone => "refused: what it names does not exist",
        CallFault::AlreadyAssociated => "the address is held already",
    }
}

/// A fault of an EC2 call, as a label of a metric.
#[must_use]
pub const fn fault_label(fault: CallFault) -> &'static str {
    match fault {
        CallFault::NotSent => "not-sent",
        CallFault::Unreachable => "unreachable",
        CallFault::Unanswered => "unanswered",
        CallFault::Failed => "failed",
        CallFault::Throttled => "throttled",
        CallFault::Denied => "denied",
        CallFault::Gone => "gone",
        CallFault::AlreadyAssociated => "already-associated",
    }
}

/// What a probe of the peer's service got.
#[must_use]
pub const fn probe(outcome: ProbeOutcome) -> &'static str {
    match outcome {
        ProbeOutcome::Served => "serves",
        ProbeOutcome::WrongStatus => "answers with a wrong status",
        ProbeOutcome::KernelOnly => "only its kernel answers",
        ProbeOutcome::Nothing => "no answer",
    }
}

/// What a question to a witness got.
#[must_use]
pub const fn witness(outcome: WitnessOutcome) -> &'static str {
    match outcome {
        WitnessOutcome::Proved => "brought the peer's answer",
        WitnessOutcome::ProvedUnfit => "brought the peer's answer: its service is unfit",
        WitnessOutcome::PassedOn => "has passed the question on",
        WitnessOutcome::Unproven => "answers, and the peer does not",
        WitnessOutcome::Nothing => "no answer",
    }
}

/// How a question to a witness ended, as a label of a metric.
#[must_use]
pub const fn witness_label(outcome: WitnessOutcome) -> &'static str {
    match outcome {
        WitnessOutcome::Proved => "proved",
        WitnessOutcome::ProvedUnfit => "proved-unfit",
        WitnessOutcome::PassedOn => "passed-on",
        WitnessOutcome::Unproven => "unproven",
        WitnessOutcome::Nothing => "nothing",
    }
}

/// A node's fitness, after the name of what is checked.
#[must_use]
pub fn fitness(what: &str, fitness: Fitness) -> String {
    match fitness {
        Fitness::Unknown => format!("{what} unknown"),
        Fitness::Fit => format!("{what} ok"),
        Fitness::Unfit(Unfitness::ServiceGone) => format!("{what} down: gone"),
        Fitness::Unfit(Unfitness::HostStopping) => format!("{what} down: host stopping"),
        Fitness::Unfit(Unfitness::CheckFailed) => format!("{what} down: check failed"),
    }
}

/// An order as it was given; `None` if the command is none.
#[must_use]
pub fn order(command: &Command) -> Option<String> {
    match command {
        Command::Status | Command::Why | Command::Events { .. } | Command::Doctor | Command::Export { .. } => None,
        // Whatever somebody typed: as a Rust string, so that it cannot pretend to be another line of the log.
        Command::Failover { to, force, drill } => {
            let to = to
                .as_deref()
                .map(|node| format!(" to {:?}", shortened(node, LONGEST_NAME)));
            let force = if *force { " by force" } else { "" };
            let drill = if *drill { " in a drill" } else { "" };
            Some(format!("failover{}{force}{drill}", to.unwrap_or_default()))
        }
        Command::Hold { for_ms, reason } => {
            let length = Duration::from_millis(*for_ms);
            let reason = reason
                .as_deref()
                .map(|reason| format!(": {:?}", shortened(reason, LONGEST_REASON)));
            Some(format!(
                "hold for {}{}",
                humantime::format_duration(length),
                reason.unwrap_or_default()
            ))
        }
        Command::Resume => Some("resume".to_owned()),
        Command::Reload => Some("reload".to_owned()),
        Command::Leave => Some("leave".to_owned()),
        Command::LeaveUntilBoot => Some("leave until the next boot".to_owned()),
        Command::Join => Some("join".to_owned()),
        Command::JoinIfUntilBoot => Some("join, if away until the next boot".to_owned()),
    }
}

/// The beginning of what somebody typed, which in a request can be longer than `pairctl` lets it be.
pub(crate) fn shortened(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}

/// Why an order was refused, and what the operator can do.
#[must_use]
pub const fn refusal(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Busy => ("another order is under way", "wait for it: an order ends within 30 s"),
        Refusal::HolderUnknown => (
            "who holds the address is not known",
            "see pairctl status: EC2 must be readable",
        ),
        Refusal::NotOurs => (
            "the address is held outside the pair or misplaced",
            "move it back by hand first",
        ),
        Refusal::AskTheOther => (
            "this node does not hold the address",
            "give the order on the node that shall take it",
        ),
        Refusal::TargetNotUp => (
            "the node that shall take the address is not up",
            "see pairctl status on both nodes",
        ),
        Refusal::TargetLeaving => (
            "the node that shall take the address has left the pair",
            "pairctl join there brings it back",
        ),
        Refusal::TargetEnding => (
            "AWS takes the host of the node that shall take the address",
            "see pairctl status there: it takes nothing while that notice stands",
        ),
        Refusal::TargetUnfit => (
            "the service of the node that shall take the address is not fit",
            "repair it first",
        ),
        Refusal::TargetNotReady => (
            "the node that shall take the address is not ready",
            "see what pairctl status says of it there; pairctl failover --force does not ask for readiness",
        ),
    }
}

/// Why AWS takes a host away, or might.
#[must_use]
pub const fn ending_cause(cause: EndingCause) -> &'static str {
    match cause {
        EndingCause::Spot => "spot interruption",
        EndingCause::Autoscaling => "termination by its autoscaling group",
        EndingCause::Maintenance => "scheduled maintenance",
        EndingCause::Rebalance => "rebalance recommendation",
    }
}

/// A length of time for people, in whole seconds.
#[must_use]
pub fn whole_seconds(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}

/// What a decision looked at.
#[must_use]
pub fn evidence(seen: &Situation, names: &Names) -> Vec<String> {
    let mut lines = vec![
        match seen.holder {
            Some(holder) => format!("holder {}", names.holder(holder)),
            None => "holder unknown".to_owned(),
        },
        format!("link {}, silent for {} ms", link(seen.link), seen.silence.as_millis()),
        fitness("own service", seen.fitness),
    ];
    if let Some(peer) = seen.peer_fitness {
        lines.push(fitness("peer's service", peer));
    }
    if seen.peer_yielding {
        lines.push("the peer yields".to_owned());
    }
    if seen.peer_restarting {
        lines.push("the peer gave notice of a restart".to_owned());
    }
    if seen.has_neighbour {
        lines.push("another address is on the private IP on which this one would land".to_owned());
    }
    if seen.ending {
        lines.push("AWS takes this host: this node takes nothing that the peer gives away".to_owned());
    }
    if seen.released {
        lines.push("this node has released the address, to take it".to_owned());
    }
    if seen.on_hold {
        lines.push("a hold is in force".to_owned());
    }
    if seen.over_budget {
        lines.push("the budget of moves is used up".to_owned());
    }
    if seen.preempt_due {
        lines.push("this node is preferred, and both have been well for long enough".to_owned());
    }
    if seen.ordered {
        lines.push("an operator ordered it".to_owned());
    }
    if seen.witnesses_silent {
        lines.push("witnesses that answered before are silent, too".to_owned());
    }
    match seen.objection {
        Some(Objection::ProbeServed) => lines.push("a probe begun under suspicion was served".to_owned()),
        Some(Objection::WitnessProved) => {
            lines.push("a witness that was asked under suspicion brought the peer's signed answer".to_owned());
        }
        Some(Objection::Saturated) => lines.push("the peer's service was at its connection limit".to_owned()),
        None => {}
    }
    if let Some(testimony) = seen.testimony {
        lines.push(format!("testimony: {}", testimony_of(testimony)));
    }
    lines
}

const fn testimony_of(testimony: Testimony) -> &'static str {
    match testimony {
        Testimony::InstanceDown => "EC2 says that the instance is stopped",
        Testimony::Heartbeats => "heartbeats came after the address changed hands and stopped",
        Testimony::Probe => "probes were served after the address changed hands and stopped",
        Testimony::Witness => "a witness brought the peer's answers after the address changed hands, and brings none",
        Testimony::KernelOnly => "only the peer's kernel answers probes",
        Testimony::SlippedBack => "the address slipped back to the peer by a claim that landed late",
        Testimony::InstanceUnreachable => "EC2 cannot reach the instance",
    }
}

/// As much of a name as is told, in bytes: names of nodes have at most so many.
const LONGEST_NAME: usize = 16;

/// What is shown of the reason of a hold, in bytes: as much as `pairctl` takes.
pub(crate) const LONGEST_REASON: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_as_it_was_given_and_cannot_forge_a_line() {
        let failover = |to: &str| Command::Failover {
            to: Some(to.to_owned()),
            force: false,
            drill: false,
        };
        let cases = [
            (Command::Status, None),
            (
                Command::Failover {
                    to: None,
                    force: false,
                    drill: false,
                },
                Some("failover"),
            ),
            (failover("b"), Some(r#"failover to "b""#)),
            (failover("b\nit is over"), Some(r#"failover to "b\nit is over""#)),
            (
                Command::Hold {
                    for_ms: 1_800_000,
                    reason: None,
                },
                Some("hold for 30m"),
            ),
            (
                Command::Hold {
                    for_ms: 1_800_000,
                    reason: Some("kernel\nupdate".to_owned()),
                },
                Some("hold for 30m: \"kernel\\nupdate\""),
            ),
            (Command::Resume, Some("resume")),
            (Command::Leave, Some("leave")),
            (Command::LeaveUntilBoot, Some("leave until the next boot")),
            (Command::Join, Some("join")),
            (Command::JoinIfUntilBoot, Some("join, if away until the next boot")),
        ];
        for (command, expected) in cases {
            assert_eq!(order(&command).as_deref(), expected);
            assert_eq!(expected.is_some(), command.is_order());
        }
        let told = order(&failover(&"ä".repeat(2000)));
        assert_eq!(told, Some(format!("failover to \"{}\"", "ä".repeat(8))));
    }
}
