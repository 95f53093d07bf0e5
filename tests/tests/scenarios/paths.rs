//! Several paths between the nodes: one of them is enough, and each is shown as it is.

use std::process::Command;
use std::thread;
use std::time::Duration;

use e2e::{Cut, Pair, Setup, eventually, has_problem, is_skipped, on_stages, stays};
use pair_wire::control::{Link, PathState};

on_stages! {
    emulator:
        heartbeats_come_by_both_paths_and_no_copy_is_a_drop,
        one_of_two_paths_that_is_cut_costs_no_suspicion_and_is_shown_on_both_nodes,
        one_of_two_paths_that_flaps_or_loses_most_costs_no_suspicion,
        a_path_that_is_cut_one_way_is_shown_at_both_of_its_ends,
        both_paths_that_are_cut_are_one_path_that_is_cut,
        an_agent_that_dies_is_noticed_on_both_paths_at_once,
        a_path_whose_address_is_missing_hinders_nobody;
    namespace: a_path_of_ipv6_carries_the_link_alone;
}

fn heartbeats_come_by_both_paths_and_no_copy_is_a_drop(setup: Setup) {
    let mut pair = setup.with_two_paths().pair();
    pair.start_healthy();
    for node in ["a", "b"] {
        let status = pair.await_status(node, "both paths are heard", |status| {
            status.peer.paths.len() == 2 && status.peer.paths.iter().all(|path| path.state == PathState::Alive)
        });
        assert_eq!(status.drops.values().sum::<u64>(), 0, "{:?}", status.drops);
        let shown = pair.pairctl(node, &["status"]);
        assert_eq!(shown.stdout.matches("  path  127.").count(), 2, "{shown:?}");
        let (_, metrics) = pair.ask_metrics(node, "/metrics").unwrap();
        assert_eq!(metrics.matches("paird_path_up{path=\"127.").count(), 2, "{metrics}");
    }
    pair.kill_host("a");
    pair.await_takeover("b");
}

fn one_of_two_paths_that_is_cut_costs_no_suspicion_and_is_shown_on_both_nodes(setup: Setup) {
    if is_skipped("paths", Cut::obstacle()) {
        return;
    }
    let mut pair = setup.with_two_paths().pair();
    pair.start_healthy();
    for path in [0, 1] {
        let cut = pair.cut_path(path);
        for node in ["a", "b"] {
            pair.await_problem(node, "path-silent");
        }
        stays_up(&pair, Duration::from_secs(3));
        cut.heal();
        pair.await_healthy();
    }
    assert_eq!(pair.claimers(), ["a"]);
    let events = pair.pairctl("b", &["events"]);
    assert!(events.stdout.contains("the heartbeat path"), "{events:?}");
    assert!(!events.stdout.contains("suspect"), "{events:?}");
    // What was shown to be whole again carries a failover.
    pair.kill_host("a");
    pair.await_takeover("b");
}

fn one_of_two_paths_that_flaps_or_loses_most_costs_no_suspicion(setup: Setup) {
    if is_skipped("paths", Cut::obstacle()) {
        return;
    }
    let mut pair = setup.with_two_paths().pair();
    pair.start_healthy();
    let disturbed = pair.disturb_path(0, 70);
    stays_up(&pair, Duration::from_secs(4));
    let loss = pair.status("b").peer.paths[0].loss_percent;
    assert!(loss.is_some_and(|loss| loss > 20), "{loss:?}");
    disturbed.heal();
    for _ in 0..3 {
        let cut = pair.cut_path(1);
        stays_up(&pair, Duration::from_millis(700));
        cut.heal();
        stays_up(&pair, Duration::from_millis(300));
    }
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
}

fn a_path_that_is_cut_one_way_is_shown_at_both_of_its_ends(setup: Setup) {
    if is_skipped("paths", Cut::obstacle()) {
        return;
    }
    let mut pair = setup.with_two_paths().pair();
    pair.start_healthy();
    let cut = pair.cut_heartbeats_of("a");
    let deaf = pair.await_problem("b", "path-silent");
    assert_eq!(deaf.peer.paths[0].state, PathState::Silent);
    assert_eq!(deaf.peer.paths[0].peer_hears, Some(true));
    let unheard = pair.await_problem("a", "path-silent");
    assert_eq!(unheard.peer.paths[0].state, PathState::Alive);
    let heard: Vec<_> = unheard.peer.paths.iter().map(|path| path.peer_hears).collect();
    assert_eq!(heard, [Some(false), Some(true)]);
    let shown = pair.pairctl("a", &["status"]);
    assert!(shown.stdout.contains("not heard by b"), "{shown:?}");
    for (path, is_heard) in unheard.peer.paths.iter().zip(["0.0", "1.0"]) {
        let sample = format!("paird_path_heard_by_peer{{path=\"{}\"}} {is_heard}", path.peer);
        eventually("the metrics say so, too", || {
            let (_, metrics) = pair.ask_metrics("a", "/metrics")?;
            metrics.lines().any(|line| line == sample).then_some(())
        });
    }
    stays_up(&pair, Duration::from_secs(1));
    cut.heal();
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
}

fn both_paths_that_are_cut_are_one_path_that_is_cut(setup: Setup) {
    if is_skipped("paths", Cut::obstacle()) {
        return;
    }
    let mut pair = setup.with_two_paths().pair();
    pair.start_healthy();
    let cuts = [pair.cut_path(0), pair.cut_path(1)];
    let silent = pair.await_problem("b", "silent-but-serving");
    assert!(!has_problem(&silent, "path-silent"), "the peer's silence says it all");
    stays("the address is at a", Duration::from_secs(3), || {
        pair.holder().as_deref() == Some("a")
    });
    for cut in cuts {
        cut.heal();
    }
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
}

fn an_agent_that_dies_is_noticed_on_both_paths_at_once(setup: Setup) {
    let mut pair = setup.with_two_paths().pair();
    pair.start_healthy();
    pair.kill_agent("a");
    pair.await_problem("b", "silent-but-serving");
    pair.start_agent("a");
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
}

fn a_path_whose_address_is_missing_hinders_nobody(setup: Setup) {
    let elsewhere = [[203, 0, 113, 1].into(), [203, 0, 113, 2].into()];
    let mut pair = setup.with_another_path(elsewhere).pair();
    pair.start();
    pair.await_takeover("a");
    let status = pair.await_problem("b", "path-silent");
    assert_eq!(status.peer.link, Link::Up);
    assert_eq!(status.peer.paths[1].state, PathState::Closed);
    pair.kill_host("a");
    pair.await_takeover("b");
}

fn a_path_of_ipv6_carries_the_link_alone(setup: Setup) {
    let ends = ["fd00::1", "fd00::2"];
    for end in ends {
        let added = Command::new("ip")
            .args(["-6", "address", "add", &format!("{end}/128"), "dev", "lo", "nodad"])
            .status();
        assert!(added.is_ok_and(|status| status.success()), "{end} is added");
    }
    let mut pair = setup.with_another_path(ends.map(|end| end.parse().unwrap())).pair();
    pair.start_healthy();
    // All of the quarter: what is left is IPv6.
    let cut = pair.cut_heartbeats();
    for node in ["a", "b"] {
        let status = pair.await_problem(node, "path-silent");
        assert_eq!(status.peer.paths[1].state, PathState::Alive);
    }
    stays_up(&pair, Duration::from_secs(2));
    pair.kill_host("a");
    pair.await_takeover("b");
    drop(cut);
}

/// Both nodes hear each other without a moment of suspicion.
fn stays_up(pair: &Pair, time: Duration) {
    thread::scope(|scope| {
        for node in ["a", "b"] {
            scope.spawn(move || {
                stays("the link is up", time, || pair.status(node).peer.link == Link::Up);
            });
        }
    });
}
