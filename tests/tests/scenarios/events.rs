//! `pairctl events`: the journal outlives the daemon, and a disk that takes nothing costs lines and no beat.

use std::fs;

use e2e::{Setup, has_problem, on_stages};

on_stages! {
    emulator:
        the_journal_is_told_over_all_runs_of_the_daemon,
        a_journal_that_cannot_be_written_is_a_problem_and_no_outage;
}

fn the_journal_is_told_over_all_runs_of_the_daemon(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    assert_eq!(pair.pairctl("a", &["hold", "--for", "1h"]).code, Some(0));
    assert_eq!(pair.pairctl("a", &["resume"]).code, Some(0));
    pair.stop_agent("a");
    pair.start_agent("a");
    pair.await_healthy();
    let events = pair.pairctl("a", &["events", "--json"]);
    assert_eq!((events.code, events.stderr.as_str()), (Some(0), ""), "{events:?}");
    let entries: Vec<serde_json::Value> = events
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    let uptimes: Vec<u64> = entries
        .iter()
        .map(|entry| entry["uptime_ms"].as_u64().unwrap())
        .collect();
    let starts = uptimes.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert_eq!(starts, 1, "one restart: {uptimes:?}");
    let has = |text: &str| {
        entries
            .iter()
            .any(|entry| entry["text"].as_str().unwrap().contains(text))
    };
    assert!(
        has("ordered by user") && has("hold for 1h") && has("a holds the address"),
        "{}",
        events.stdout
    );
    let later = pair.pairctl("a", &["events", "--since", "2199-01-01T00:00:00Z"]);
    assert_eq!((later.code, later.stdout.as_str()), (Some(0), ""));
    let told = pair.pairctl("a", &["events", "--since", "1h"]).stdout;
    assert!(told.contains("  a  takeover  the address came from nobody"), "{told}");
}

fn a_journal_that_cannot_be_written_is_a_problem_and_no_outage(setup: Setup) {
    let mut pair = setup.pair();
    let state = pair.folder().join("a.state");
    fs::create_dir(&state).unwrap();
    // A file where the folder should be: nobody can write there, root included.
    fs::write(state.join("journal"), "").unwrap();
    pair.start();
    pair.await_takeover("a");
    let status = pair.await_problem("a", "record-unwritable");
    assert!(status.recorder.events_lost > 0, "{:?}", status.recorder);
    pair.await_status("b", "the pair works", |status| {
        has_problem(status, "record-unwritable") || status.state == pair_wire::control::State::Healthy
    });
    assert_eq!(pair.claimers(), ["a"]);
}
