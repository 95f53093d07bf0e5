//! Recordings of daemons, replayed: by the library, and by the program.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::borrow::Cow;
use std::fs;
use std::process::Command;
use std::time::Duration;

use pair_core::{
    Association, AssociationId, Call, Config, Echo, Event, Fitness, Heartbeat, Holder, Identity, Incarnation, Input,
    InstanceId, InstanceState, Instant, InterfaceId, Member, Moves, Node, Output, Prefix, Reply, Report, Sequence,
    Source, Version, Word, Zone,
};
use pair_sim::replay;
use pair_wire::trace::{Entry, Header, Line, TRACE_VERSION, Trace, What, is_kept, write_line};

#[test]
fn a_recording_replays_to_the_same_decisions_and_the_same_state() {
    let trace = recorded();
    let replayed = replay(&trace).unwrap();
    let inputs = trace
        .entries
        .iter()
        .filter(|entry| matches!(entry.what, What::Input(_)));
    assert_eq!(replayed.inputs, inputs.count() as u64);
    assert!(
        replayed.decisions > 1 && replayed.outputs > replayed.decisions,
        "{replayed:?}"
    );
    assert_eq!((replayed.snapshots, replayed.time), (1, Duration::from_millis(4_950)));
}

#[test]
fn each_input_that_is_left_out_makes_it_differ_but_for_a_wake_up() {
    let trace = recorded();
    let is_told = |index: &usize| match &trace.entries[*index].what {
        // Time passes with the next wake-up all the same.
        What::Input(input) => *input != Input::Wakeup,
        What::Snapshot(_) | What::Output(_) => false,
    };
    for index in (0..trace.entries.len()).filter(is_told) {
        let mut changed = trace.clone();
        let left_out = changed.entries.remove(index);
        assert!(
            replay(&changed).is_err(),
            "{left_out:?} was left out, and nothing differs"
        );
    }
}

#[test]
fn the_first_difference_is_told_with_line_time_and_fields() {
    let mut trace = recorded();
    let decided = |entry: &&mut Entry| matches!(entry.what, What::Output(Output::Event(Event::Decided(_))));
    let entry = trace.entries.iter_mut().filter(decided).nth(1).unwrap();
    let What::Output(Output::Event(Event::Decided(decision))) = &mut entry.what else {
        panic!("a decision was looked for");
    };
    decision.evidence.fitness = Fitness::Unknown;
    let (line, after) = (entry.line, entry.at.since(Instant::ZERO));
    let difference = replay(&trace).unwrap_err();
    assert_eq!((difference.line, difference.after), (line, after));
    assert_eq!(
        difference.what,
        [
            "a decision differs",
            "/Event/Decided/evidence/fitness: recorded \"Unknown\", replayed \"Fit\""
        ]
    );
}

#[test]
fn what_was_recorded_and_does_not_come_is_told_and_so_is_what_comes_and_was_not_recorded() {
    let trace = recorded();
    let is_output = |entry: &Entry| matches!(entry.what, What::Output(_));
    let index = trace.entries.iter().rposition(is_output).unwrap();
    let mut fewer = trace.clone();
    fewer.entries.remove(index);
    let told = replay(&fewer).unwrap_err();
    assert!(told.what[0].starts_with("replayed, and not recorded: "), "{told}");
    let mut more = trace.clone();
    let last = trace.entries.last().unwrap().clone();
    more.entries.push(Entry {
        what: What::Output(Output::MayStop),
        ..last
    });
    let told = replay(&more).unwrap_err();
    assert_eq!(told.what, ["recorded, and not replayed: MayStop"]);
}

#[test]
fn the_program_takes_recordings_and_schedules_and_says_what_is_neither() {
    let folder = tempfile::tempdir().unwrap();
    let sound = text(&recorded());
    let changed = sound.replacen("\"Wakeup\"", "\"PeerUnreachable\"", 1);
    let cut = &sound[..sound.len() / 2];
    let cases = [
        (sound.as_str(), 0, "identical: "),
        (changed.as_str(), 1, "different: "),
        ("seed 7\n", 0, "every invariant held"),
        (cut, 2, ": line "),
        ("{\"trace\":{\"version\":9}}\n", 2, "line 1: a trace of version 9"),
        (
            "{}\n",
            2,
            "line 1: not the first line of a trace: missing field `trace`",
        ),
        ("", 2, "no line says `seed N`"),
    ];
    for (text, code, says) in cases {
        let file = folder.path().join("x.trace");
        fs::write(&file, text).unwrap();
        let ran = Command::new(env!("CARGO_BIN_EXE_pair-sim"))
            .arg("replay")
            .arg(&file)
            .output()
            .unwrap();
        let said = String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap();
        assert_eq!(ran.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{says:?} is not in {said}");
    }
}

/// Five seconds of a standby: the peer lives for two of them, and then is silent until its address has been taken.
fn recorded() -> Trace {
    let mut node = node();
    let mut entries = Vec::new();
    let mut add = |at, what| {
        let line = entries.len() + 2;
        entries.push(Entry { line, at, what });
    };
    add(Instant::ZERO, What::Snapshot(Box::new(node.clone())));
    let mut ec2 = association("eipassoc-a", "eni-a", 1);
    let mut inputs = vec![
        Input::Identity(Identity {
            instance: InstanceId::of("i-b"),
            zone: Zone::cut("us-east-1b"),
            interface: Some(InterfaceId::of("eni-b")),
        }),
        Input::Health {
            fitness: Fitness::Fit,
            saturated: false,
        },
        Input::Readiness(true),
    ];
    for turn in 0..100 {
        let now = Instant::from_origin(Duration::from_millis(50 * turn));
        if turn < 40 && turn % 4 == 0 {
            inputs.push(Input::Heartbeat(heartbeat(&node, turn + 1)));
        }
        inputs.push(Input::Wakeup);
        for input in std::mem::take(&mut inputs) {
            add(now, What::Input(input.clone()));
            node.handle(now, input);
            while let Some(output) = node.poll_output() {
                if let Output::Call(request) = &output {
                    let result = Ok(answer(&request.call, &mut ec2));
                    inputs.push(Input::Called { id: request.id, result });
                }
                if is_kept(&output) {
                    add(now, What::Output(output));
                }
            }
        }
    }
    let end = entries.last().unwrap().at;
    let line = entries.len() + 2;
    let what = What::Snapshot(Box::new(node));
    entries.push(Entry { line, at: end, what });
    Trace {
        header: header(),
        told: Vec::new(),
        entries,
    }
}

/// What EC2 says, and how the address moves.
fn answer(call: &Call, held: &mut Association) -> Reply {
    match call {
        Call::ReadAddress => Reply::Address(Some(held.clone())),
        Call::ReadInstance(_) => Reply::Instance(InstanceState::Running { unreachable: false }),
        Call::Release(association) => panic!("nobody asked for a strict takeover: {association}"),
        Call::Associate { .. } => {
            *held = association("eipassoc-b", "eni-b", 2);
            Reply::Associated(held.id)
        }
    }
}

fn association(id: &str, interface: &str, node: u8) -> Association {
    Association {
        id: AssociationId::of(id),
        interface: InterfaceId::of(interface),
        private_ip: [10, 0, node, 10].into(),
        instance: None,
    }
}

fn text(trace: &Trace) -> String {
    let mut bytes = Vec::new();
    write_line(&mut bytes, &Line::Trace(trace.header.clone())).unwrap();
    for entry in &trace.entries {
        let line = match &entry.what {
            What::Snapshot(node) => Line::Snapshot(entry.at, Box::new(Cow::Borrowed(node))),
            What::Input(input) => Line::Input(entry.at, Cow::Borrowed(input)),
            What::Output(output) => Line::Output(entry.at, Cow::Borrowed(output)),
        };
        write_line(&mut bytes, &line).unwrap();
    }
    String::from_utf8(bytes).unwrap()
}

fn heartbeat(node: &Node, sequence: u64) -> Heartbeat {
    Heartbeat {
        prefix: Prefix {
            sender: Member::First,
            incarnation: Incarnation(5),
            sequence: Sequence(sequence),
            echo: Some(Echo {
                incarnation: node.incarnation(),
                sequence: Sequence(1),
                age_us: 200,
            }),
        },
        report: Some(Report {
            query: false,
            interval: Duration::from_millis(200),
            instance: Some(InstanceId::of("i-a")),
            zone: Zone::cut("us-east-1a"),
            fitness: Fitness::Fit,
            saturated: false,
            ready: true,
            word: Some(Word {
                holder: Holder::Member(Member::First),
                association: Some(AssociationId::of("eipassoc-a")),
                source: Source::Imds,
                age: Duration::from_millis(sequence),
            }),
            claiming: false,
            yielding: false,
            by_order: false,
            moves: Moves::default(),
            notice: None,
            hold: None,
            version: Version::cut("0.1.0"),
        }),
    }
}

fn header() -> Header {
    Header {
        version: TRACE_VERSION,
        pair: "lb-1".to_owned(),
        node: "b".to_owned(),
        peer: "a".to_owned(),
        agent: env!("CARGO_PKG_VERSION").to_owned(),
        config: "0123456789abcdef".to_owned(),
        origin_unix_us: 0,
    }
}

fn node() -> Node {
    let second = Duration::from_secs(1);
    let config = Config {
        me: Member::Second,
        preferred: Member::First,
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
        version: Version::cut("0.1.0"),
    };
    Node::new(config, 7, Instant::ZERO)
}
