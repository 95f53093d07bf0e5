//! Somebody outside the pair has the address, or takes it: paird says so and never touches it.

use std::time::Duration;

use e2e::{Pair, Setup, Target, on_stages, stays};
use pair_wire::control::HolderName;

on_stages! {
    emulator:
        what_a_stranger_has_at_the_start_is_never_touched,
        what_a_stranger_takes_is_never_touched,
        what_somebody_released_is_taken_again_once;
    moto:
        what_a_stranger_has_at_the_start_is_never_touched,
        what_a_stranger_takes_is_never_touched,
        what_somebody_released_is_taken_again_once;
}

fn what_a_stranger_has_at_the_start_is_never_touched(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().move_address(&Target::Outside).unwrap();
    pair.start();
    both_name_the_stranger_and_leave_it_alone(&pair);
    assert_eq!(pair.claimers(), [""; 0]);
}

fn what_a_stranger_takes_is_never_touched(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy_without_a_claim();
    pair.lab().move_address(&Target::Outside).unwrap();
    both_name_the_stranger_and_leave_it_alone(&pair);

    pair.lab().move_address(&Target::Node("b".to_owned())).unwrap();
    pair.await_healthy();
    assert_eq!(pair.holder().as_deref(), Some("b"));
    assert_eq!(pair.claimers(), [""; 0], "what an operator gives back needs no call");
}

fn what_somebody_released_is_taken_again_once(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy_without_a_claim();
    pair.lab().release_association().unwrap();
    let status = pair.await_takeover("a");
    assert_eq!(status.last_takeover.unwrap().rule, "F-6d");
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
    assert_eq!(pair.associates()[0].params["AllowReassociation"], "false");
}

fn both_name_the_stranger_and_leave_it_alone(pair: &Pair) {
    for node in ["a", "b"] {
        let status = pair.await_problem(node, "held-by-stranger");
        assert_eq!(status.addresses[0].holder, Some(HolderName::Stranger));
        assert_eq!(status.decision.rule.as_deref(), Some("F-9"));
        assert_eq!(pair.pairctl(node, &["status"]).code, Some(2));
    }
    stays("the stranger has the address", FIVE_HOLDTIMES, || {
        pair.holder().as_deref() == Some("outside")
    });
}

const FIVE_HOLDTIMES: Duration = Duration::from_secs(5);
