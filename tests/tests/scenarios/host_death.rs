//! The holder's host dies: agent and service at once.

use e2e::{Setup, on_stages};
use pair_wire::control::Role;

on_stages! {
    emulator: the_peer_takes_the_address_with_one_call;
    moto: the_peer_takes_the_address_with_one_call;
    haproxy: the_peer_takes_the_address_with_one_call;
}

fn the_peer_takes_the_address_with_one_call(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.kill_host("a");
    let status = pair.await_takeover("b");
    assert_eq!(status.node.role, Role::Active);
    let takeover = status.last_takeover.unwrap();
    assert_eq!((takeover.rule.as_str(), takeover.attempts), ("F-6a", 1));
    assert_eq!(
        pair.claimers(),
        ["a", "b"],
        "one call for the start, one for the takeover"
    );
    assert_eq!(pair.answering().as_deref(), Some("b"));
    let dead = pair.pairctl("a", &["status", "--json"]);
    assert_eq!((dead.code, dead.stdout.as_str()), (Some(3), ""), "{dead:?}");
}
