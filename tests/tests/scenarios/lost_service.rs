//! The holder's service dies, its agent lives.

use e2e::{Setup, on_stages};
use pair_wire::control::Link;

on_stages! {
    emulator: the_peer_takes_over_without_waiting_for_a_silence;
    moto: the_peer_takes_over_without_waiting_for_a_silence;
    haproxy: the_peer_takes_over_without_waiting_for_a_silence;
}

fn the_peer_takes_over_without_waiting_for_a_silence(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.kill_service("a");
    let status = pair.await_takeover("b");
    let takeover = status.last_takeover.unwrap();
    assert_eq!(takeover.rule, "F-6c");
    assert_eq!(takeover.detect_ms, None, "nobody had to be presumed dead");
    assert_eq!(status.peer.link, Link::Up);
    assert!(
        !pair.agent_log("b").contains("presumed-dead"),
        "the link was never lost"
    );
    assert_eq!(pair.claimers(), ["a", "b"]);
    assert_eq!(pair.answering().as_deref(), Some("b"));

    pair.start_service("a");
    pair.await_healthy();
    assert_eq!(pair.holder().as_deref(), Some("b"), "no failback unless asked for");
}
