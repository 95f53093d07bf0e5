//! What operators order for longer than a moment: `pairctl hold`, `resume`, `leave`, `join`.

use std::time::Duration;

use e2e::{Pair, Setup, has_problem, on_stages, stays};
use pair_wire::control::State;

on_stages! {
    emulator:
        under_hold_a_dead_holder_keeps_the_address_until_the_hold_is_ended,
        a_hold_survives_a_restart_of_both_agents,
        who_leaves_hands_over_and_takes_nothing_until_it_joins,
        a_host_that_goes_down_hands_over_and_is_back_after_its_boot,
        what_an_operator_has_ordered_outlasts_a_shutdown,
        a_state_directory_that_cannot_be_written_is_a_problem_and_no_outage;
    moto: who_leaves_hands_over_and_takes_nothing_until_it_joins;
}

fn under_hold_a_dead_holder_keeps_the_address_until_the_hold_is_ended(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let held = pair.pairctl("b", &["hold", "--for", "10m", "--reason", "kernel update"]);
    assert_eq!(held.code, Some(0), "{held:?}");
    assert!(held.stdout.contains("b and a know"), "{held:?}");
    for node in ["a", "b"] {
        assert!(has_problem(&pair.status(node), "on-hold"), "{node}");
    }
    let told = |pair: &Pair| pair.pairctl("b", &["status"]).stdout.contains(": \"kernel update\"");
    assert!(told(&pair));
    let events = pair.pairctl("b", &["events"]);
    assert!(events.stdout.contains("hold for 10m: \"kernel update\""), "{events:?}");
    pair.kill_host("a");
    pair.await_status("b", "the hold is an alarm", |status| status.state == State::Critical);
    stays("the address is at a", Duration::from_secs(4), || {
        pair.holder().as_deref() == Some("a")
    });
    let ended = pair.pairctl("b", &["resume"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("a has not heard of it"), "{ended:?}");
    pair.await_takeover("b");
    assert_eq!(pair.claimers(), ["a", "b"]);
}

fn a_hold_survives_a_restart_of_both_agents(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let held = pair.pairctl("a", &["hold", "--for", "1h"]);
    assert_eq!(held.code, Some(0), "{held:?}");
    for node in ["a", "b"] {
        pair.stop_agent(node);
    }
    pair.start_agent("b");
    let status = pair.await_problem("b", "on-hold");
    let left = status.hold_left_ms.expect("a hold is in force");
    assert!(left < 3_600_000, "{left}");
}

fn who_leaves_hands_over_and_takes_nothing_until_it_joins(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let left = pair.pairctl("a", &["leave"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(pair.holder().as_deref(), Some("b"));
    pair.await_problem("a", "left-pair");
    pair.await_problem("b", "peer-left-pair");
    let refused = pair.pairctl("b", &["leave"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("has left the pair"), "{refused:?}");
    pair.restart_agent("a");
    pair.await_problem("a", "left-pair");
    let joined = pair.pairctl("a", &["join"]);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a", "b"]);
}

fn a_host_that_goes_down_hands_over_and_is_back_after_its_boot(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let left = pair.pairctl("a", &["leave", "--until-boot"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(pair.holder().as_deref(), Some("b"));
    pair.await_problem("b", "peer-left-pair");
    // The shutdown was called off: what it has ordered is undone.
    pair.restart_agent("a");
    pair.await_problem("a", "left-pair");
    let joined = pair.pairctl("a", &["join", "--if-until-boot"]);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    pair.await_healthy();

    let left = pair.pairctl("b", &["leave", "--until-boot"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    assert_eq!(pair.holder().as_deref(), Some("a"));
    boot_anew(&mut pair, "b");
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a", "b", "a"]);
}

fn what_an_operator_has_ordered_outlasts_a_shutdown(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    for leave in [&["leave", "--until-boot"][..], &["leave"], &["leave", "--until-boot"]] {
        let left = pair.pairctl("a", leave);
        assert_eq!(left.code, Some(0), "{left:?}");
    }
    boot_anew(&mut pair, "a");
    pair.await_problem("a", "left-pair");
    let stayed = pair.pairctl("a", &["join", "--if-until-boot"]);
    assert_eq!(stayed.code, Some(0), "{stayed:?}");
    assert!(stayed.stdout.contains("stays out of the pair"), "{stayed:?}");
    assert!(has_problem(&pair.status("a"), "left-pair"));
    let joined = pair.pairctl("a", &["join"]);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    pair.await_healthy();
}

/// Lets an agent find what it kept as that of another boot of its host.
fn boot_anew(pair: &mut Pair, node: &str) {
    pair.stop_agent(node);
    let kept = pair.folder().join(format!("{node}.state/standing.json"));
    let this_boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = std::fs::read_to_string(&kept).unwrap();
    assert!(text.contains(this_boot.trim()), "{text}");
    std::fs::write(&kept, text.replace(this_boot.trim(), "another-boot")).unwrap();
    pair.start_agent(node);
}

fn a_state_directory_that_cannot_be_written_is_a_problem_and_no_outage(setup: Setup) {
    let mut pair = setup.pair();
    // A file where the directory should be: nobody can write there, root included.
    std::fs::write(pair.folder().join("a.state"), "").unwrap();
    pair.start();
    pair.await_problem("a", "state-unusable");
    let held = pair.pairctl("a", &["hold", "--for", "1h"]);
    assert_eq!(held.code, Some(0), "{held:?}");
    assert!(has_problem(&pair.status("a"), "state-unusable"));
    pair.await_status("a", "the pair works", |status| {
        status.peer.link == pair_wire::control::Link::Up
    });
}
