//! Datagrams that must not be believed: counted by cause, and without any effect.

use std::time::Duration;

use e2e::{Recording, Setup, Speaker, Target, eventually, on_stages, stays};
use pair_wire::control::{Link, Role};

on_stages! {
    emulator:
        with_another_key_the_nodes_reject_each_other_and_nothing_moves,
        with_another_pair_name_the_nodes_reject_each_other_and_nothing_moves,
        a_dead_holder_whose_heartbeats_are_replayed_stays_dead;
}

fn with_another_key_the_nodes_reject_each_other_and_nothing_moves(setup: Setup) {
    rejected_and_nothing_moves(setup.with_another_key_on_b(), "tag");
}

fn with_another_pair_name_the_nodes_reject_each_other_and_nothing_moves(setup: Setup) {
    rejected_and_nothing_moves(setup.with_another_pair_name_on_b(), "pair");
}

fn rejected_and_nothing_moves(setup: Setup, cause: &str) {
    let mut pair = setup.pair();
    pair.start_service("a");
    pair.start_agent("a");
    eventually("the preferred node holds the address", || {
        (pair.holder().as_deref() == Some("a")).then_some(())
    });
    pair.start_service("b");
    pair.start_agent("b");
    for node in ["a", "b"] {
        let status = pair.await_problem(node, "heartbeats-rejected");
        assert!(status.drops[cause] > 0, "{:?}", status.drops);
        assert_eq!(status.peer.link, Link::NeverHeard);
        assert_ne!(pair.pairctl(node, &["status"]).code, Some(0));
    }
    pair.await_status("b", "a has the address", |status| {
        status.addresses[0].holder.clone().map(String::from).as_deref() == Some("a")
    });
    stays("the address is at the living holder", FIVE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    assert_eq!(pair.claimers(), ["a"]);
    assert_eq!(pair.status("a").node.role, Role::Active);
}

/// The test itself speaks as node `b`, twice, with an incarnation for each life. Whoever has recorded both lives plays
/// them back as long as it takes.
fn a_dead_holder_whose_heartbeats_are_replayed_stays_dead(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().move_address(&Target::Node("b".to_owned())).unwrap();
    pair.start_service("a");
    pair.start_agent("a");
    let mut recordings = Vec::new();
    for life in 1..=2 {
        let speaker = Speaker::begin(&pair);
        eventually("a believes this life", || {
            (pair.agent_log("a").matches("peer incarnation believed").count() == life).then_some(())
        });
        let believed = speaker.said();
        eventually("it has said more since", || {
            (speaker.said() >= believed + 3).then_some(())
        });
        let status = pair.await_status("a", "b lives and has the address", |status| {
            status.peer.link == Link::Up && status.peer.node.role == Role::Active
        });
        assert_eq!(status.drops["replayed"], 0, "nothing is replayed yet");
        recordings.push(speaker.die());
    }
    let mut is_silent = false;
    let status = eventually("a holds the address", || {
        recordings.iter().for_each(Recording::play);
        let status = pair.status("a");
        is_silent |= matches!(status.peer.link, Link::Suspect | Link::PresumedDead);
        assert!(
            !(is_silent && status.peer.link == Link::Up),
            "a recording brought b back to life"
        );
        (status.node.role == Role::Active).then_some(status)
    });
    assert!(status.drops["replayed"] > 0, "{:?}", status.drops);
    assert_eq!(status.peer.link, Link::PresumedDead, "nothing of it was life");
    assert_eq!(status.last_takeover.unwrap().rule, "F-6a");
    assert_eq!(pair.claimers(), ["a"]);
}

const FIVE_HOLDTIMES: Duration = Duration::from_secs(5);
