//! Status documents of the pair `lb-1`, as its node `a` writes them.

use std::collections::BTreeMap;

use pair_wire::control::{
    AddressStatus, AgentStatus, DecisionStatus, HolderName, HolderSource, Link, NodeStatus, PeerStatus, Problem,
    ReadyStatus, RecorderStatus, Role, STATUS_VERSION, Severity, State, Status, TakeoverStatus,
};

/// Node `a` holds the address, node `b` stands by.
pub(crate) fn healthy() -> Status {
    Status {
        version: STATUS_VERSION,
        pair: "lb-1".to_owned(),
        state: State::Healthy,
        problems: Vec::new(),
        node: NodeStatus {
            name: "a".to_owned(),
            instance_id: Some("i-0aaaaaaaaaaaaaaaa".to_owned()),
            private_ip: Some("10.0.1.10".to_owned()),
            zone: Some("us-east-1a".to_owned()),
            role: Role::Active,
            service: "haproxy ok".to_owned(),
            ready: Some(true),
            leaving: Some(false),
            ending: None,
        },
        peer: PeerStatus {
            node: NodeStatus {
                name: "b".to_owned(),
                instance_id: Some("i-0bbbbbbbbbbbbbbbb".to_owned()),
                private_ip: Some("10.0.12.10".to_owned()),
                zone: Some("us-east-1b".to_owned()),
                role: Role::Passive,
                service: "haproxy ok".to_owned(),
                ready: Some(true),
                leaving: Some(false),
                ending: None,
            },
            link: Link::Up,
            heard_ago_ms: Some(80),
            rtt_ms: Some(0.58),
            loss_percent: Some(0.0),
            probe: Some("ok 3 s ago".to_owned()),
            agent_version: Some("0.1.0".to_owned()),
            paths: Vec::new(),
        },
        addresses: vec![AddressStatus {
            public_ip: Some("203.0.113.10".to_owned()),
            allocation_id: "eipalloc-0123456789abcdef0".to_owned(),
            association_id: Some("eipassoc-0123456789abcdef0".to_owned()),
            holder: Some(HolderName::Node("a".to_owned())),
            holder_source: Some(HolderSource::Imds),
            holder_age_ms: Some(1000),
            target_private_ip: Some("10.0.1.10".to_owned()),
            ec2_checked_ago_ms: Some(240_000),
            name: None,
            role: Role::Active,
            private_ip: Some("10.0.1.10".to_owned()),
            ready: Some(ReadyStatus {
                ready: true,
                reasons: Vec::new(),
                checked_ago_ms: Some(4000),
            }),
            peer_ready: Some(true),
            decision: None,
            hold_left_ms: None,
            moves_lately: 0,
            last_takeover: None,
        }],
        witnesses: Vec::new(),
        ready: ReadyStatus {
            ready: true,
            reasons: Vec::new(),
            checked_ago_ms: Some(4000),
        },
        decision: DecisionStatus {
            verdict: "stay".to_owned(),
            rule: None,
            evidence: Vec::new(),
        },
        hold_left_ms: None,
        moves_lately: 0,
        last_takeover: Some(TakeoverStatus {
            from: Some(HolderName::Node("b".to_owned())),
            to: "a".to_owned(),
            rule: "F-6a".to_owned(),
            at: "2026-01-02T03:04:05Z".to_owned(),
            ago_ms: 3 * 86_400_000,
            detect_ms: Some(930),
            api_ms: Some(310),
            verify_ms: Some(110),
            attempts: 1,
        }),
        drops: BTreeMap::from([("replayed".to_owned(), 0), ("tag".to_owned(), 0)]),
        keys: None,
        discovery: None,
        recorder: RecorderStatus {
            written: 2,
            failed: 0,
            events_lost: 0,
        },
        agent: AgentStatus {
            version: "0.1.0".to_owned(),
            pid: 4242,
            uptime_ms: 3_600_000,
            as_of_ms: 1_767_323_045_000,
            written_at_loop_age_ms: 12,
            loop_stale_after_ms: 2000,
        },
    }
}

/// The same from node `b`.
pub(crate) fn healthy_on_b() -> Status {
    let a = healthy();
    Status {
        node: a.peer.node.clone(),
        peer: PeerStatus {
            node: a.node.clone(),
            heard_ago_ms: Some(120),
            ..a.peer.clone()
        },
        hold_left_ms: None,
        last_takeover: None,
        ..a
    }
}

/// Each node holds one of two addresses, and node `a` could not take the second.
pub(crate) fn mutual_backup() -> Status {
    let one = healthy();
    let denied = Problem {
        id: "ec2-denied".to_owned(),
        severity: Severity::Degraded,
        text: "this node may not take the address".to_owned(),
        hint: None,
        address: Some("eipalloc-0123456789abcdef1".to_owned()),
    };
    let first = AddressStatus {
        last_takeover: one.last_takeover.clone(),
        decision: Some(one.decision.clone()),
        ..one.addresses[0].clone()
    };
    let second = AddressStatus {
        name: Some("second".to_owned()),
        public_ip: Some("203.0.113.11".to_owned()),
        allocation_id: "eipalloc-0123456789abcdef1".to_owned(),
        holder: Some(HolderName::Node("b".to_owned())),
        holder_source: Some(HolderSource::Ec2),
        target_private_ip: Some("10.0.12.11".to_owned()),
        role: Role::Passive,
        ready: Some(ReadyStatus {
            ready: false,
            reasons: vec![denied.clone()],
            checked_ago_ms: Some(4000),
        }),
        decision: Some(DecisionStatus {
            verdict: "wait".to_owned(),
            rule: Some("F-19".to_owned()),
            evidence: Vec::new(),
        }),
        last_takeover: None,
        ..first.clone()
    };
    Status {
        state: State::Degraded,
        problems: vec![denied],
        peer: PeerStatus {
            node: NodeStatus {
                role: Role::Active,
                ..one.peer.node.clone()
            },
            ..one.peer.clone()
        },
        addresses: vec![first, second],
        ..one
    }
}

/// Node `b` is presumed dead.
pub(crate) fn degraded() -> Status {
    let a = healthy();
    let problem = Problem {
        id: "peer-presumed-dead".to_owned(),
        severity: Severity::Degraded,
        text: "node b has been silent for 12 s".to_owned(),
        hint: Some("see whether its host and its paird run".to_owned()),
        address: None,
    };
    let node = NodeStatus {
        ready: None,
        service: "unknown".to_owned(),
        ..a.peer.node.clone()
    };
    Status {
        state: State::Degraded,
        problems: vec![problem],
        peer: PeerStatus {
            node,
            link: Link::PresumedDead,
            heard_ago_ms: Some(12_345),
            probe: Some("silent for 11 s".to_owned()),
            agent_version: Some("0.0.9".to_owned()),
            paths: Vec::new(),
            ..a.peer.clone()
        },
        drops: BTreeMap::from([
            ("replayed".to_owned(), 3),
            ("tag".to_owned(), 12),
            ("magic".to_owned(), 0),
        ]),
        ..a
    }
}

/// A stranger holds the address, the peer was never heard, and this node may not claim.
pub(crate) fn critical() -> Status {
    let a = healthy();
    let stranger = Problem {
        id: "stranger-holds".to_owned(),
        severity: Severity::Critical,
        text: "203.0.113.10 is on i-0cccccccccccccccc, outside the pair".to_owned(),
        hint: Some("paird never takes it from there: associate it with a node of the pair".to_owned()),
        address: None,
    };
    let denied = Problem {
        id: "denied".to_owned(),
        severity: Severity::Degraded,
        text: "EC2 denies AssociateAddress".to_owned(),
        hint: None,
        address: None,
    };
    let unknown = NodeStatus {
        instance_id: None,
        zone: None,
        role: Role::Passive,
        service: "unknown".to_owned(),
        ready: None,
        ..a.peer.node.clone()
    };
    Status {
        state: State::Critical,
        problems: vec![stranger],
        node: NodeStatus {
            role: Role::Passive,
            ready: Some(false),
            ..a.node.clone()
        },
        peer: PeerStatus {
            node: unknown,
            link: Link::NeverHeard,
            heard_ago_ms: None,
            rtt_ms: None,
            loss_percent: None,
            probe: None,
            agent_version: None,
            paths: Vec::new(),
        },
        addresses: vec![AddressStatus {
            holder: Some(HolderName::Stranger),
            holder_source: Some(HolderSource::Ec2),
            target_private_ip: None,
            ..a.addresses[0].clone()
        }],
        ready: ReadyStatus {
            ready: false,
            reasons: vec![denied],
            checked_ago_ms: Some(4000),
        },
        decision: DecisionStatus {
            verdict: "leave it".to_owned(),
            rule: Some("F-9".to_owned()),
            evidence: vec!["held by a stranger".to_owned(), "by EC2".to_owned()],
        },
        hold_left_ms: None,
        last_takeover: None,
        ..a
    }
}
