//! A status document as people read it.
//!
//! ```text
//! pair lb-1  healthy, standby ready
//!   a  i-0aaa  10.0.1.10  us-east-1a  active   haproxy ok  this node
//!   b  i-0bbb  10.0.2.10  us-east-1b  passive  haproxy ok  ready, heard 80 ms ago, rtt 0.6 ms, loss 0 %
//!   203.0.113.10  eipalloc-0123  on a 10.0.1.10  by IMDS 1 s ago, by EC2 4 min ago
//!   witness 10.0.3.10:7695  answered 3 s ago  brought the peer's answer 3 s ago
//!   last takeover 3 d ago: b → a, rule F-6a, detect 0.93 s, api 0.31 s, verify 0.11 s
//!   degraded  some-problem: what is wrong (hint: what to do)
//! ```
//!
//! With several addresses there is a line for each, and takeovers, decisions and problems say of which they are.
//!
//! Both nodes print the nodes in the same order, so that two screens can be compared.

use pair_wire::control::{
    AddressStatus, DecisionStatus, DiscoveryStatus, EndingStatus, HolderName, HolderSource, Link, NodeStatus,
    PathState, PathStatus, PeerStatus, Problem, Role, Severity, State, Status, TakeoverStatus, WitnessStatus,
};

/// The status as text, each line with its line feed.
#[must_use]
pub fn status_text(status: &Status) -> String {
    let mut nodes = [
        node_row(&status.node, "this node"),
        node_row(&status.peer.node, &contact(&status.peer, &status.agent.version)),
    ];
    nodes.sort();
    let addresses: Vec<_> = status.addresses.iter().map(address_row).collect();
    let witnesses: Vec<_> = status.witnesses.iter().map(witness_row).collect();

    let mut lines = vec![format!(
        "pair {}  {}, {}",
        status.pair,
        state(status.state),
        standby(status)
    )];
    lines.extend(aligned(&nodes));
    let paths = &status.peer.paths;
    // With one path the row of the peer says it all.
    if paths.len() > 1 {
        lines.extend(aligned(
            &paths
                .iter()
                .map(|path| path_row(path, &status.peer.node.name))
                .collect::<Vec<_>>(),
        ));
    }
    lines.extend(aligned(&addresses));
    lines.extend(aligned(&witnesses));
    lines.extend(status.discovery.as_ref().map(discovery));
    if let [_, _, ..] = &status.addresses[..] {
        lines.extend(
            status
                .addresses
                .iter()
                .flat_map(|address| about_one(address, status.state)),
        );
    } else {
        lines.extend(status.last_takeover.as_ref().map(|last| takeover("", last)));
        if status.state != State::Healthy {
            lines.push(decision("", &status.decision));
        }
    }
    lines.extend(
        status
            .problems
            .iter()
            .map(|problem| problem_line(severity(problem.severity), problem, status)),
    );
    let reasons = status
        .ready
        .reasons
        .iter()
        .filter(|reason| !status.problems.contains(reason));
    lines.extend(reasons.map(|reason| problem_line("not ready", reason, status)));
    lines.extend(dropped(status));
    lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
}

fn state(state: State) -> &'static str {
    match state {
        State::Healthy => "healthy",
        State::Degraded => "degraded",
        State::Critical => "critical",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Degraded => "degraded",
        Severity::Critical => "critical",
    }
}

/// What is told of one address of several.
fn about_one(address: &AddressStatus, state: State) -> Vec<String> {
    let about = |what: &str| format!(" {what} {}", address.label());
    let last = address.last_takeover.as_ref();
    let decided = address.decision.as_ref().filter(|_| state != State::Healthy);
    let lines = [
        last.map(|last| takeover(&about("of"), last)),
        decided.map(|decided| decision(&about("about"), decided)),
    ];
    lines.into_iter().flatten().collect()
}

/// Whether somebody stands by, and whether that one could take over: of several addresses, for which of them nobody does.
fn standby(status: &Status) -> String {
    if status.addresses.len() < 2 {
        return standby_of_one(status).to_owned();
    }
    let lacking: Vec<String> = status
        .addresses
        .iter()
        .filter_map(|address| {
            let lack = match (address.role, address.peer_ready, &address.ready) {
                (Role::Unknown, ..) => "holder unknown",
                (Role::Active, Some(true), _) => return None,
                (Role::Active, Some(false), _) => "standby not ready",
                (Role::Passive, _, Some(ready)) if ready.ready => return None,
                (Role::Passive, _, Some(_)) => "standby not ready",
                (Role::Active, None, _) | (Role::Passive, _, None) => "standby unknown",
            };
            Some(format!("{lack} for {}", address.label()))
        })
        .collect();
    if lacking.is_empty() {
        "standby ready for each address".to_owned()
    } else {
        lacking.join(", ")
    }
}

fn standby_of_one(status: &Status) -> &'static str {
    let (node, peer) = (&status.node, &status.peer.node);
    let passive = match (node.role, peer.role) {
        (Role::Passive, Role::Active) => node,
        (Role::Active, Role::Passive) => peer,
        (Role::Passive, Role::Passive) => return "no active node",
        (Role::Active, Role::Active) => return "both nodes say active",
        (Role::Unknown, _) | (_, Role::Unknown) => return "roles unknown",
    };
    match passive.ready {
        Some(true) => "standby ready",
        Some(false) => "standby not ready",
        None => "standby unknown",
    }
}

fn node_row(node: &NodeStatus, remark: &str) -> Vec<String> {
    let role = match node.role {
        Role::Active => "active",
        Role::Passive => "passive",
        Role::Unknown => "unknown",
    };
    let readiness = match (node.role, node.ready) {
        (Role::Passive | Role::Unknown, Some(true)) => "ready, ",
        (Role::Active, Some(true)) | (_, None) => "",
        (_, Some(false)) => "not ready, ",
    };
    let ending = node.ending.as_ref().map_or_else(String::new, ending);
    vec![
        node.name.clone(),
        or_dash(node.instance_id.as_deref()),
        or_dash(node.private_ip.as_deref()),
        or_dash(node.zone.as_deref()),
        role.to_owned(),
        node.service.clone(),
        format!("{readiness}{ending}{remark}"),
    ]
}

/// What AWS says of the end of a node's host, to be followed by more.
fn ending(ending: &EndingStatus) -> String {
    let left = ending.left_ms.map_or_else(String::new, |ms| format!(" in {}", age(ms)));
    let what = if ending.hands_over { "host ends" } else { "noticed" };
    format!("{what}{left}: {}, ", ending.cause.name())
}

fn discovery(found: &DiscoveryStatus) -> String {
    let spares = if found.spares.is_empty() {
        String::new()
    } else {
        format!(", not used: {}", found.spares.join(", "))
    };
    format!("  found by tag {} {} ago{spares}", found.tag, age(found.asked_ago_ms))
}

/// How contact with the peer is, and what is odd about it.
fn contact(peer: &PeerStatus, version: &str) -> String {
    let heard = peer.heard_ago_ms.map(|ms| format!("heard {} ago", age(ms)));
    let link = match peer.link {
        Link::Up => None,
        Link::OneWay => Some("one-way".to_owned()),
        Link::Suspect => Some("suspect".to_owned()),
        Link::PresumedDead => Some("presumed dead".to_owned()),
        Link::NeverHeard => Some("never heard".to_owned()),
    };
    let is_up = peer.link == Link::Up;
    let probe = peer
        .probe
        .as_ref()
        .filter(|_| !is_up)
        .map(|probe| format!("probe {probe}"));
    let rtt = peer.rtt_ms.filter(|_| is_up).map(|ms| format!("rtt {ms:.1} ms"));
    let loss = peer
        .loss_percent
        .filter(|_| is_up)
        .map(|percent| format!("loss {percent:.0} %"));
    let agent = peer
        .agent_version
        .as_ref()
        .filter(|theirs| *theirs != version)
        .map(|theirs| format!("paird {theirs}"));
    [link, heard, rtt, loss, probe, agent]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// One path of heartbeats.
fn path_row(path: &PathStatus, peer: &str) -> Vec<String> {
    let heard = path.heard_ago_ms.map(|ms| format!("heard {} ago", age(ms)));
    let state = match path.state {
        PathState::Alive => None,
        PathState::Silent => Some("silent".to_owned()),
        PathState::NeverHeard => Some("never heard".to_owned()),
        PathState::Closed => Some("not on this host".to_owned()),
    };
    let loss = path
        .loss_percent
        .filter(|_| path.state == PathState::Alive)
        .map(|percent| format!("loss {percent} %"));
    let unheard = (path.peer_hears == Some(false)).then(|| format!("not heard by {peer}"));
    let remarks: Vec<String> = [state, heard, loss, unheard].into_iter().flatten().collect();
    vec![
        "path".to_owned(),
        format!("{} ↔ {}", path.own, path.peer),
        remarks.join(", "),
    ]
}

fn address_row(address: &AddressStatus) -> Vec<String> {
    let holder = match (&address.holder, &address.target_private_ip) {
        (Some(HolderName::Node(name)), Some(ip)) => format!("on {name} {ip}"),
        (Some(HolderName::Node(name)), None) => format!("on {name}"),
        (Some(HolderName::Nobody), _) => "on nobody".to_owned(),
        (Some(HolderName::Stranger), _) => "on a stranger".to_owned(),
        (Some(HolderName::Former), _) => "on a former node".to_owned(),
        (Some(HolderName::Misplaced), _) => "misplaced".to_owned(),
        (None, _) => "holder unknown".to_owned(),
    };
    let source = address.holder_source.zip(address.holder_age_ms).map(|(source, ms)| {
        let source = match source {
            HolderSource::Imds => "IMDS",
            HolderSource::Ec2 => "EC2",
            HolderSource::Reply => "EC2's reply",
            HolderSource::Peer => "the peer's word",
        };
        format!("by {source} {} ago", age(ms))
    });
    let checked = match address.holder_source {
        Some(HolderSource::Ec2) => None,
        Some(HolderSource::Imds | HolderSource::Reply | HolderSource::Peer) | None => {
            address.ec2_checked_ago_ms.map(|ms| format!("by EC2 {} ago", age(ms)))
        }
    };
    let name = address.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    vec![
        or_dash(address.public_ip.as_deref()),
        format!("{}{name}", address.allocation_id),
        holder,
        [source, checked].into_iter().flatten().collect::<Vec<_>>().join(", "),
    ]
}

/// Who answered what: whether the witness answers, and when it last brought an answer of the peer.
fn witness_row(witness: &WitnessStatus) -> Vec<String> {
    let answered = witness.answered_ago_ms.map(age);
    let answers = match (witness.answers, answered) {
        (Some(true), Some(age)) => format!("answered {age} ago"),
        (Some(true), None) => "answers".to_owned(),
        (Some(false), Some(age)) => format!("silent, answered {age} ago"),
        (Some(false), None) => "silent, never answered".to_owned(),
        (None, _) => "not asked yet".to_owned(),
    };
    let proved = witness.proved_ago_ms.map_or_else(
        || "never brought the peer's answer".to_owned(),
        |ms| format!("brought the peer's answer {} ago", age(ms)),
    );
    vec![format!("witness {}", witness.address), answers, proved]
}

/// The last takeover; `of` says of which address of several.
fn takeover(of: &str, takeover: &TakeoverStatus) -> String {
    let from = match &takeover.from {
        Some(HolderName::Node(name)) => name,
        Some(HolderName::Nobody) => "nobody",
        Some(HolderName::Stranger) => "a stranger",
        Some(HolderName::Former) => "a former node",
        Some(HolderName::Misplaced) => "misplaced",
        None => "unknown",
    };
    let times = [
        ("detect", takeover.detect_ms),
        ("api", takeover.api_ms),
        ("verify", takeover.verify_ms),
    ]
    .into_iter()
    .filter_map(|(name, ms)| ms.map(|ms| format!(", {name} {}", seconds(ms))))
    .collect::<String>();
    let attempts = if takeover.attempts > 1 {
        format!(", {} attempts", takeover.attempts)
    } else {
        String::new()
    };
    let TakeoverStatus { to, rule, ago_ms, .. } = takeover;
    format!(
        "  last takeover{of} {} ago: {from} → {to}, rule {rule}{times}{attempts}",
        age(*ago_ms)
    )
}

/// A decision; `about` says about which address of several.
fn decision(about: &str, decision: &DecisionStatus) -> String {
    let rule = decision
        .rule
        .as_ref()
        .map(|rule| format!(", rule {rule}"))
        .unwrap_or_default();
    let evidence = if decision.evidence.is_empty() {
        String::new()
    } else {
        format!(": {}", decision.evidence.join("; "))
    };
    format!("  decision{about}: {}{rule}{evidence}", decision.verdict)
}

fn problem_line(label: &str, problem: &Problem, status: &Status) -> String {
    let of = problem.address.as_ref().map(|id| {
        let address = status.addresses.iter().find(|address| address.allocation_id == *id);
        format!(" of {}", address.map_or(id.as_str(), AddressStatus::label))
    });
    let of = of.unwrap_or_default();
    let hint = problem
        .hint
        .as_ref()
        .map(|hint| format!(" (hint: {hint})"))
        .unwrap_or_default();
    format!("  {label}  {}{of}: {}{hint}", problem.id, problem.text)
}

fn dropped(status: &Status) -> Option<String> {
    let causes: Vec<_> = status
        .drops
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(cause, count)| format!("{cause} {count}"))
        .collect();
    (!causes.is_empty()).then(|| format!("  dropped datagrams: {}", causes.join(", ")))
}

/// Rows as lines whose columns begin at the same place.
fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(column, cell)| format!("  {cell:<width$}", width = width(column).unwrap_or(0)));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn or_dash(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

/// A time span in its largest useful unit, rounded down.
fn age(ms: u64) -> String {
    const SECOND: u64 = 1000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match ms {
        0..SECOND => format!("{ms} ms"),
        SECOND..MINUTE => format!("{} s", ms / SECOND),
        MINUTE..HOUR => format!("{} min", ms / MINUTE),
        HOUR..DAY => format!("{} h", ms / HOUR),
        DAY.. => format!("{} d", ms / DAY),
    }
}

/// A duration that people compare: seconds with two decimals.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:02} s", ms / 1000, ms % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_the_largest_unit_that_fits() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (3_600_000, "1 h"),
            (86_400_000, "1 d"),
            (u64::MAX, "213503982334 d"),
        ];
        for (ms, text) in cases {
            assert_eq!(age(ms), text);
        }
    }

    #[test]
    fn a_witness_is_told_with_what_it_brought() {
        let witness = |answers, answered_ago_ms, proved_ago_ms| WitnessStatus {
            address: "10.0.3.10:7695".to_owned(),
            answers,
            answered_ago_ms,
            proved_ago_ms,
            last: None,
        };
        let cases = [
            (
                witness(Some(true), Some(3_000), Some(5_000)),
                "answered 3 s ago",
                "brought the peer's answer 5 s ago",
            ),
            (
                witness(Some(false), Some(60_000), None),
                "silent, answered 1 min ago",
                "never brought the peer's answer",
            ),
            (
                witness(Some(false), None, None),
                "silent, never answered",
                "never brought the peer's answer",
            ),
            (
                witness(None, None, None),
                "not asked yet",
                "never brought the peer's answer",
            ),
        ];
        for (witness, answers, proved) in cases {
            assert_eq!(witness_row(&witness), ["witness 10.0.3.10:7695", answers, proved]);
        }
    }

    #[test]
    fn durations_have_two_decimals() {
        assert_eq!(seconds(930), "0.93 s");
        assert_eq!(seconds(9), "0.00 s");
        assert_eq!(seconds(12_345), "12.34 s");
    }
}
