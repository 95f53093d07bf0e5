//! `pairctl key rotate`: from one key to the next under heartbeats and visitors, without a gap.

use e2e::{Pair, Setup, on_stages};
use pair_wire::control::Link;

on_stages! {
    emulator:
        a_key_is_changed_in_three_steps_and_no_heartbeat_is_dropped,
        a_key_that_the_other_node_does_not_have_is_not_used;
}

/// Suspicion comes late: a host that is busy with other tests must not look like a dropped heartbeat.
const CALM: &str = "[heartbeat]\nprofile = \"calm\"\n";

fn rotate(pair: &Pair, node: &str, code: i32, says: &str) {
    let ran = pair.pairctl(node, &["key", "rotate"]);
    assert_eq!(ran.code, Some(code), "{node}: {ran:?}");
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains(says),
        "{node}: {ran:?}"
    );
}

/// Waits until a node has seen which keys its peer signs with and accepts.
fn await_peer(pair: &Pair, node: &str, signs: u8, accepts: &[u8]) {
    let status = pair.await_status(node, "the peer's keys are seen", |status| {
        let peer = status.keys.as_ref().and_then(|keys| keys.peer.as_ref());
        peer.is_some_and(|peer| peer.signs == signs && peer.accepts == accepts)
    });
    assert_eq!(status.peer.link, Link::Up);
}

fn last_line(pair: &Pair, node: &str) -> String {
    pair.key(node).lines().last().unwrap().to_owned()
}

fn a_key_is_changed_in_three_steps_and_no_heartbeat_is_dropped(setup: Setup) {
    let mut pair = setup.with(CALM).with_a_key_file_each().pair();
    pair.start_healthy();
    let visitors = pair.visitors();
    let old = last_line(&pair, "a");

    rotate(
        &pair,
        "a",
        0,
        "step 1 of 3 is done here: key 2 is accepted beside 1, which signs",
    );
    rotate(&pair, "a", 4, "the other node does not accept key 2 yet");
    let new = last_line(&pair, "a");
    assert_ne!(new, old);
    pair.await_status("b", "a has a key that b does not have", |status| {
        let peer = status.keys.as_ref().and_then(|keys| keys.peer.as_ref());
        peer.is_some_and(|peer| peer.accepts_another)
    });
    rotate(&pair, "b", 4, "a key that this node does not have");
    let added = pair.pairctl_with_input("b", &["key", "rotate", "--add", "-"], &new);
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(added.stdout.contains("both nodes accept it"), "{added:?}");
    assert!(!added.stdout.contains(&new[2..]), "a secret is never shown");

    await_peer(&pair, "a", 1, &[1, 2]);
    rotate(
        &pair,
        "a",
        0,
        "step 2 of 3 is done here: key 2 signs, 1 is still accepted",
    );
    rotate(&pair, "a", 4, "the other node still signs with key 1");
    await_peer(&pair, "b", 2, &[1, 2]);
    rotate(&pair, "b", 0, "step 2 of 3 is done here: key 2 signs");

    await_peer(&pair, "a", 2, &[2, 1]);
    rotate(
        &pair,
        "a",
        0,
        "step 3 of 3 is done here: key 1 is gone, 2 is the only one",
    );
    await_peer(&pair, "b", 2, &[2]);
    rotate(&pair, "b", 0, "the rotation is over");

    assert_eq!((pair.key("a"), pair.key("b")), (format!("{new}\n"), format!("{new}\n")));
    pair.await_healthy();
    assert_eq!(visitors.end().failed, Vec::<String>::new());
    assert_eq!(pair.claimers(), ["a"]);
    for node in ["a", "b"] {
        let status = pair.status(node);
        assert!(
            status.drops.values().all(|count| *count == 0),
            "{node}: {:?}",
            status.drops
        );
        let log = pair.agent_log(node);
        assert!(!log.contains("to=\"suspect\""), "{node}: {log}");
    }
}

fn a_key_that_the_other_node_does_not_have_is_not_used(setup: Setup) {
    let mut pair = setup.with_a_key_file_each().pair();
    pair.start_healthy();
    rotate(&pair, "a", 0, "step 1 of 3 is done here");
    pair.await_status("b", "a has a key that b does not have", |status| {
        let peer = status.keys.as_ref().and_then(|keys| keys.peer.as_ref());
        peer.is_some_and(|peer| peer.accepts_another)
    });
    // The same id and another secret, as of a key that somebody made on both nodes.
    let wrong = pair.pairctl("b", &["key", "generate", "--id", "2"]).stdout;
    let before = pair.key("b");
    let refused = pair.pairctl_with_input("b", &["key", "rotate", "--add", "-"], &wrong);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(
        refused.stderr.contains("not the key that the other node accepts"),
        "{refused:?}"
    );
    assert_eq!(pair.key("b"), before);
    rotate(&pair, "a", 4, "the other node does not accept key 2 yet");
    pair.await_differences(&["keys-differ"]);
}
