//! Both nodes start, and somebody has to take the address; or somebody has it already.

use std::time::Duration;

use e2e::{Setup, Target, on_stages, stays};

on_stages! {
    emulator:
        both_start_and_the_preferred_node_takes_the_address_once,
        the_one_that_has_it_already_keeps_it,
        alone_beside_a_stopped_holder_it_takes_the_address,
        alone_beside_a_silent_holder_it_waits_for_an_order,
        alone_beside_a_host_without_a_service_it_takes_the_address_in_time;
    moto:
        both_start_and_the_preferred_node_takes_the_address_once,
        the_one_that_has_it_already_keeps_it;
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
    stays("the address is where it was found", FIVE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("b")
    });
    assert_eq!(pair.claimers(), [""; 0]);
}

/// Not on moto, which does not say which instance an interface belongs to.
fn alone_beside_a_stopped_holder_it_takes_the_address(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().move_address(&Target::Node("a".to_owned())).unwrap();
    pair.lab().stop_instance("a").unwrap();
    pair.start_service("b");
    pair.start_agent("b");
    let status = pair.await_takeover("b");
    assert_eq!(status.last_takeover.unwrap().rule, "F-6a");
    assert_eq!(pair.claimers(), ["b"]);
}

/// A holder that was never heard, of which EC2 knows nothing bad: only a human can tell that it is dead.
fn alone_beside_a_silent_holder_it_waits_for_an_order(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().move_address(&Target::Node("a".to_owned())).unwrap();
    pair.start_service("b");
    pair.start_agent("b");
    pair.await_problem("b", "silence-unproven");
    assert_eq!(pair.pairctl("b", &["status"]).code, Some(2));
    stays("the address is where it was found", FIVE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    assert_eq!(pair.claimers(), [""; 0]);

    let ordered = pair.pairctl("b", &["failover"]);
    assert_eq!(ordered.code, Some(0), "{ordered:?}");
    assert!(
        ordered.stdout.starts_with("the address has moved from a to b, in "),
        "{ordered:?}"
    );
    assert_eq!(pair.status("b").last_takeover.unwrap().rule, "F-6e");
    assert_eq!(pair.claimers(), ["b"]);
}

/// A host that resets every connection, for as long as contact may be lost, has no service.
fn alone_beside_a_host_without_a_service_it_takes_the_address_in_time(setup: Setup) {
    let mut pair = setup.with("[takeover]\nlost_contact_takeover = \"3s\"\n").pair();
    pair.lab().move_address(&Target::Node("a".to_owned())).unwrap();
    pair.start_service("b");
    pair.start_agent("b");
    pair.await_problem("b", "silence-unproven");
    let status = pair.await_takeover("b");
    assert_eq!(status.last_takeover.unwrap().rule, "F-6a");
    assert_eq!(pair.claimers(), ["b"]);
}

const FIVE_HOLDTIMES: Duration = Duration::from_secs(5);
