//! The control protocol: both directions, its bounds, and its versions.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
};

use pair_core::Source;
use pair_wire::control::{
    AddressStatus, AgentStatus, Command, DecisionStatus, DiscoveryStatus, EndingCause, EndingStatus, HolderName,
    HolderSource, KeysStatus, LineError, Link, NodeStatus, PathState, PathStatus, PeerKeysStatus, PeerStatus, Problem,
    ReadyStatus, RecorderStatus, Request, Response, Role, STATUS_VERSION, Severity, State, Status, TakeoverStatus,
    TransitionKind, WitnessStatus, decode_line, encode_line, read_line, write_line,
};
use proptest::prelude::*;

#[test]
fn requests_have_these_bytes() {
    let cases = [
        (
            Request::new(Command::Status),
            "{\"version\":1,\"command\":\"status\"}\n",
        ),
        (
            Request::new(Command::Failover {
                to: Some("b".to_owned()),
                force: false,
                drill: false,
            }),
            "{\"version\":1,\"command\":{\"failover\":{\"to\":\"b\"}}}\n",
        ),
        (
            Request::new(Command::Failover {
                to: None,
                force: false,
                drill: false,
            }),
            "{\"version\":1,\"command\":{\"failover\":{\"to\":null}}}\n",
        ),
        (
            Request::new(Command::Failover {
                to: None,
                force: true,
                drill: true,
            }),
            "{\"version\":1,\"command\":{\"failover\":{\"to\":null,\"force\":true,\"drill\":true}}}\n",
        ),
        (
            Request::new(Command::Reload),
            "{\"version\":1,\"command\":\"reload\"}\n",
        ),
        (
            Request::new(Command::Events { after: 17, since_ms: 0 }),
            "{\"version\":1,\"command\":{\"events\":{\"after\":17,\"since_ms\":0}}}\n",
        ),
        (Request::new(Command::Why), "{\"version\":1,\"command\":\"why\"}\n"),
        (
            Request::new(Command::Doctor),
            "{\"version\":1,\"command\":\"doctor\"}\n",
        ),
        (
            Request::new(Command::Export { id: None, from: 0 }),
            "{\"version\":1,\"command\":{\"export\":{\"id\":null,\"from\":0}}}\n",
        ),
        (
            Request::new(Command::Export {
                id: Some(3),
                from: 28_672,
            }),
            "{\"version\":1,\"command\":{\"export\":{\"id\":3,\"from\":28672}}}\n",
        ),
    ];
    for (request, line) in cases {
        assert_eq!(String::from_utf8(encode_line(&request).unwrap()).unwrap(), line);
        assert_eq!(decode_line::<Request>(line.as_bytes()).unwrap(), request);
    }
}

#[test]
fn responses_have_these_bytes() {
    let cases = [
        (
            Response::done("moved a → b"),
            "{\"version\":1,\"outcome\":{\"ok\":{\"done\":{\"text\":\"moved a → b\"}}}}\n",
        ),
        (
            Response::refused("node b is not ready", Some("see `pairctl status`".to_owned())),
            "{\"version\":1,\"outcome\":{\"refused\":{\"reason\":\"node b is not ready\",\"hint\":\"see `pairctl status`\"}}}\n",
        ),
        (
            Response::error("no such command"),
            "{\"version\":1,\"outcome\":{\"error\":{\"message\":\"no such command\"}}}\n",
        ),
    ];
    for (response, line) in cases {
        assert_eq!(String::from_utf8(encode_line(&response).unwrap()).unwrap(), line);
        assert_eq!(decode_line::<Response>(line.as_bytes()).unwrap(), response);
    }
}

#[test]
fn a_status_document_has_these_fields() {
    let document = include_str!("../golden/status.json");
    let read: Status = serde_json::from_str(document).unwrap();
    assert_eq!(read, status());
    let written: serde_json::Value = serde_json::to_value(status()).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(document).unwrap());
}

#[test]
fn a_reader_ignores_fields_of_a_later_daemon() {
    let line = br#"{"version":1,"later":true,"outcome":{"ok":{"done":{"text":"x","took_ms":1}}}}"#;
    assert_eq!(decode_line::<Response>(line).unwrap(), Response::done("x"));
}

#[test]
fn a_daemon_does_not_ignore_options_that_it_does_not_know() {
    let line = br#"{"version":1,"command":{"failover":{"to":"b","dry_run":true}}}"#;
    assert!(matches!(decode_line::<Request>(line), Err(LineError::Malformed(_))));
    assert!(matches!(
        decode_line::<Request>(br#"{"version":1,"command":"erase"}"#),
        Err(LineError::Malformed(_))
    ));
}

#[test]
fn another_version_is_told_before_anything_else_is_looked_at() {
    let line = br#"{"version":2,"question":["what","else"]}"#;
    assert!(matches!(
        decode_line::<Request>(line),
        Err(LineError::Version { theirs: 2 })
    ));
}

#[test]
fn a_message_over_its_limit_is_neither_written_nor_read() {
    let request = Request::new(Command::Failover {
        to: Some("b".repeat(4096)),
        force: false,
        drill: false,
    });
    assert!(matches!(encode_line(&request), Err(LineError::TooLong { limit: 4096 })));
    let line = serde_json::to_vec(&request).unwrap();
    assert!(matches!(
        decode_line::<Request>(&line),
        Err(LineError::TooLong { limit: 4096 })
    ));

    let mut endless = CountingZeros(0);
    assert!(matches!(
        read_line::<Request>(&mut endless),
        Err(LineError::TooLong { limit: 4096 })
    ));
    assert_eq!(endless.0, 4096, "not a byte more was read than the limit");
    let mut endless = CountingZeros(0);
    assert!(matches!(
        read_line::<Response>(&mut endless),
        Err(LineError::TooLong { limit: 131_072 })
    ));
    assert_eq!(endless.0, 131_072, "not a byte more was read than the limit");
}

#[test]
fn a_message_is_read_from_pieces_and_only_to_its_end() {
    let mut line = Vec::new();
    write_line(&mut line, &Request::new(Command::Status)).unwrap();
    line.extend_from_slice(b"and more");
    let mut pieces = OneByteAtATime(Cursor::new(line));
    assert_eq!(
        read_line::<Request>(&mut pieces).unwrap(),
        Request::new(Command::Status)
    );
}

#[test]
fn a_message_that_ends_too_early_says_how_far_it_came() {
    let mut cut = Cursor::new(br#"{"version":1,"#.to_vec());
    assert!(matches!(
        read_line::<Request>(&mut cut),
        Err(LineError::Cut { received: 13 })
    ));
}

#[test]
fn an_interrupted_read_goes_on_and_a_failed_one_is_told() {
    let line = encode_line(&Request::new(Command::Status)).unwrap();
    let mut interrupted = FailingOnce(Some(io::ErrorKind::Interrupted), Cursor::new(line.clone()));
    assert_eq!(
        read_line::<Request>(&mut interrupted).unwrap(),
        Request::new(Command::Status)
    );
    let mut late = FailingOnce(Some(io::ErrorKind::WouldBlock), Cursor::new(line));
    let error = read_line::<Request>(&mut late).unwrap_err();
    assert!(matches!(error, LineError::Io(error) if error.kind() == io::ErrorKind::WouldBlock));
}

#[test]
fn a_holder_and_where_it_is_known_from_have_these_names() {
    for (holder, name) in [
        (HolderName::Node("a".to_owned()), "\"a\""),
        (HolderName::Nobody, "\"nobody\""),
        (HolderName::Stranger, "\"stranger\""),
        (HolderName::Former, "\"former\""),
        (HolderName::Misplaced, "\"misplaced\""),
    ] {
        assert_eq!(serde_json::to_string(&holder).unwrap(), name);
        assert_eq!(serde_json::from_str::<HolderName>(name).unwrap(), holder);
    }
    for (source, name) in [
        (Source::Imds, "\"imds\""),
        (Source::Ec2, "\"ec2\""),
        (Source::Reply, "\"reply\""),
        (Source::Peer, "\"peer\""),
    ] {
        assert_eq!(serde_json::to_string(&HolderSource::from(source)).unwrap(), name);
    }
}

#[test]
fn who_may_only_look_may_ask_for_what_shows_no_recording_and_changes_nothing() {
    for (command, is_order, is_for_everybody) in [
        (Command::Status, false, true),
        (Command::Why, false, true),
        (Command::Doctor, false, false),
        (Command::Export { id: None, from: 0 }, false, false),
        (
            Command::Failover {
                to: None,
                force: false,
                drill: false,
            },
            true,
            false,
        ),
        (Command::Reload, true, false),
        (Command::Events { after: 0, since_ms: 0 }, false, true),
        (
            Command::Hold {
                for_ms: 1,
                reason: None,
            },
            true,
            false,
        ),
        (Command::Resume, true, false),
        (Command::Leave, true, false),
        (Command::LeaveUntilBoot, true, false),
        (Command::Join, true, false),
        (Command::JoinIfUntilBoot, true, false),
    ] {
        let answers = (command.is_order(), command.is_for_everybody());
        assert_eq!(answers, (is_order, is_for_everybody), "{command:?}");
    }
}

#[test]
fn the_word_for_a_kind_of_transition_is_the_one_in_the_document() {
    for kind in [
        TransitionKind::Link,
        TransitionKind::Peer,
        TransitionKind::Holder,
        TransitionKind::Decision,
        TransitionKind::Claim,
        TransitionKind::Takeover,
        TransitionKind::Pause,
        TransitionKind::Silence,
        TransitionKind::Witness,
        TransitionKind::Path,
        TransitionKind::Hold,
        TransitionKind::Membership,
        TransitionKind::Order,
        TransitionKind::Reload,
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
    }
}

#[test]
fn the_state_is_as_bad_as_the_worst_problem() {
    let problem = |severity| Problem {
        id: "x".to_owned(),
        severity,
        text: "x".to_owned(),
        hint: None,
        address: None,
    };
    assert_eq!(State::of(&[]), State::Healthy);
    assert_eq!(State::of(&[problem(Severity::Degraded)]), State::Degraded);
    assert_eq!(
        State::of(&[problem(Severity::Critical), problem(Severity::Degraded)]),
        State::Critical
    );
}

#[test]
fn a_loop_that_stood_still_makes_a_document_stale() {
    let agent = AgentStatus {
        written_at_loop_age_ms: 2000,
        ..status().agent
    };
    assert!(!agent.is_stale());
    assert!(
        AgentStatus {
            written_at_loop_age_ms: 2001,
            ..agent
        }
        .is_stale()
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_understood_or_not(line in prop::collection::vec(any::<u8>(), 0..5000)) {
        let _: Result<Request, LineError> = decode_line(&line);
        let _: Result<Response, LineError> = read_line(&mut Cursor::new(line));
    }

    #[test]
    fn damaged_responses_are_understood_or_not(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut line = encode_line(&Response::status(status())).unwrap();
        let place = place.index(line.len());
        line[place] = byte;
        let _: Result<Response, LineError> = decode_line(&line);
    }
}

#[test]
fn nesting_does_not_overflow_the_stack() {
    let line = "[".repeat(60_000);
    assert!(matches!(
        decode_line::<Response>(line.as_bytes()),
        Err(LineError::Malformed(_))
    ));
    let line = format!("{{\"version\":1,\"x\":{}", "[".repeat(60_000));
    assert!(matches!(
        decode_line::<Response>(line.as_bytes()),
        Err(LineError::Malformed(_))
    ));
}

/// What `golden/status.json` says.
fn status() -> Status {
    let problem = Problem {
        id: "not-ready".to_owned(),
        severity: Severity::Degraded,
        text: "EC2 denies AssociateAddress to this node".to_owned(),
        hint: Some("attach the policy in deploy/iam to the instance's role".to_owned()),
        address: None,
    };
    Status {
        version: STATUS_VERSION,
        pair: "lb-1".to_owned(),
        state: State::Degraded,
        problems: vec![problem.clone()],
        node: NodeStatus {
            name: "b".to_owned(),
            instance_id: Some("i-0bbbbbbbbbbbbbbbb".to_owned()),
            private_ip: Some("10.0.2.10".to_owned()),
            zone: Some("us-east-1b".to_owned()),
            role: Role::Passive,
            service: "haproxy ok".to_owned(),
            ready: Some(false),
            leaving: Some(false),
            ending: None,
        },
        peer: PeerStatus {
            node: NodeStatus {
                name: "a".to_owned(),
                instance_id: None,
                private_ip: Some("10.0.1.10".to_owned()),
                zone: None,
                role: Role::Active,
                service: "unknown".to_owned(),
                ready: None,
                leaving: Some(false),
                ending: Some(EndingStatus {
                    cause: EndingCause::Spot,
                    left_ms: Some(110_000),
                    hands_over: true,
                }),
            },
            link: Link::OneWay,
            heard_ago_ms: Some(80),
            rtt_ms: Some(0.6),
            loss_percent: Some(12.5),
            probe: Some("ok 3 s ago".to_owned()),
            agent_version: Some("0.1.0".to_owned()),
            paths: vec![PathStatus {
                own: "10.0.2.10".to_owned(),
                peer: "10.0.1.10".to_owned(),
                state: PathState::Alive,
                heard_ago_ms: Some(80),
                loss_percent: Some(12),
                peer_hears: Some(false),
            }],
        },
        addresses: vec![AddressStatus {
            public_ip: Some("203.0.113.10".to_owned()),
            allocation_id: "eipalloc-0123456789abcdef0".to_owned(),
            association_id: Some("eipassoc-0123456789abcdef0".to_owned()),
            holder: Some(HolderName::Node("a".to_owned())),
            holder_source: Some(HolderSource::Ec2),
            holder_age_ms: Some(1000),
            target_private_ip: Some("10.0.1.10".to_owned()),
            ec2_checked_ago_ms: Some(240_000),
            name: Some("blue".to_owned()),
            role: Role::Active,
            private_ip: Some("10.0.1.10".to_owned()),
            ready: Some(ReadyStatus {
                ready: true,
                reasons: Vec::new(),
                checked_ago_ms: Some(4000),
            }),
            peer_ready: Some(false),
            decision: Some(DecisionStatus {
                verdict: "serve".to_owned(),
                rule: Some("F-1".to_owned()),
                evidence: Vec::new(),
            }),
            hold_left_ms: Some(1000),
            moves_lately: 2,
            last_takeover: None,
        }],
        witnesses: vec![WitnessStatus {
            address: "10.0.3.10:7695".to_owned(),
            answers: Some(true),
            answered_ago_ms: Some(2_000),
            proved_ago_ms: Some(2_000),
            last: Some("brought the peer's answer".to_owned()),
        }],
        ready: ReadyStatus {
            ready: false,
            reasons: vec![problem],
            checked_ago_ms: Some(4000),
        },
        decision: DecisionStatus {
            verdict: "wait".to_owned(),
            rule: Some("F-2".to_owned()),
            evidence: vec!["the peer is heard and does not hear this node".to_owned()],
        },
        hold_left_ms: None,
        moves_lately: 0,
        last_takeover: Some(TakeoverStatus {
            from: Some(HolderName::Nobody),
            to: "b".to_owned(),
            rule: "F-6d".to_owned(),
            at: "2026-01-02T03:04:05Z".to_owned(),
            ago_ms: 259_200_000,
            detect_ms: None,
            api_ms: Some(310),
            verify_ms: Some(110),
            attempts: 1,
        }),
        drops: BTreeMap::from([("replayed".to_owned(), 3), ("tag".to_owned(), 0)]),
        keys: Some(KeysStatus {
            file: "/etc/paird/key".to_owned(),
            signs: 1,
            accepts: vec![1, 2],
            peer: Some(PeerKeysStatus {
                signs: 1,
                accepts: vec![1],
                accepts_another: false,
            }),
        }),
        discovery: Some(DiscoveryStatus {
            tag: "paird:pair=lb-1".to_owned(),
            asked_ago_ms: 3_000,
            spares: vec!["i-0cccccccccccccccc".to_owned()],
        }),
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

/// Zeros without end, counted.
struct CountingZeros(usize);

impl Read for CountingZeros {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        out.fill(b'0');
        self.0 += out.len();
        Ok(out.len())
    }
}

struct OneByteAtATime<R>(R);

impl<R: Read> Read for OneByteAtATime<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(&mut out[..1])
    }
}

/// Fails in this way once, then goes on.
struct FailingOnce<R>(Option<io::ErrorKind>, R);

impl<R: Read> Read for FailingOnce<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.0.take() {
            Some(kind) => Err(kind.into()),
            None => self.1.read(out),
        }
    }
}
