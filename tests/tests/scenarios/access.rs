//! Who may ask, and who may order.

use e2e::{Setup, User, is_skipped, on_stages};

on_stages! {
    emulator:
        every_user_reads_and_only_root_and_the_daemons_group_order,
        a_wait_that_begins_before_the_daemon_ends_when_the_condition_holds;
}

/// Nobody that the daemon, which runs as whoever runs the test, has to do with.
const STRANGER: User = User {
    uid: 64_321,
    gid: 64_321,
    group: None,
};

fn every_user_reads_and_only_root_and_the_daemons_group_order(setup: Setup) {
    if is_skipped("another user", User::obstacle()) {
        return;
    }
    let mut pair = setup.pair();
    pair.start_healthy();

    for args in [&["status"][..], &["status", "--json"], &["why"], &["wait", "--active"]] {
        let read = pair.pairctl_as("a", STRANGER, args);
        assert_eq!((read.code, read.stderr.as_str()), (Some(0), ""), "{args:?}: {read:?}");
    }
    for args in [
        &["hold", "--for", "1h"][..],
        &["resume"],
        &["failover"],
        &["leave"],
        &["join"],
        &["why", "--export", "-"],
    ] {
        let refused = pair.pairctl_as("a", STRANGER, args);
        assert_eq!(
            (refused.code, refused.stdout.as_str()),
            (Some(4), ""),
            "{args:?}: {refused:?}"
        );
        assert!(refused.stderr.contains("user 64321 is neither"), "{refused:?}");
        assert!(refused.stderr.contains("hint: `sudo pairctl …`"), "{refused:?}");
    }
    pair.await_healthy();
    assert_eq!(pair.status("a").hold_left_ms, None);
    assert_eq!(pair.claimers(), ["a"]);

    // The daemon runs as root here, so its group is that of root.
    let in_the_group = [
        User { gid: 0, ..STRANGER },
        User {
            group: Some(0),
            ..STRANGER
        },
    ];
    for user in in_the_group {
        let held = pair.pairctl_as("a", user, &["hold", "--for", "1h"]);
        assert_eq!(held.code, Some(0), "{user:?}: {held:?}");
        let resumed = pair.pairctl_as("a", user, &["resume"]);
        assert_eq!(resumed.code, Some(0), "{user:?}: {resumed:?}");
    }
    let why = pair.pairctl("a", &["why"]).stdout;
    let told: Vec<&str> = why.lines().filter(|line| line.contains("  order  ")).collect();
    assert_eq!(told.len(), 4, "what was refused is no order: {why}");
    assert!(told[0].contains("ordered by user 64321, process "), "{why}");
    assert!(told[0].ends_with(": hold for 1h"), "{why}");
    let log = pair.agent_log("a");
    assert!(log.contains(r#"ordered uid=64321 pid="#), "the log names who ordered");
}

fn a_wait_that_begins_before_the_daemon_ends_when_the_condition_holds(setup: Setup) {
    let mut pair = setup.pair();
    let early = pair.pairctl("a", &["wait", "--timeout", "100ms"]);
    assert_eq!(early.code, Some(6), "{early:?}");
    assert!(early.stderr.contains("there is no control socket"), "{early:?}");

    pair.start();
    for condition in ["--ready", "--active", "--healthy"] {
        let waited = pair.pairctl("a", &["wait", condition]);
        assert_eq!(waited.code, Some(0), "{waited:?}");
    }
    let passive = pair.pairctl("b", &["wait", "--active", "--timeout", "1s"]);
    assert_eq!(passive.code, Some(6), "{passive:?}");
    assert!(passive.stderr.contains("that this node is active: "), "{passive:?}");
    assert_eq!(pair.claimers(), ["a"]);
}
