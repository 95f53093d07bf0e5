//! Traces: the bytes of each line, what is no trace, and what two of them say of two clocks.

use std::borrow::Cow;
use std::time::Duration;

use pair_core::{
    CallFault, CallId, Config, Echo, Event, Heartbeat, Incarnation, Input, Instant, Member, Node, Output, Sequence,
};
use pair_wire::control::{Times, Transition, TransitionKind};
use pair_wire::trace::{Entry, Header, Line, Offset, TRACE_LIMIT, TRACE_VERSION, Trace, TraceError, What, write_line};
use proptest::prelude::*;

use crate::support::active;

const HEADER: &str = "{\"trace\":{\"version\":1,\"pair\":\"lb-1\",\"node\":\"b\",\"peer\":\"a\",\"agent\":\"0.1.0\",\
                      \"config\":\"0123456789abcdef\",\"origin_unix_us\":1767323045000000}}\n";

#[test]
fn lines_have_these_bytes() {
    let told = told();
    let call = Input::Called {
        id: CallId(7),
        result: Err(CallFault::Throttled),
    };
    let believed = Output::Event(Event::PeerIncarnation(Incarnation(5)));
    let cases = [
        (Line::Trace(header(0)), HEADER),
        (
            Line::Told(told),
            "{\"told\":{\"node\":\"b\",\"unix_ms\":1767323045678,\"at\":\"2026-01-02T03:04:05.678Z\",\
             \"kind\":\"takeover\",\"text\":\"the address came from a and is verified here\",\"before\":null,\
             \"rule\":\"F-6a\",\"evidence\":[],\"silence_ms\":null,\
             \"times\":{\"detect_ms\":1001,\"api_ms\":310,\"verify_ms\":null,\"attempts\":1}}}\n",
        ),
        (input(1_500, Input::Wakeup), "{\"input\":[1500000000,\"Wakeup\"]}\n"),
        (
            input(2, call),
            "{\"input\":[2000000,{\"Called\":{\"id\":7,\"result\":{\"Err\":\"Throttled\"}}}]}\n",
        ),
        (
            Line::Output(at(3), Cow::Owned(believed)),
            "{\"output\":[3000000,{\"Event\":{\"PeerIncarnation\":5}}]}\n",
        ),
    ];
    for (line, bytes) in cases {
        assert_eq!(text(std::slice::from_ref(&line)), bytes);
        assert_eq!(serde_json::from_str::<Line<'_>>(bytes).unwrap(), line);
    }
}

#[test]
fn what_is_written_is_read() {
    let lines = [
        Line::Trace(header(0)),
        snapshot(0),
        input(5, Input::Heartbeat(active())),
        input(5, Input::Wakeup),
        snapshot(5),
    ];
    let trace = Trace::parse(&text(&lines)).unwrap();
    assert_eq!(trace.header, header(0));
    let entry = |line, ms, what| Entry { line, at: at(ms), what };
    let expected = [
        entry(2, 0, What::Snapshot(Box::new(node()))),
        entry(3, 5, What::Input(Input::Heartbeat(active()))),
        entry(4, 5, What::Input(Input::Wakeup)),
        entry(5, 5, What::Snapshot(Box::new(node()))),
    ];
    assert_eq!(trace.entries, expected);
}

#[test]
fn what_was_told_comes_before_the_first_snapshot_and_nowhere_else() {
    let first = || Line::Trace(header(0));
    let trace = Trace::parse(&text(&[first(), Line::Told(told()), snapshot(0)])).unwrap();
    assert_eq!((trace.told, trace.entries.len()), (vec![told()], 1));
    let late = text(&[first(), snapshot(0), Line::Told(told())]);
    assert!(matches!(
        Trace::parse(&late),
        Err(TraceError::Misplaced { line: 3, .. })
    ));
}

#[test]
fn what_is_no_trace_is_refused_with_the_line_that_shows_it() {
    let first = || Line::Trace(header(0));
    let wakeup = |ms| input(ms, Input::Wakeup);
    let sound = text(&[first(), snapshot(0), wakeup(1)]);
    let cases = [
        (String::new(), "line 1: not the first line of a trace"),
        ("seed 7\n".to_owned(), "line 1: not the first line of a trace"),
        (text(&[snapshot(0)]), "line 1: not the first line of a trace"),
        (
            sound.replace("\"version\":1,\"pair\"", "\"version\":2,\"pear\""),
            "line 1: a trace of version 2, and this program reads version 1",
        ),
        (sound.replace("Wakeup", "Wakedown"), "line 3: not a line of a trace"),
        (
            sound.replace("{\"input\"", "{\"inputs\""),
            "line 3: not a line of a trace",
        ),
        (format!("{sound}\n"), "line 4: not a line of a trace"),
        (format!("{sound}# why\n"), "line 4: not a line of a trace"),
        (
            sound.trim_end().to_owned(),
            "line 3: cut off: the line feed at its end is missing",
        ),
        (
            text(&[first(), wakeup(1)]),
            "line 2: something before the first snapshot",
        ),
        (text(&[first(), snapshot(0), first()]), "line 3: a second header"),
        (
            text(&[first(), snapshot(2), wakeup(1)]),
            "line 3: earlier than the line before it",
        ),
        (
            text(&[first()]),
            "no line says how the core was: without a snapshot there is nothing to replay",
        ),
    ];
    for (text, complaint) in cases {
        assert_eq!(Trace::parse(&text).unwrap_err().to_string(), complaint, "{text}");
    }
}

#[test]
fn an_endless_trace_is_read_to_the_limit_and_no_further() {
    let mut endless = std::io::repeat(b' ');
    assert!(matches!(Trace::read(&mut endless), Err(TraceError::TooLong)));
    let long = " ".repeat(usize::try_from(TRACE_LIMIT).unwrap());
    assert!(matches!(Trace::read(long.as_bytes()), Err(TraceError::Header(_))));
}

#[test]
fn echoes_in_both_recordings_bound_the_distance_of_the_clocks() {
    // The clock of b is 100 ms ahead of that of a. By the clock of a: b hears number 1 at 10 ms, and 3 ms later sends what a
    // hears at 14 ms; a hears number 9 at 20 ms, and 5 ms later sends what b hears at 27 ms.
    let a = recording(0, &[(14, (2, 9), Some((1, 1, 3))), (20, (2, 10), None)]);
    let b = recording(100, &[(10, (1, 1), None), (27, (1, 2), Some((2, 10, 5)))]);
    let ahead = Offset::between(&a, &b);
    assert_eq!((ahead.least_us, ahead.most_us), (Some(99_000), Some(102_000)));
    assert_eq!(ahead.correction_us(), 100_500);
    let behind = Offset::between(&b, &a);
    assert_eq!((behind.least_us, behind.most_us), (Some(-102_000), Some(-99_000)));
}

#[test]
fn recordings_that_share_no_heartbeat_say_nothing_of_the_clocks() {
    let a = recording(0, &[(14, (2, 9), Some((1, 1, 3)))]);
    let b = recording(100, &[(10, (1, 2), None)]);
    assert_eq!(Offset::between(&a, &b), Offset::default());
    assert_eq!(Offset::default().correction_us(), 0);
    let agreeing = Offset {
        least_us: Some(-129),
        most_us: Some(40),
    };
    assert_eq!(agreeing.correction_us(), 0);
}

proptest! {
    #[test]
    fn garbage_is_refused_and_nothing_else(bytes in prop::collection::vec(any::<u8>(), 0..2_000), behind in any::<bool>()) {
        let before = if behind { text(&[Line::Trace(header(0)), snapshot(0)]) } else { String::new() };
        let bytes = [before.as_bytes(), &bytes, b"\n"].concat();
        prop_assert!(Trace::read(bytes.as_slice()).is_err());
    }
}

/// What a node heard: when, in milliseconds; incarnation and number; incarnation and number of the echo, and its age in
/// milliseconds.
type Heard = (u64, (u64, u64), Option<(u64, u64, u32)>);

/// The recording of a node whose wall clock is so many milliseconds ahead.
fn recording(ahead_ms: u64, heard: &[Heard]) -> Trace {
    let mut lines = vec![Line::Trace(header(ahead_ms)), snapshot(0)];
    for (ms, (incarnation, sequence), echo) in heard {
        let Heartbeat { mut prefix, report } = active();
        prefix.incarnation = Incarnation(*incarnation);
        prefix.sequence = Sequence(*sequence);
        prefix.echo = echo.map(|(incarnation, sequence, age_ms)| Echo {
            incarnation: Incarnation(incarnation),
            sequence: Sequence(sequence),
            age_us: age_ms * 1_000,
        });
        lines.push(input(*ms, Input::Heartbeat(Heartbeat { prefix, report })));
    }
    Trace::parse(&text(&lines)).unwrap()
}

fn header(ahead_ms: u64) -> Header {
    Header {
        version: TRACE_VERSION,
        pair: "lb-1".to_owned(),
        node: "b".to_owned(),
        peer: "a".to_owned(),
        agent: "0.1.0".to_owned(),
        config: "0123456789abcdef".to_owned(),
        origin_unix_us: 1_767_323_045_000_000 + ahead_ms * 1_000,
    }
}

fn snapshot(ms: u64) -> Line<'static> {
    Line::Snapshot(at(ms), Box::new(Cow::Owned(node())))
}

fn input(ms: u64, input: Input) -> Line<'static> {
    Line::Input(at(ms), Cow::Owned(input))
}

fn node() -> Node {
    let config = Config {
        me: Member::Second,
        preferred: Member::First,
        private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
        interval: Duration::from_millis(200),
        holdtime: Duration::from_secs(1),
        probe_timeout: None,
        lost_contact_takeover: Duration::from_secs(60),
        unfit_delay: Duration::from_secs(1),
        refit: Duration::from_secs(60),
        call_timeout: Duration::from_secs(2),
        preempt_delay: None,
        strict: false,
        restart_grace: Duration::from_secs(10),
        witnesses: pair_core::Witnessing::default(),
        version: pair_core::Version::cut("0.1.0"),
    };
    Node::new(config, 7, Instant::ZERO)
}

fn text(lines: &[Line<'_>]) -> String {
    let mut bytes = Vec::new();
    for line in lines {
        write_line(&mut bytes, line).unwrap();
    }
    String::from_utf8(bytes).unwrap()
}

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

fn told() -> Transition {
    Transition {
        node: "b".to_owned(),
        unix_ms: 1_767_323_045_678,
        at: "2026-01-02T03:04:05.678Z".to_owned(),
        kind: TransitionKind::Takeover,
        text: "the address came from a and is verified here".to_owned(),
        before: None,
        rule: Some("F-6a".to_owned()),
        evidence: Vec::new(),
        silence_ms: None,
        times: Some(Times {
            detect_ms: Some(1_001),
            api_ms: 310,
            verify_ms: None,
            attempts: 1,
        }),
        address: None,
    }
}
