//! Everything that somebody should look at, with what to do about it: one vocabulary for the status of a running agent and
//! for an examination (`doctor`). `docs/OPERATING.md` explains each id.

mod card;
mod cloud;
mod company;
mod ending;
mod paths;

use pair_core::{Alarm, CallFault, Fitness, Holder, InstanceId, Link, Member, Notice, Objection, Verdict, View};
use pair_wire::control::{Problem, Severity};

use crate::knowledge::{AddressKnowledge, Knowledge};
use crate::names::Names;
use crate::run::VERSION;
use crate::text;

pub use card::{Cards, of_cards, of_keys};
pub use cloud::{
    ec2_unreadable, held_by_stranger, imds_unreachable, misplaced, no_interface, no_role, of_call, of_clock,
    place_taken, redirected,
};
pub use company::{peer_not_found, third_member};
pub use ending::of_notices;
pub use paths::{silent_paths, unheard_paths};

/// The ids of everything that can be found, and how bad each is at its worst.
pub const IDS: &[(&str, Severity)] = &[
    ("address-not-on-host", Severity::Degraded),
    ("allocation-unknown", Severity::Critical),
    ("claim-failing", Severity::Critical),
    ("clock-off", Severity::Degraded),
    ("clocks-differ", Severity::Degraded),
    ("config-differs", Severity::Degraded),
    ("config-invalid", Severity::Critical),
    ("conntrack-nearly-full", Severity::Degraded),
    ("discovery-failing", Severity::Degraded),
    ("ec2-denied", Severity::Degraded),
    ("ec2-unreadable", Severity::Degraded),
    ("egress-ends-with-move", Severity::Degraded),
    ("endpoint-redirected", Severity::Degraded),
    ("haproxy-cli-exhausted", Severity::Degraded),
    ("haproxy-config-differs", Severity::Degraded),
    ("haproxy-maxconn-unsafe", Severity::Degraded),
    ("haproxy-socket-denied", Severity::Degraded),
    ("heartbeats-rejected", Severity::Degraded),
    ("held-by-former", Severity::Critical),
    ("held-by-stranger", Severity::Critical),
    ("holder-unknown", Severity::Critical),
    ("hook-failing", Severity::Degraded),
    ("host-ending", Severity::Critical),
    ("host-noticed", Severity::Degraded),
    ("imds-unreachable", Severity::Degraded),
    ("key-unusable", Severity::Critical),
    ("key-weak", Severity::Degraded),
    ("keys-differ", Severity::Degraded),
    ("left-pair", Severity::Degraded),
    ("metrics-unavailable", Severity::Degraded),
    ("misplaced", Severity::Critical),
    ("no-interface", Severity::Degraded),
    ("no-member", Severity::Degraded),
    ("no-role", Severity::Degraded),
    ("nobody-holds", Severity::Critical),
    ("node-unknown", Severity::Critical),
    ("nothing-listens", Severity::Degraded),
    ("on-hold", Severity::Critical),
    ("one-way-link", Severity::Degraded),
    ("over-budget", Severity::Critical),
    ("path-silent", Severity::Degraded),
    ("peer-host-ending", Severity::Degraded),
    ("peer-host-noticed", Severity::Degraded),
    ("peer-left-pair", Severity::Degraded),
    ("peer-not-found", Severity::Degraded),
    ("peer-not-ready", Severity::Degraded),
    ("peer-restarting", Severity::Degraded),
    ("peer-silent", Severity::Degraded),
    ("peer-unfit", Severity::Critical),
    ("place-taken", Severity::Degraded),
    ("record-unwritable", Severity::Degraded),
    ("service-unfit", Severity::Critical),
    ("silence-unproven", Severity::Critical),
    ("silent-but-serving", Severity::Degraded),
    ("state-unusable", Severity::Degraded),
    ("takeover-unrehearsed", Severity::Degraded),
    ("third-member", Severity::Degraded),
    ("versions-differ", Severity::Degraded),
    ("witness-silent", Severity::Degraded),
    ("witnesses-silent", Severity::Critical),
];

/// The ids of the problems that keep a node from being ready: all that [`against_readiness`] names.
pub const AGAINST_READINESS: &[&str] = &[
    "address-not-on-host",
    "allocation-unknown",
    "ec2-denied",
    "ec2-unreadable",
    "host-ending",
    "imds-unreachable",
    "no-interface",
    "no-role",
    "nothing-listens",
    "place-taken",
    "service-unfit",
    "takeover-unrehearsed",
    "witness-silent",
];

/// The ids of what is about one address. All else is about the node or its peer, and is told once if every address shows it.
pub const OF_ADDRESS: &[&str] = &[
    "address-not-on-host",
    "allocation-unknown",
    "claim-failing",
    "ec2-denied",
    "ec2-unreadable",
    "egress-ends-with-move",
    "held-by-former",
    "held-by-stranger",
    "holder-unknown",
    "misplaced",
    "no-interface",
    "nobody-holds",
    "nothing-listens",
    "on-hold",
    "over-budget",
    "peer-not-ready",
    "place-taken",
    "record-unwritable",
    "silence-unproven",
    "silent-but-serving",
    "state-unusable",
    "takeover-unrehearsed",
];

/// One address, as this node sees it.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// Its allocation id.
    pub allocation_id: &'a str,
    /// What the core knows.
    pub view: &'a View,
    /// What the daemon knows beside it.
    pub known: &'a AddressKnowledge,
}

/// Why this node could not take the address over; empty if it could.
#[must_use]
pub fn against_readiness(known: &Knowledge, address: &AddressKnowledge, fitness: Fitness) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(error) = &known.imds_error {
        problems.push(imds_unreachable(error));
    }
    if address
        .identity
        .as_ref()
        .is_some_and(|identity| identity.interface.is_none())
    {
        problems.push(no_interface(address.private_ip));
    }
    match &address.rehearsal {
        None => problems.push(degraded(
            "takeover-unrehearsed",
            "EC2 has not yet said whether this node may take the address".to_owned(),
            "wait some seconds; if it stays, see the log for the calls' errors",
        )),
        Some(Err(error)) => problems.push(of_call(error)),
        Some(Ok(Some(neighbour))) => problems.push(place_taken(neighbour)),
        Some(Ok(None)) => {}
    }
    for obstacle in &address.landing {
        problems.push(degraded(
            obstacle.kind.id(),
            obstacle.detail.clone(),
            "the address would move here, and its traffic would be dropped",
        ));
    }
    problems.extend(ending::against_readiness(&known.notices));
    let silent: Vec<String> = known.silent_witnesses.iter().cloned().collect();
    problems.extend(witness_silent(&silent));
    if fitness != Fitness::Fit {
        problems.push(degraded(
            "service-unfit",
            format!("{}: {}", text::fitness(known.service, fitness), known.verdict_detail()),
            "repair the service on this node",
        ));
    }
    problems
}

/// Witnesses that do not answer, if there are any.
#[must_use]
pub fn witness_silent(silent: &[String]) -> Option<Problem> {
    let text = match silent {
        [] => return None,
        [witness] => format!("the witness {witness} does not answer"),
        [_, ..] => format!("the witnesses {} do not answer", silent.join(" and ")),
    };
    let hint =
        "see whether paird runs there and has the same witness key, and whether its UDP port is open to this node";
    Some(degraded("witness-silent", text, hint))
}

/// Everything that is wrong with the pair, as this node sees it.
#[must_use]
pub fn of(sights: &[Sight<'_>], known: &Knowledge, names: &Names, me: Member) -> Vec<Problem> {
    together(sights, |sight| of_address(sight, known, names, me))
}

/// Why this node could not take each of the addresses over; empty if it could.
#[must_use]
pub fn against_readiness_of(sights: &[Sight<'_>], known: &Knowledge) -> Vec<Problem> {
    together(sights, |sight| {
        against_readiness(known, sight.known, sight.view.fitness)
    })
}

/// What is wrong by each address, each thing once, with its address where it is about that one alone.
fn together(sights: &[Sight<'_>], of: impl Fn(&Sight<'_>) -> Vec<Problem>) -> Vec<Problem> {
    let [first, others @ ..] = sights else {
        return Vec::new();
    };
    if others.is_empty() {
        return of(first);
    }
    let by_address: Vec<Vec<Problem>> = sights.iter().map(of).collect();
    let is_everywhere = |id: &str| {
        let mut lists = by_address.iter();
        !OF_ADDRESS.contains(&id) && lists.all(|problems| problems.iter().any(|problem| problem.id == id))
    };
    let mut all: Vec<Problem> = Vec::new();
    for (sight, problems) in sights.iter().zip(&by_address) {
        for problem in problems {
            if !is_everywhere(&problem.id) {
                all.push(Problem {
                    address: Some(sight.allocation_id.to_owned()),
                    ..problem.clone()
                });
                continue;
            }
            match all.iter_mut().find(|known| known.id == problem.id) {
                Some(known) if known.severity >= problem.severity => {}
                Some(known) => *known = problem.clone(),
                None => all.push(problem.clone()),
            }
        }
    }
    all
}

fn of_address(sight: &Sight<'_>, known: &Knowledge, names: &Names, me: Member) -> Vec<Problem> {
    let Sight {
        view, known: address, ..
    } = sight;
    let mut problems = against_readiness(known, address, view.fitness);
    let is_active = view.is_active == Some(true);
    if is_active {
        for problem in &mut problems {
            let is_unfit = problem.id == "service-unfit" && view.fitness != Fitness::Unknown;
            let is_stuck = problem.id == "host-ending" && !ending::can_be_taken_over(view);
            if is_unfit || is_stuck {
                problem.severity = Severity::Critical;
            }
        }
    }
    problems.extend(ending::told_only(&known.notices));
    problems.extend(paths::about(view.link, known));
    problems.extend(about_holder(view, names));
    problems.extend(about_claim(view, address));
    problems.extend(about_peer(view, known, names, me));
    problems.extend(about_orders(view, address, names));
    problems.extend(known.company.iter().flat_map(company::about));
    problems.extend(about_records(known, address));
    problems.extend(about_metrics(known));
    problems.extend(about_hooks(known));
    problems.extend(about_agreement(view, known, names));
    problems.extend(known.clock_ahead_s.and_then(of_clock));
    for finding in &known.host {
        // What is watched all the time is newer.
        if !problems.iter().any(|problem| problem.id == finding.id) {
            problems.push(finding.clone());
        }
    }
    if view.ec2_read_failed && !problems.iter().any(|problem| problem.id == "ec2-unreadable") {
        problems.push(degraded(
            "ec2-unreadable",
            format!("the last read of the address failed: {}", address.call_error()),
            "check the route to EC2 (public IP, NAT or interface endpoint) and the instance role",
        ));
    }
    problems
}

fn about_holder(view: &View, names: &Names) -> Option<Problem> {
    let Some(fact) = &view.fact else {
        return Some(critical(
            "holder-unknown",
            "nobody has told yet who holds the address".to_owned(),
            "EC2 or IMDS must answer: see the other problems and the log",
        ));
    };
    match fact.holder {
        Holder::Nobody => Some(critical(
            "nobody-holds",
            "the address is associated with nothing".to_owned(),
            "a node that is fit takes it by itself; see what keeps them from it",
        )),
        Holder::Stranger => Some(held_by_stranger(fact.instance.as_ref().map(InstanceId::as_str))),
        Holder::Former => Some(critical(
            "held-by-former",
            match &fact.instance {
                Some(instance) => format!("the address is held by {instance}, which was {} before", names.peer()),
                None => format!("the address is held by the instance that was {} before", names.peer()),
            },
            "it is taken once EC2 says that this instance is stopped; to take it now: pairctl failover on this node",
        )),
        Holder::Misplaced(member) => Some(misplaced(names.of(member))),
        Holder::Member(_) => None,
    }
}

fn about_claim(view: &View, known: &AddressKnowledge) -> Option<Problem> {
    let fault = view.claim_fault?;
    let hint = match fault {
        CallFault::Denied => {
            "attach an instance role that allows ec2:AssociateAddress, and with takeover.strict ec2:DisassociateAddress"
        }
        CallFault::Throttled => "EC2 throttles the account: other callers share the same quota",
        CallFault::Gone => "check the allocation id and the interface",
        CallFault::NotSent
        | CallFault::Unreachable
        | CallFault::Unanswered
        | CallFault::Failed
        | CallFault::AlreadyAssociated => "it is tried again; check the route to EC2",
    };
    let attempts = view.attempts;
    Some(critical(
        "claim-failing",
        format!(
            "the address should move here, and {attempts} attempts failed: {}",
            known.call_error()
        ),
        hint,
    ))
}

fn about_peer(view: &View, known: &Knowledge, names: &Names, me: Member) -> Vec<Problem> {
    let peer = names.peer();
    let mut problems = Vec::new();
    match view.link {
        Link::Up => {}
        Link::OneWay => problems.push(degraded(
            "one-way-link",
            format!("{peer} is heard, but does not hear this node"),
            "allow the heartbeat port (UDP) in both security groups and local firewalls",
        )),
        Link::Suspect | Link::PresumedDead if !view.restart_grace.is_zero() => problems.push(degraded(
            "peer-restarting",
            format!(
                "{peer} restarts its agent, as it said it would, and is waited for {} more",
                humantime::format_duration(whole_ms(view.restart_grace))
            ),
            "nothing, unless it stays: see whether its paird starts",
        )),
        Link::Suspect | Link::PresumedDead | Link::NeverHeard => problems.push(degraded(
            "peer-silent",
            match view.heard_age {
                Some(age) => format!(
                    "{peer} has been silent for {}",
                    humantime::format_duration(whole_ms(age))
                ),
                None => format!("{peer} was never heard"),
            },
            "see whether its instance and its paird run, and whether the heartbeat port (UDP) is open both ways",
        )),
    }
    if view.link != Link::Up && known.rejected_lately() {
        problems.push(degraded(
            "heartbeats-rejected",
            "heartbeats arrive and are dropped: wrong key, other pair, or this node's own name".to_owned(),
            "compare the key files and configurations of both nodes; drops by cause are in pairctl status --json",
        ));
    }
    match view.decision.verdict {
        Verdict::Alarm(Alarm::SilentButServing) => problems.push(degraded(
            "silent-but-serving",
            match view.decision.evidence.objection {
                Some(Objection::WitnessProved) => {
                    format!("{peer} is silent, and a witness brought its answer: the address stays there")
                }
                Some(Objection::ProbeServed | Objection::Saturated) | None => {
                    format!("{peer} is silent, and its service serves: the address stays there")
                }
            },
            "restart paird there, or open the heartbeat port; to move the address: pairctl failover",
        )),
        Verdict::Alarm(Alarm::WitnessesSilent) => problems.push(critical(
            "witnesses-silent",
            format!(
                "{peer} is silent, and so is every witness: this node may be the one cut off, and does not claim yet"
            ),
            "see whether this node has a network; if the other one is dead: pairctl failover",
        )),
        Verdict::Alarm(Alarm::SilenceUnproven) => problems.push(critical(
            "silence-unproven",
            format!("{peer} holds the address and was never heard since: nothing says whether it serves"),
            "if it is dead: pairctl failover; else open the heartbeat port",
        )),
        Verdict::Alarm(
            Alarm::HeldByStranger
            | Alarm::HeldByFormer
            | Alarm::Misplaced
            | Alarm::PlaceTaken
            | Alarm::OnHold
            | Alarm::OverBudget,
        )
        | Verdict::Serve
        | Verdict::Wait(_)
        | Verdict::Claim { .. } => {}
    }
    let Some(report) = view
        .peer
        .as_ref()
        .filter(|_| matches!(view.link, Link::Up | Link::OneWay))
    else {
        return problems;
    };
    problems.extend(ending::of_peer(report, peer));
    let peer_holds = view
        .fact
        .as_ref()
        .is_some_and(|fact| fact.holder == Holder::Member(me.peer()));
    if matches!(report.fitness, Fitness::Unfit(_)) {
        let text = format!("{peer}: {}", text::fitness(known.service, report.fitness));
        let hint = "repair the service there";
        problems.push(if peer_holds {
            critical("peer-unfit", text, hint)
        } else {
            degraded("peer-unfit", text, hint)
        });
    } else if report.notice == Some(Notice::Leaving) {
        problems.push(degraded(
            "peer-left-pair",
            format!("{peer} has left the pair: there is no standby"),
            "pairctl join there brings it back",
        ));
    } else if !report.ready && !ending::is_told(report) {
        problems.push(degraded(
            "peer-not-ready",
            if peer_holds {
                format!("{peer} could not take the address over again")
            } else {
                format!("there is no standby: {peer} could not take the address over")
            },
            "see pairctl status there",
        ));
    }
    problems
}

/// What operators have ordered, and what it keeps the pair from.
fn about_orders(view: &View, known: &AddressKnowledge, names: &Names) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(left) = view.hold_left() {
        let left = humantime::format_duration(std::time::Duration::from_secs(left.as_secs()));
        let version = view.hold.map(|hold| hold.version);
        let reason = known
            .hold_reason
            .as_ref()
            .filter(|(of, _)| Some(*of) == version)
            .map(|(_, reason)| format!(": {:?}", text::shortened(reason, text::LONGEST_REASON)))
            .unwrap_or_default();
        let hint = "pairctl resume ends the hold; pairctl failover passes it";
        problems.push(if view.decision.verdict == Verdict::Alarm(Alarm::OnHold) {
            critical(
                "on-hold",
                format!("the address would move here, but for a hold of {left} more{reason}"),
                hint,
            )
        } else {
            degraded(
                "on-hold",
                format!("a hold keeps the address where it is for {left} more{reason}"),
                hint,
            )
        });
    }
    if view.decision.verdict == Verdict::Alarm(Alarm::OverBudget) {
        problems.push(critical(
            "over-budget",
            format!(
                "the address has moved {} times within ten minutes, and waits",
                view.moves
            ),
            "find out why it moves; to move it now: pairctl failover",
        ));
    }
    if view.is_leaving {
        problems.push(degraded(
            "left-pair",
            format!("{} has left the pair and takes nothing", names.me()),
            "pairctl join brings it back",
        ));
    }
    if let Some(error) = &known.standing_error {
        problems.push(degraded(
            "state-unusable",
            format!("holds and leaves do not survive a restart: {error}"),
            "make room on the disk, and see that state.directory is the daemon's own",
        ));
    }
    problems
}

/// Whether both nodes are the same where they should be, as far as they hear each other.
fn about_agreement(view: &View, known: &Knowledge, names: &Names) -> Vec<Problem> {
    if view.link != Link::Up {
        return Vec::new();
    }
    let mut problems = match &known.cards {
        Some(cards) => of_cards(cards, names.peer()),
        None => Vec::new(),
    };
    problems.extend(known.keys_apart.clone());
    if let Some(report) = view.peer.as_ref().filter(|report| report.version.as_str() != VERSION) {
        problems.push(degraded(
            "versions-differ",
            format!(
                "{} runs paird {}, and this node {VERSION}",
                names.peer(),
                report.version
            ),
            "usual in an upgrade, which moves nothing; then install the same version on both nodes",
        ));
    }
    problems
}

/// Whether there will be something to ask afterwards.
fn about_records(known: &Knowledge, address: &AddressKnowledge) -> Option<Problem> {
    let error = address.record_error.as_ref().or(known.journal_error.as_ref())?;
    let failed = known.recorder.failed;
    Some(degraded(
        "record-unwritable",
        format!("what led to the last transition could not be written to disk ({failed} times so far): {error}"),
        "make room on the disk; what is in memory: pairctl why, and why --export",
    ))
}

/// Whether monitoring can see this node.
fn about_metrics(known: &Knowledge) -> Option<Problem> {
    let error = known.metrics_error.as_ref()?;
    Some(degraded(
        "metrics-unavailable",
        format!("metrics are not served: {error}"),
        "free the port or write another metrics.listen, then restart paird: that moves nothing",
    ))
}

fn about_hooks(known: &Knowledge) -> Option<Problem> {
    (!known.failed_hooks.is_empty()).then(|| {
        degraded(
            "hook-failing",
            format!(
                "hooks failed when they were last told something: {}",
                known.failed_hooks.join("; ")
            ),
            "see what they printed in the log; a hook is told the next state, and not this one again",
        )
    })
}

/// Something that leaves the pair with less in reserve.
#[must_use]
pub fn degraded(id: &str, text: String, hint: &str) -> Problem {
    problem(id, Severity::Degraded, text, hint)
}

/// Something with which the pair does not serve, or nobody can tell.
#[must_use]
pub fn critical(id: &str, text: String, hint: &str) -> Problem {
    problem(id, Severity::Critical, text, hint)
}

fn problem(id: &str, severity: Severity, text: String, hint: &str) -> Problem {
    Problem {
        id: id.to_owned(),
        severity,
        text,
        hint: Some(hint.to_owned()),
        address: None,
    }
}

fn whole_ms(duration: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_millis(crate::clock::millis(duration))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use pair_core::{Instant, Node};

    use super::*;
    use crate::config::Config;
    use crate::run;

    #[test]
    fn what_is_about_an_address_has_an_id_of_the_list() {
        let unlisted = OF_ADDRESS
            .iter()
            .filter(|id| !IDS.iter().any(|(known, _)| known == *id));
        assert_eq!(unlisted.collect::<Vec<_>>(), Vec::<&&str>::new());
    }

    #[test]
    fn what_every_address_shows_of_the_node_is_told_once_and_the_rest_with_its_address() {
        let view = node().view(Instant::ZERO);
        let mut addresses = [10, 11].map(|last| AddressKnowledge::new(Ipv4Addr::new(10, 0, 1, last)));
        addresses[1].rehearsal = Some(Ok(None));
        let sights =
            [("eipalloc-1", &addresses[0]), ("eipalloc-2", &addresses[1])].map(|(allocation_id, known)| Sight {
                allocation_id,
                view: &view,
                known,
            });
        let told = |sights: &[Sight<'_>]| {
            let known = Knowledge::new("haproxy", None);
            let names = Names::new(["a".to_owned(), "b".to_owned()], Member::First);
            let problems = of(sights, &known, &names, Member::First);
            let told = problems.into_iter().map(|problem| (problem.id, problem.address));
            told.collect::<Vec<_>>()
        };
        let of_node = |id: &str| (id.to_owned(), None);
        let of = |id: &str, allocation: &str| (id.to_owned(), Some(allocation.to_owned()));
        assert_eq!(
            told(&sights),
            [
                of("takeover-unrehearsed", "eipalloc-1"),
                of_node("service-unfit"),
                of("holder-unknown", "eipalloc-1"),
                of_node("peer-silent"),
                of("holder-unknown", "eipalloc-2"),
            ]
        );
        assert_eq!(
            told(&sights[..1]),
            ["takeover-unrehearsed", "service-unfit", "holder-unknown", "peer-silent"].map(of_node)
        );
    }

    /// A core of the first node of a pair.
    fn node() -> Node {
        let text = "pair = \"lb-1\"\n[[node]]\nname = \"a\"\naddresses = [\"10.0.1.10\"]\n\
                    [[node]]\nname = \"b\"\naddresses = [\"10.0.2.10\"]\n\
                    [[address]]\nallocation_id = \"eipalloc-0123456789abcdef0\"\n\
                    [check]\nnone = true\n[probe]\nnone = true\n[security]\ninsecure_no_key = true\n";
        let config = Config::parse("paird.toml", text).unwrap();
        let core = run::core_config(&config, &config.addresses[0], Member::First);
        Node::new(core, 1, Instant::ZERO)
    }
}
