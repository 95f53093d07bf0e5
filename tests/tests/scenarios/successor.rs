//! A peer of the next version of the heartbeats: it lives, and nothing else is known of it (F-18).

use std::time::Duration;

use e2e::{Setup, Speaker, has_problem, on_stages, stays};
use pair_wire::control::Link;

on_stages! {
    emulator: a_peer_of_the_next_version_lives_and_nothing_moves_while_it_is_upgraded_to;
}

fn a_peer_of_the_next_version_lives_and_nothing_moves_while_it_is_upgraded_to(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_service("a");
    pair.start_service("b");
    pair.start_agent("a");
    let successor = Speaker::begin_as_successor(&pair);
    let status = pair.await_status("a", "the peer lives", |status| status.peer.link == Link::Up);
    assert_eq!((status.peer.agent_version, status.peer.node.ready), (None, None));
    stays("the link is up, and nothing is dropped", Duration::from_secs(2), || {
        let status = pair.status("a");
        status.peer.link == Link::Up && status.drops.values().all(|count| *count == 0)
    });
    assert!(!has_problem(&pair.status("a"), "heartbeats-rejected"));
    assert_eq!(pair.claimers(), ["a"]);

    let _ = successor.die();
    pair.start_agent("b");
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
}
