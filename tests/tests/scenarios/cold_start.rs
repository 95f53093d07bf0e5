//! Both nodes start, and somebody has to take the address; or somebody has it already.

use e2e::{Setup, Target, on_stages, stays};

on_stages! {
    emulator: both_start_and_the_preferred_node_takes_the_address_once, the_one_that_has_it_already_keeps_it;
    moto: both_start_and_the_preferred_node_takes_the_address_once, the_one_that_has_it_already_keeps_it;
    haproxy: both_start_and_the_preferred_node_takes_the_address_once;
}

fn both_start_and_the_preferred_node_takes_the_address_once(setup: Setup) {
    let mut pair = setup.pair();
    pair.start();
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
    let claim = &pair.associates()[0];
    assert_eq!(claim.params["AllowReassociation"], "false");
    assert!(claim.user_agent.contains("aws-sdk-rust"), "{}", claim.user_agent);
    assert_eq!(pair.answering().as_deref(), Some("a"));
    let status = pair.pairctl("b", &["status", "--json"]);
    assert_eq!(status.code, Some(0), "{status:?}");
}

fn the_one_that_has_it_already_keeps_it(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().move_address(&Target::Node("b".to_owned())).unwrap();
    pair.start();
    pair.await_healthy();
    stays("the address is where it was found", FIVE_HOLDTIMES, || pair.holder().as_deref() == Some("b"));
    assert_eq!(pair.claimers(), [""; 0]);
}

const FIVE_HOLDTIMES: std::time::Duration = std::time::Duration::from_secs(5);
