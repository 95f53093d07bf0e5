//! A third host passes questions on to the peer (F-20): what it prevents, and what its silence does.

use std::time::Duration;

use e2e::{Pair, Setup, on_stages, stays};
use pair_wire::control::Status;

on_stages! {
    emulator: a_cut_path_moves_nothing_while_a_witness_brings_the_peers_answers,
        a_dead_holder_is_replaced_as_soon_as_ever_beside_a_witness,
        a_witness_with_another_key_is_found_and_delays_nothing,
        a_witness_that_dies_with_the_path_holds_a_claim_off_for_a_while;
}

fn a_cut_path_moves_nothing_while_a_witness_brings_the_peers_answers(setup: Setup) {
    let mut pair = setup.with_a_witness("").pair();
    pair.start_witness();
    pair.start_healthy();
    await_witness(&pair, true);
    let told = pair.pairctl("b", &["status"]).stdout;
    assert!(told.contains("brought the peer's answer"), "{told}");
    for is_both_ways in [true, false] {
        let cut = if is_both_ways {
            pair.cut_heartbeats()
        } else {
            pair.cut_heartbeats_of("a")
        };
        pair.await_problem("b", "silent-but-serving");
        stays("the address is at a", SIX_HOLDTIMES, || {
            pair.holder().as_deref() == Some("a")
        });
        let decision = pair.await_problem("b", "silent-but-serving").decision;
        assert_eq!(decision.rule.as_deref(), Some("F-7"));
        assert!(
            decision.evidence.iter().any(|line| line.contains("a witness")),
            "{decision:?}"
        );
        cut.heal();
        pair.await_healthy();
    }
    assert_eq!(pair.claimers(), ["a"]);
}

fn a_dead_holder_is_replaced_as_soon_as_ever_beside_a_witness(setup: Setup) {
    let mut pair = setup.with_a_witness("").pair();
    pair.start_witness();
    pair.start_healthy();
    await_witness(&pair, true);
    pair.kill_host("a");
    let takeover = pair.await_takeover("b").last_takeover.unwrap();
    assert_eq!((takeover.rule.as_str(), takeover.attempts), ("F-6a", 1));
}

fn a_witness_with_another_key_is_found_and_delays_nothing(setup: Setup) {
    let mut pair = setup.with_a_witness("").pair();
    pair.start_service("a");
    pair.doctor("a").run().is(&["witness-silent"], 1);
    pair.start_witness();
    pair.doctor("a").run().is(&[], 0);
    pair.kill_witness();
    pair.start_witness_with_another_key();
    pair.doctor("a").run().is(&["witness-silent"], 1);
    pair.start();
    pair.await_takeover("a");
    for node in ["a", "b"] {
        let status = pair.await_problem(node, "witness-silent");
        assert!(!status.ready.ready, "{status:?}");
    }
    await_witness(&pair, false);
    // The holder's last word says that no standby is ready, which is no reason to leave the address on a dead host (F-5).
    pair.kill_host("a");
    let takeover = pair.await_takeover("b").last_takeover.unwrap();
    assert_eq!(takeover.rule, "F-6a");
}

fn a_witness_that_dies_with_the_path_holds_a_claim_off_for_a_while(setup: Setup) {
    let mut pair = setup.with_a_witness("isolation_grace = \"4s\"").pair();
    pair.start_witness();
    pair.start_healthy();
    await_witness(&pair, true);
    pair.kill_witness();
    pair.kill_host("a");
    let status = pair.await_problem("b", "witnesses-silent");
    assert_eq!(status.decision.rule.as_deref(), Some("F-20"));
    assert_eq!(pair.holder().as_deref(), Some("a"));
    let takeover = pair.await_takeover("b").last_takeover.unwrap();
    let detect = Duration::from_millis(takeover.detect_ms.unwrap());
    assert!(detect >= Duration::from_secs(4), "{detect:?}");
}

/// Waits until both nodes know whether the witness answers.
fn await_witness(pair: &Pair, answers: bool) {
    for node in ["a", "b"] {
        pair.await_status(node, "of the witness", |status: &Status| {
            let witness = &status.witnesses[0];
            witness.answers == Some(answers) && witness.proved_ago_ms.is_some() == answers
        });
    }
}

const SIX_HOLDTIMES: Duration = Duration::from_secs(6);
