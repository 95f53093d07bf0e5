//! `pairctl failover`: on either node, once, and only if the target can serve.

use e2e::{Setup, on_stages};

on_stages! {
    emulator:
        an_order_moves_the_address_once_wherever_it_is_given,
        an_order_to_an_unfit_node_is_refused,
        an_order_that_names_no_node_of_the_pair_is_refused;
    moto: an_order_moves_the_address_once_wherever_it_is_given;
}

fn an_order_moves_the_address_once_wherever_it_is_given(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();

    let on_holder = pair.pairctl("a", &["failover"]);
    assert_eq!(
        (on_holder.code, on_holder.stdout.as_str()),
        (Some(0), "the address has moved\n"),
        "{on_holder:?}"
    );
    assert_eq!(pair.holder().as_deref(), Some("b"));
    let status = pair.await_takeover("b");
    assert_eq!(status.last_takeover.unwrap().rule, "F-6b");
    pair.await_healthy();

    let on_standby = pair.pairctl("a", &["failover"]);
    assert_eq!(
        (on_standby.code, on_standby.stdout.as_str()),
        (Some(0), "the address has moved\n"),
        "{on_standby:?}"
    );
    assert_eq!(pair.holder().as_deref(), Some("a"));
    assert_eq!(pair.status("a").last_takeover.unwrap().rule, "F-6e");

    let again = pair.pairctl("a", &["failover", "--to", "a"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (Some(0), "the address is there already\n"),
        "{again:?}"
    );
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a", "b", "a"]);
}

fn an_order_to_an_unfit_node_is_refused(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    pair.kill_service("b");
    pair.await_problem("b", "service-unfit");
    pair.await_problem("a", "peer-unfit");
    for node in ["a", "b"] {
        let refused = pair.pairctl(node, &["failover", "--to", "b"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{refused:?}");
        assert!(refused.stderr.contains("not fit"), "{refused:?}");
    }
    assert_eq!(pair.holder().as_deref(), Some("a"));
    assert_eq!(pair.claimers(), ["a"]);
}

fn an_order_that_names_no_node_of_the_pair_is_refused(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let refused = pair.pairctl("a", &["failover", "--to", "c"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{refused:?}");
    assert!(refused.stderr.contains("hint: the nodes are a and b"), "{refused:?}");
}
