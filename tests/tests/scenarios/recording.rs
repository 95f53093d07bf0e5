//! The flight recorder: what a daemon was told replays to the same decisions, and is kept without ever costing a beat.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{Cut, Pair, Ran, Setup, is_skipped, on_stages, pair_sim, stays};
use pair_core::{Fitness, Input, Unfitness};
use pair_wire::control::{Link, TransitionKind, Why};
use pair_wire::trace::{Line, Trace, What};

on_stages! {
    emulator:
        a_recording_with_a_takeover_a_cut_and_a_pause_replays_to_the_same_decisions,
        why_tells_rule_evidence_and_times_of_a_takeover_and_merges_both_nodes,
        a_full_disk_costs_a_counter_and_an_alarm_and_no_beat;
}

fn a_recording_with_a_takeover_a_cut_and_a_pause_replays_to_the_same_decisions(setup: Setup) {
    if is_skipped("a recording with a cut", Cut::obstacle()) {
        return;
    }
    let mut pair = setup.pair();
    pair.start_healthy();
    let cut = pair.cut_heartbeats();
    pair.await_problem("b", "silent-but-serving");
    cut.heal();
    pair.await_healthy();
    pair.pause_agent("b");
    stays("nothing moves while b sleeps", TWO_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    pair.resume_agent("b");
    pair.await_healthy();
    pair.kill_host("a");
    pair.await_takeover("b");

    let why = why(&pair.pairctl("b", &["why", "--json"]));
    let has = |kind, text: &str| {
        let told =
            |transition: &pair_wire::control::Transition| transition.kind == kind && transition.text.contains(text);
        assert!(why.transitions.iter().any(told), "{kind:?} {text}: {why:#?}");
    };
    has(TransitionKind::Decision, "the peer is silent, and its service serves");
    has(TransitionKind::Pause, "this node was paused");
    has(TransitionKind::Takeover, "came from a");

    let file = pair.export("b");
    let replayed = replay(&file);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    assert!(replayed.stdout.contains("\nidentical: "), "{replayed:?}");

    let recording = fs::read_to_string(&file).unwrap();
    differs(&file, &with_a_service_that_failed(&recording), "Wait(NotFit)");
    differs(&file, &without_one_heartbeat(&recording), "different: ");
    let archived = records(&pair, "b");
    assert!(!archived.is_empty() && archived.len() <= 8, "{archived:?}");
    for file in archived {
        let replayed = replay(&file);
        assert_eq!(replayed.code, Some(0), "{}: {replayed:?}", file.display());
    }
}

fn why_tells_rule_evidence_and_times_of_a_takeover_and_merges_both_nodes(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let of_a = pair.export("a");
    pair.kill_host("a");
    pair.await_takeover("b");
    let told = pair.pairctl("b", &["why"]);
    assert_eq!(told.code, Some(0), "{told:?}");
    for words in [
        "  b  decision  claim: take the address, by rule F-6a\n    before: wait: ",
        "\n    holder a; link presumed-dead, silent for ",
        "; testimony: ",
        "  b  takeover  the address came from a and is verified here, by rule F-6a\n    detect ",
        ", verify ",
        ", 1 attempt\n",
    ] {
        assert!(told.stdout.contains(words), "{words:?} is not in\n{}", told.stdout);
    }

    let of_a = of_a.display().to_string();
    let merged = why(&pair.pairctl("b", &["why", "--json", "--with", &of_a]));
    let mut tellers: Vec<&str> = merged.transitions.iter().map(|told| told.node.as_str()).collect();
    assert!(merged.transitions.is_sorted_by_key(|told| told.unix_ms), "{merged:#?}");
    tellers.sort_unstable();
    tellers.dedup();
    assert_eq!(tellers, ["a", "b"]);
    let clock = merged.clock.expect("both heard each other");
    let (least, most) = (clock.ahead_least_us.unwrap(), clock.ahead_most_us.unwrap());
    assert!(least <= most, "{clock:?}");

    let offline = e2e::pairctl(&["why", "--from", &of_a]);
    assert_eq!(offline.code, Some(0), "{offline:?}");
    assert!(offline.stdout.contains("  a  takeover  "), "{offline:?}");
    let wrong = pair.pairctl("b", &["why", "--with", &pair.export("b").display().to_string()]);
    assert_eq!(wrong.code, Some(5), "{wrong:?}");
    assert!(
        wrong
            .stderr
            .contains("recorded by b of pair e2e, and not by a of pair e2e"),
        "{wrong:?}"
    );
}

fn a_full_disk_costs_a_counter_and_an_alarm_and_no_beat(setup: Setup) {
    let mut pair = setup.pair();
    let records = pair.folder().join("b.state/records");
    fs::create_dir_all(&records).unwrap();
    // What is written there fails as on a full disk, for root as well.
    symlink("/dev/full", records.join("next")).unwrap();
    pair.start();
    pair.await_takeover("a");
    let full = pair.await_problem("b", "record-unwritable");
    let problem = full.problems.iter().find(|problem| problem.id == "record-unwritable");
    assert!(problem.unwrap().text.contains("No space left on device"), "{problem:?}");
    assert!(full.recorder.failed > 0 && full.recorder.written == 0, "{full:?}");
    stays("both hear each other", TWO_HOLDTIMES, || {
        ["a", "b"]
            .into_iter()
            .all(|node| pair.status(node).peer.link == Link::Up)
    });
    pair.kill_host("a");
    pair.await_takeover("b");
    let missed = pair.await_status("b", "that record is missed, too", |status| {
        status.recorder.failed > full.recorder.failed
    });
    assert_eq!(missed.recorder.written, 0, "{missed:?}");
    let why = why(&pair.pairctl("b", &["why", "--json"]));
    let slept = |told: &pair_wire::control::Transition| told.kind == TransitionKind::Pause;
    assert!(!why.transitions.iter().any(slept), "{why:#?}");

    fs::remove_file(records.join("next")).unwrap();
    pair.start_service("a");
    pair.start_agent("a");
    pair.await_status("b", "there is room again", |status| {
        status.recorder.written > 0 && !e2e::has_problem(status, "record-unwritable")
    });
}

fn replay(file: &Path) -> Ran {
    pair_sim(&["replay", &file.display().to_string()])
}

/// Sees to it that a changed recording replays to something else.
fn differs(file: &Path, changed: &str, how: &str) {
    let file = file.with_extension("changed");
    fs::write(&file, changed).unwrap();
    let replayed = replay(&file);
    assert_eq!(replayed.code, Some(1), "{replayed:?}");
    assert!(replayed.stdout.contains(how), "{replayed:?}");
}

/// The recording with one line more: just before the takeover, the own service failed.
fn with_a_service_that_failed(recording: &str) -> String {
    let trace = Trace::parse(recording).unwrap();
    let claim = trace.entries.iter().rposition(|entry| {
        matches!(
            &entry.what,
            What::Output(pair_core::Output::Event(pair_core::Event::Claiming { .. }))
        )
    });
    let (line, at) = trace.entries[..claim.unwrap()]
        .iter()
        .rev()
        .find(|entry| matches!(entry.what, What::Input(_)))
        .map(|entry| (entry.line, entry.at))
        .unwrap();
    let input = Input::Health {
        fitness: Fitness::Unfit(Unfitness::CheckFailed),
        saturated: false,
    };
    let more = serde_json::to_string(&Line::Input(at, std::borrow::Cow::Owned(input))).unwrap();
    let mut lines: Vec<&str> = recording.lines().collect();
    lines.insert(line - 1, &more);
    lines.join("\n") + "\n"
}

/// The recording without one heartbeat in its middle.
fn without_one_heartbeat(recording: &str) -> String {
    let is_heartbeat = |text: &str| text.starts_with("{\"input\":[") && text.contains("{\"Heartbeat\":");
    let count = recording.lines().filter(|text| is_heartbeat(text)).count();
    let mut number = 0;
    let lines = recording.split_inclusive('\n').filter(|text| {
        number += usize::from(is_heartbeat(text));
        !(is_heartbeat(text) && number == count / 2)
    });
    lines.collect()
}

/// The records in a node's state directory.
fn records(pair: &Pair, node: &str) -> Vec<PathBuf> {
    let folder = pair.folder().join(format!("{node}.state/records"));
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "trace"))
        .collect()
}

fn why(ran: &Ran) -> Why {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

const TWO_HOLDTIMES: Duration = Duration::from_secs(2);
