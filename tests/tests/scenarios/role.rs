//! The role of a node: exactly what the programs call, neither more nor less.

use std::collections::BTreeSet;

use e2e::{Pair, Setup, eventually, on_stages};

on_stages! {
    emulator:
        the_role_allows_exactly_what_is_called,
        a_strict_takeover_calls_one_action_more;
}

fn the_role_allows_exactly_what_is_called(setup: Setup) {
    let mut pair = setup.redirected_by_the_environment().pair();
    live_through_everything(&mut pair);
    assert_eq!(called(&pair), of_the_role());
    assert!(!of_the_role().contains("DisassociateAddress"));
}

fn a_strict_takeover_calls_one_action_more(setup: Setup) {
    let mut pair = setup
        .with("[takeover]\nstrict = true\n")
        .redirected_by_the_environment()
        .pair();
    live_through_everything(&mut pair);
    let more: Vec<String> = called(&pair).difference(&of_the_role()).cloned().collect();
    assert_eq!(more, ["DisassociateAddress"]);
}

/// A first configuration, a start, a planned move, an examination, a restart, a death, and a start beside a dead holder.
fn live_through_everything(pair: &mut Pair) {
    let (peer, public_ip) = (pair.private_ip("b"), pair.lab().public_ip().to_string());
    let initialized = pair.init(
        "a",
        &["--print", "--pair", "e2e", "--peer", &peer, "--address", &public_ip],
    );
    assert_eq!(initialized.code, Some(0), "{initialized:?}");
    pair.start_healthy();
    let moved = pair.pairctl("a", &["failover", "--to", "b"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    pair.await_healthy();
    for node in ["a", "b"] {
        let examined = pair.doctor(node).run();
        // The environment leads it to the lab, which an examination is right to tell.
        assert_eq!(
            examined.ids,
            ["endpoint-redirected", "endpoint-redirected"],
            "{}",
            examined.said
        );
    }
    pair.restart_agent("a");
    pair.await_healthy();
    pair.kill_host("b");
    pair.await_takeover("a");
    // Nobody who starts beside a silent holder has heard it, so EC2 is asked how its instance is.
    pair.kill_host("a");
    pair.start_service("b");
    pair.start_agent("b");
    pair.await_problem("b", "silence-unproven");
    eventually("b asks for a's instance", || {
        called(pair).contains("DescribeInstanceStatus").then_some(())
    });
}

fn called(pair: &Pair) -> BTreeSet<String> {
    pair.lab().log().into_iter().map(|call| call.action).collect()
}

/// The EC2 actions of the template's role; the rest of it is for the first boot, which fetches the key.
fn of_the_role() -> BTreeSet<String> {
    let template = include_str!("../../../deploy/cloudformation/fleet-1.yaml");
    let allowed = template.lines().map(|line| {
        line.trim_start()
            .trim_start_matches("- ")
            .trim_start_matches("Action: ")
    });
    allowed
        .filter_map(|action| action.strip_prefix("ec2:"))
        // A key of a condition.
        .filter(|action| !action.ends_with(':'))
        .map(str::to_owned)
        .collect()
}
