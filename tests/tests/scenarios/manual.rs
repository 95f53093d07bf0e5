//! The commands of MIGRATING, typed as they stand there.

use e2e::{Setup, Target, blocks, on_stages};

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
            let ran = pair.typed("a", &block.script);
            assert_eq!(ran.code, Some(0), "{}: {ran:#?}", block.place);
        } else if block.script.contains("enable --now paird") {
            for node in ["a", "b"] {
                pair.start_agent(node);
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
