//! A second agent on a node that has one.

use e2e::{Setup, on_stages};

on_stages! {
    emulator: a_second_agent_is_refused_and_disturbs_nothing;
}

fn a_second_agent_is_refused_and_disturbs_nothing(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let refused = pair.run_another_agent("a");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("another paird answers on"), "{refused:?}");

    pair.edit_config("a", "a.sock", "another.sock");
    let refused = pair.run_another_agent("a");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("cannot open the heartbeat socket on 127."),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("Address already in use"), "{refused:?}");

    assert!(pair.is_agent_running("a"));
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
}
