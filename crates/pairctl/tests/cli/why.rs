//! `pairctl why`: what it prints, what it exports, and how it merges two recordings.

use std::{borrow::Cow, fs, path::Path, time::Duration};

use pair_wire::{
    control::{Answer, Command, Outcome, Part, Request, Response, Times, Transition, TransitionKind, WHY_VERSION, Why},
    trace::{Header, Line, TRACE_VERSION, write_line},
};
use tempfile::TempDir;

use crate::daemon::{Daemon, Ran, run};

#[test]
fn transitions_are_paragraphs_with_rule_evidence_and_times() {
    let text = "\
2026-01-02T03:04:04.677Z  b  link  a is presumed-dead
    before: suspect
    silent for 1.00 s
2026-01-02T03:04:04.678Z  b  decision  claim: take the address, by rule F-6a
    before: wait: the peer is suspect
    holder a; link presumed-dead, silent for 1001 ms; testimony: heartbeats came and stopped
2026-01-02T03:04:05.098Z  b  takeover  the address came from a and is verified here, by rule F-6a
    detect 1.00 s, api 0.31 s, verify 0.11 s, 1 attempt
";
    assert_eq!(told(takeover(), &["why"]), ran(0, text));
}

#[test]
fn a_quiet_node_says_so() {
    let text = "nothing has changed since the daemon started\n";
    assert_eq!(told(Vec::new(), &["why"]), ran(0, text));
}

#[test]
fn json_is_the_document() {
    let printed = told(takeover(), &["why", "--json"]);
    assert_eq!(serde_json::from_str::<Why>(&printed.out).unwrap(), why(takeover()));
}

#[test]
fn a_document_of_another_version_is_not_guessed_at() {
    let later = Why {
        version: 9,
        ..why(Vec::new())
    };
    let response = Response::new(Outcome::Ok(Answer::Why(later)));
    let printed = Daemon::answering(Request::new(Command::Why), &response).run(&["why"]);
    assert_eq!((printed.code, printed.out.as_str()), (3, ""));
    assert!(printed.err.contains("account has version 9"), "{}", printed.err);
}

#[test]
fn an_export_goes_to_a_file_or_to_the_output() {
    let trace = trace("b", "a", 0, Vec::new());
    assert_eq!(exporting(&trace, &["why", "--export", "-"]), ran(0, &trace));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("b.trace");
    assert_eq!(exporting(&trace, &["why", "--export", path(&file)]), ran(0, ""));
    assert_eq!(fs::read_to_string(&file).unwrap(), trace);
    let nowhere = folder.path().join("no/b.trace");
    let failed = exporting(&trace, &["why", "--export", path(&nowhere)]);
    assert_eq!((failed.code, failed.out.as_str()), (5, ""));
    assert!(failed.err.starts_with("pairctl: cannot write "), "{}", failed.err);
}

#[test]
fn parts_that_do_not_follow_each_other_are_no_export() {
    for (from, total, text) in [(7, 10, "x"), (0, 10, ""), (0, u64::MAX, "x")] {
        let part = part(from, total, text);
        let printed = Daemon::answering(first(), &part).run(&["why", "--export", "-"]);
        assert_eq!((printed.code, printed.out.as_str()), (3, ""), "{from} {total} {text:?}");
    }
}

#[test]
fn two_recordings_share_one_time_line() {
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("a.trace");
    let late = transition("a", 4_900, TransitionKind::Pause, "this node was paused");
    fs::write(&other, trace("a", "b", 0, vec![late])).unwrap();
    let merged = exporting(&trace("b", "a", 0, takeover()), &["why", "--with", path(&other)]);
    let text = "\
how far the clock of a is off is not known: the recordings share too few heartbeats
2026-01-02T03:04:04.677Z  b  link  a is presumed-dead
    before: suspect
    silent for 1.00 s
2026-01-02T03:04:04.678Z  b  decision  claim: take the address, by rule F-6a
    before: wait: the peer is suspect
    holder a; link presumed-dead, silent for 1001 ms; testimony: heartbeats came and stopped
2026-01-02T03:04:04.900Z  a  pause  this node was paused
2026-01-02T03:04:05.098Z  b  takeover  the address came from a and is verified here, by rule F-6a
    detect 1.00 s, api 0.31 s, verify 0.11 s, 1 attempt
";
    assert_eq!(merged, ran(0, text));
}

#[test]
fn a_clock_that_is_ahead_is_set_right_and_the_uncertainty_is_told() {
    let folder = TempDir::new().unwrap();
    let (own, other) = (folder.path().join("b.trace"), folder.path().join("a.trace"));
    // The clock of a is some 5 s ahead: what b heard at 14 ms, a had sent at 5012 ms of its clock.
    let (hears_2_9, hears_1_1) = (heartbeat(2, 9, (1, 1, 2)), heartbeat(1, 1, (2, 8, 1)));
    let of_b = trace("b", "a", 0, takeover()) + &heard(14, &hears_2_9);
    let ahead = transition("a", 9_900, TransitionKind::Pause, "this node was paused");
    let of_a = trace("a", "b", 5_000, vec![ahead]) + &heard(10, &hears_1_1) + &heard(20, &heartbeat(1, 2, (2, 9, 1)));
    fs::write(&own, of_b).unwrap();
    fs::write(&other, of_a).unwrap();
    let merged = run(&["why", "--from", path(&own), "--with", path(&other)]);
    assert_eq!((merged.code, merged.err.as_str()), (0, ""));
    let lines: Vec<_> = merged.out.lines().collect();
    assert_eq!(
        lines[0],
        "the clock of a is 4998.000 ms to 5005.000 ms ahead, by the heartbeats in both recordings, and is set right here"
    );
    assert!(
        merged
            .out
            .contains("\n2026-01-02T03:04:04.899Z  a  pause  this node was paused\n2026-01-02T03:04:05.098Z  b "),
        "{}",
        merged.out
    );
    let behind = run(&["why", "--from", path(&other), "--with", path(&own)]);
    let line = "the clock of b is 4998.000 ms to 5005.000 ms behind, by the heartbeats in both recordings, and is set right here";
    assert_eq!(behind.out.lines().next(), Some(line));
}

#[test]
fn what_is_no_recording_of_the_peer_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("x.trace");
    let cases = [
        (
            trace("b", "a", 0, Vec::new()),
            "recorded by b of pair lb-1, and not by a of pair lb-1",
        ),
        (
            trace("a", "b", 0, Vec::new()).replace("lb-1", "lb-2"),
            "recorded by a of pair lb-2, and not by a of pair lb-1",
        ),
        (
            "# a schedule\nseed 7\n".to_owned(),
            "line 1: not the first line of a trace: expected value",
        ),
        (
            trace("a", "b", 0, Vec::new()) + "{\"input\":[1]}\n",
            "line 3: not a line of a trace",
        ),
    ];
    for (text, complaint) in cases {
        fs::write(&file, text).unwrap();
        let printed = exporting(&trace("b", "a", 0, takeover()), &["why", "--with", path(&file)]);
        assert_eq!((printed.code, printed.out.as_str()), (5, ""), "{complaint}");
        assert!(
            printed.err.contains(complaint) && printed.err.contains("hint: "),
            "{}",
            printed.err
        );
    }
    let absent = run(&["why", "--from", path(&folder.path().join("absent"))]);
    assert_eq!(absent.code, 5);
    assert!(absent.err.contains("cannot be read: No such file"), "{}", absent.err);
}

fn told(transitions: Vec<Transition>, args: &[&str]) -> Ran {
    let response = Response::new(Outcome::Ok(Answer::Why(why(transitions))));
    Daemon::answering(Request::new(Command::Why), &response).run(args)
}

/// Runs a command against a daemon whose record this is.
fn exporting(trace: &str, args: &[&str]) -> Ran {
    Daemon::answering(first(), &part(0, trace.len() as u64, trace)).run(args)
}

fn first() -> Request {
    Request::new(Command::Export { id: None, from: 0 })
}

fn part(from: u64, total: u64, text: &str) -> Response {
    let text = text.to_owned();
    Response::new(Outcome::Ok(Answer::Part(Part {
        id: 1,
        from,
        total,
        text,
    })))
}

fn why(transitions: Vec<Transition>) -> Why {
    Why {
        version: WHY_VERSION,
        pair: "lb-1".to_owned(),
        clock: None,
        transitions,
    }
}

/// What a standby tells of a takeover.
fn takeover() -> Vec<Transition> {
    let link = Transition {
        before: Some("suspect".to_owned()),
        silence_ms: Some(1_001),
        ..transition("b", 4_677, TransitionKind::Link, "a is presumed-dead")
    };
    let decision = Transition {
        before: Some("wait: the peer is suspect".to_owned()),
        rule: Some("F-6a".to_owned()),
        evidence: vec![
            "holder a".to_owned(),
            "link presumed-dead, silent for 1001 ms".to_owned(),
            "testimony: heartbeats came and stopped".to_owned(),
        ],
        silence_ms: Some(1_001),
        ..transition("b", 4_678, TransitionKind::Decision, "claim: take the address")
    };
    let text = "the address came from a and is verified here";
    let takeover = Transition {
        rule: Some("F-6a".to_owned()),
        times: Some(Times {
            detect_ms: Some(1_001),
            api_ms: 310,
            verify_ms: Some(110),
            attempts: 1,
        }),
        ..transition("b", 5_098, TransitionKind::Takeover, text)
    };
    vec![link, decision, takeover]
}

/// A transition so many milliseconds after 03:04:00.
fn transition(node: &str, ms: u64, kind: TransitionKind, text: &str) -> Transition {
    Transition {
        node: node.to_owned(),
        unix_ms: 1_767_323_040_000 + ms,
        at: format!("2026-01-02T03:04:{:02}.{:03}Z", ms / 1000, ms % 1000),
        kind,
        text: text.to_owned(),
        before: None,
        rule: None,
        evidence: Vec::new(),
        silence_ms: None,
        times: None,
        address: None,
    }
}

/// A trace with nothing but a snapshot in it, of a node whose wall clock is so many milliseconds ahead.
fn trace(node: &str, peer: &str, ahead_ms: u64, told: Vec<Transition>) -> String {
    let header = Header {
        version: TRACE_VERSION,
        pair: "lb-1".to_owned(),
        node: node.to_owned(),
        peer: peer.to_owned(),
        agent: "0.1.0".to_owned(),
        config: "0123456789abcdef".to_owned(),
        origin_unix_us: 1_767_323_040_000_000 + ahead_ms * 1_000,
    };
    let second = Duration::from_secs(1);
    let config = pair_core::Config {
        me: pair_core::Member::Second,
        preferred: pair_core::Member::First,
        private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
        interval: second / 5,
        holdtime: second,
        probe_timeout: None,
        lost_contact_takeover: second * 60,
        unfit_delay: second,
        refit: second * 60,
        call_timeout: second * 2,
        preempt_delay: None,
        strict: false,
        restart_grace: second * 10,
        witnesses: pair_core::Witnessing::default(),
        version: pair_core::Version::cut("0.1.0"),
    };
    let start = pair_core::Instant::ZERO;
    let core = pair_core::Node::new(config, 7, start);
    let snapshot = Line::Snapshot(start, Box::new(Cow::Borrowed(&core)));
    let lines = [Line::Trace(header)]
        .into_iter()
        .chain(told.into_iter().map(Line::Told))
        .chain([snapshot]);
    lines.map(|line| text(&line)).collect()
}

/// The line of a heartbeat that was heard at that time.
fn heard(ms: u64, heartbeat: &pair_core::Heartbeat) -> String {
    let at = pair_core::Instant::from_origin(Duration::from_millis(ms));
    text(&Line::Input(
        at,
        Cow::Owned(pair_core::Input::Heartbeat(heartbeat.clone())),
    ))
}

/// A heartbeat of that incarnation and number, which echoes one heard so many milliseconds before.
fn heartbeat(incarnation: u64, sequence: u64, echo: (u64, u64, u32)) -> pair_core::Heartbeat {
    let (echoed, number, age_ms) = echo;
    pair_core::Heartbeat {
        prefix: pair_core::Prefix {
            sender: pair_core::Member::First,
            incarnation: pair_core::Incarnation(incarnation),
            sequence: pair_core::Sequence(sequence),
            echo: Some(pair_core::Echo {
                incarnation: pair_core::Incarnation(echoed),
                sequence: pair_core::Sequence(number),
                age_us: age_ms * 1_000,
            }),
        },
        report: None,
    }
}

fn text(line: &Line<'_>) -> String {
    let mut bytes = Vec::new();
    write_line(&mut bytes, line).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn ran(code: u8, out: &str) -> Ran {
    Ran {
        code,
        out: out.to_owned(),
        err: String::new(),
    }
}
