//! `pairctl failover`: on either node, once, and only if the target can serve.

use std::thread;
use std::time::Duration;

use e2e::{Action, Fault, Setup, eventually, of, on_stages};

on_stages! {
    emulator:
        an_order_moves_the_address_once_wherever_it_is_given,
        an_order_to_an_unfit_node_is_refused,
        an_order_that_names_no_node_of_the_pair_is_refused,
        of_two_orders_the_second_is_told_what_is_under_way_and_by_whom,
        an_unready_node_takes_the_address_by_force_only;
    moto: an_order_moves_the_address_once_wherever_it_is_given;
}

fn an_order_moves_the_address_once_wherever_it_is_given(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let visitors = pair.visitors();

    let on_holder = pair.pairctl("a", &["failover"]);
    assert_eq!(on_holder.code, Some(0), "{on_holder:?}");
    assert!(
        on_holder.stdout.starts_with("the address has moved from a to b, in "),
        "{on_holder:?}"
    );
    assert!(
        on_holder
            .stdout
            .contains("    api and verify are told by `pairctl why` on b, "),
        "{on_holder:?}"
    );
    assert_eq!(pair.holder().as_deref(), Some("b"));
    let status = pair.await_takeover("b");
    assert_eq!(status.last_takeover.unwrap().rule, "F-6b");
    pair.await_healthy();

    let on_standby = pair.pairctl("a", &["failover"]);
    assert_eq!(on_standby.code, Some(0), "{on_standby:?}");
    assert!(
        on_standby.stdout.starts_with("the address has moved from b to a, in "),
        "{on_standby:?}"
    );
    assert!(
        on_standby.stdout.contains("    api ") && on_standby.stdout.contains("verify "),
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
    visitors.end().assert_that_only_moves_broke_any(2);
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

fn of_two_orders_the_second_is_told_what_is_under_way_and_by_whom(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let slow = Fault::Latency(Duration::from_millis(1_500));
    pair.lab().faults().set(of("b"), Action::AssociateAddress, slow);
    thread::scope(|scope| {
        let first = scope.spawn(|| pair.pairctl("a", &["failover", "--to", "b"]));
        eventually("the first order is given", || {
            pair.agent_log("a")
                .contains("order=\"failover to \\\"b\\\"\"")
                .then_some(())
        });
        for second in [&["failover"][..], &["leave"]] {
            let refused = pair.pairctl("a", second);
            assert_eq!((refused.code, refused.stdout.as_str()), (Some(4), ""), "{refused:?}");
            let says = "another order is under way: failover to \"b\", given by user ";
            assert!(refused.stderr.contains(says), "{refused:?}");
        }
        let first = first.join().unwrap();
        assert_eq!(first.code, Some(0), "{first:?}");
    });
    assert_eq!(pair.claimers(), ["a", "b"]);
}

fn an_unready_node_takes_the_address_by_force_only(setup: Setup) {
    let mut pair = setup.pair();
    // Its rehearsal is denied, and so is a claim: until the denial is lifted.
    pair.lab().faults().set(of("b"), Action::AssociateAddress, Fault::Deny);
    pair.start();
    pair.await_takeover("a");
    pair.await_problem("b", "ec2-denied");
    pair.await_problem("a", "peer-not-ready");
    let refused = pair.pairctl("a", &["failover"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("is not ready"), "{refused:?}");
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    pair.lab().faults().clear_all();
    let forced = pair.pairctl("a", &["failover", "--force"]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    assert!(
        forced.stdout.contains("to b, whose readiness was not asked for, in "),
        "{forced:?}"
    );
    assert_eq!(pair.claimers(), ["a", "b"]);
}
