//! EC2 or IMDS fails the node that has to take over: it says why, and takes over as soon as it can, once.

use std::time::Duration;

use e2e::{Action, Fault, LogEntry, Pair, Setup, eventually, has_problem, of, on_stages};
use pair_wire::control::{Link, State};

on_stages! {
    emulator:
        a_standby_that_may_not_claim_says_so_and_claims_when_it_may,
        a_throttled_claim_succeeds_in_the_end,
        a_slow_ec2_gets_one_call,
        a_claim_whose_reply_was_lost_is_found_by_a_read,
        reads_in_a_black_hole_do_not_delay_the_claim,
        a_node_cut_off_from_ec2_claims_when_it_is_back,
        a_standby_without_metadata_says_so_and_still_takes_over;
    moto:
        a_standby_that_may_not_claim_says_so_and_claims_when_it_may,
        a_throttled_claim_succeeds_in_the_end,
        a_slow_ec2_gets_one_call,
        a_claim_whose_reply_was_lost_is_found_by_a_read;
}

fn a_standby_that_may_not_claim_says_so_and_claims_when_it_may(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().faults().set(of("b"), Action::AssociateAddress, Fault::Deny);
    pair.start();
    let status = pair.await_status("b", "it serves, but I could not take over", |status| {
        has_problem(status, "ec2-denied") && status.state == State::Degraded
    });
    assert!(!status.ready.ready);
    assert_eq!(pair.pairctl("b", &["status"]).code, Some(1));
    pair.await_problem("a", "peer-not-ready");
    // A channel that never worked would testify to nothing (F-8).
    pair.await_status("b", "the nodes hear each other", |status| status.peer.link == Link::Up);

    pair.kill_host("a");
    let status = pair.await_problem("b", "claim-failing");
    let why = &status
        .problems
        .iter()
        .find(|problem| problem.id == "claim-failing")
        .unwrap()
        .text;
    assert!(why.contains("UnauthorizedOperation"), "{why}");
    assert_eq!(pair.pairctl("b", &["status"]).code, Some(2));
    assert_eq!(pair.holder().as_deref(), Some("a"));

    pair.lab().faults().clear_all();
    let status = pair.await_takeover("b");
    assert!(!has_problem(&status, "claim-failing"));
    assert_eq!(moves(&pair), ["a", "b"]);
}

fn a_throttled_claim_succeeds_in_the_end(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.lab().faults().set(of("b"), Action::Any, Fault::Throttle);
    pair.kill_host("a");
    eventually("a claim was throttled", || {
        has_failed(&pair, "RequestLimitExceeded").then_some(())
    });
    pair.await_problem("b", "claim-failing");
    pair.lab().faults().clear_all();
    pair.await_takeover("b");
    assert_eq!(moves(&pair), ["a", "b"]);
}

fn a_slow_ec2_gets_one_call(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.lab()
        .faults()
        .set(of("b"), Action::Any, Fault::Latency(Duration::from_millis(1500)));
    pair.kill_host("a");
    let status = pair.await_takeover("b");
    let api_ms = status.last_takeover.unwrap().api_ms.unwrap();
    assert!(api_ms >= 1500, "{api_ms}");
    assert_eq!(pair.claimers(), ["a", "b"]);
}

fn a_claim_whose_reply_was_lost_is_found_by_a_read(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.lab()
        .faults()
        .set(of("b"), Action::AssociateAddress, Fault::LoseReply(1));
    pair.kill_host("a");
    let status = pair.await_takeover("b");
    assert_eq!(status.last_takeover.unwrap().attempts, 1);
    assert_eq!(pair.claimers(), ["a", "b"], "no second call for what the first one did");
}

fn reads_in_a_black_hole_do_not_delay_the_claim(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.lab()
        .faults()
        .set(of("b"), Action::DescribeAddresses, Fault::BlackHole);
    pair.kill_host("a");
    eventually("b holds the address", || {
        (pair.holder().as_deref() == Some("b")).then_some(())
    });
    pair.await_status("b", "the address is here", |status| {
        status.addresses[0].holder.clone().map(String::from).as_deref() == Some("b")
    });
    pair.lab().faults().clear_all();
    pair.await_takeover("b");
    assert_eq!(pair.claimers(), ["a", "b"]);
}

fn a_node_cut_off_from_ec2_claims_when_it_is_back(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.lab().faults().set(of("b"), Action::Any, Fault::BlackHole);
    pair.kill_host("a");
    pair.await_problem("b", "claim-failing");
    assert_eq!(pair.holder().as_deref(), Some("a"));
    pair.lab().faults().clear_all();
    pair.await_takeover("b");
    assert_eq!(moves(&pair), ["a", "b"]);
}

fn a_standby_without_metadata_says_so_and_still_takes_over(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.lab().faults().set(of("b"), Action::Imds, Fault::Refuse);
    pair.await_problem("b", "imds-unreachable");
    pair.await_problem("a", "peer-not-ready");
    assert_eq!(pair.pairctl("b", &["status"]).code, Some(1));
    pair.kill_host("a");
    pair.await_takeover("b");
    assert_eq!(pair.claimers(), ["a", "b"]);
}

/// The nodes whose calls moved the address, in order.
fn moves(pair: &Pair) -> Vec<String> {
    pair.associates()
        .into_iter()
        .filter(LogEntry::is_mutation)
        .map(|call| call.node)
        .collect()
}

fn has_failed(pair: &Pair, code: &str) -> bool {
    pair.associates().iter().any(|call| call.error.as_deref() == Some(code))
}
