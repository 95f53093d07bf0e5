//! The commands of MIGRATING, typed as they stand there.

use e2e::{Setup, Target, blocks, on_stages};
use pair_wire::control::State;

on_stages! {
    emulator: a_reader_of_migrating_ends_with_a_pair_that_guards_its_address;
}

/// The reader sits at node `a`, which holds the address. What systemd would do there, the test does; the old agent does nothing.
fn a_reader_of_migrating_ends_with_a_pair_that_guards_its_address(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().move_address(&Target::Node("a".to_owned())).unwrap();
    for node in ["a", "b"] {
        pair.start_service(node);
    }
    for block in blocks("docs/MIGRATING.md") {
        if block.excuse.is_none() {
            for line in block.script.lines() {
                let ran = pair.typed("a", line);
                // A hold is a finding.
                let is_asking = ["pairctl status", "pairctl doctor"]
                    .iter()
                    .any(|question| line.starts_with(question));
                let is_expected = ran.code == Some(0) || (is_asking && ran.code == Some(1));
                assert!(is_expected, "{}: {line}: {ran:#?}", block.place);
            }
        } else if block.script.contains("enable --now paird") {
            for node in ["a", "b"] {
                pair.start_agent(node);
            }
            for node in ["a", "b"] {
                // Nobody types the next command sooner.
                pair.await_status(node, "who holds the address is known", |status| {
                    status.state != State::Critical
                });
            }
        }
    }
    pair.await_healthy();
    assert_eq!(
        pair.claimers(),
        ["b", "a"],
        "there and back in a drill, and no other move"
    );
    pair.kill_host("a");
    pair.await_takeover("b");
}
