//! Instances come and go: members are found by their tag, and no configuration is touched.

use std::time::Duration;

use e2e::{Action, Fault, LogEntry, Pair, Setup, TAG, Target, eventually, has_problem, of, on_stages, stays};
use pair_wire::control::{Link, State};

on_stages! {
    emulator:
        both_find_each_other_and_their_address,
        a_replaced_standby_is_found_and_is_ready_without_an_edit,
        after_its_holder_was_replaced_the_pair_fails_over_to_the_new_instance,
        a_third_instance_waits_and_changes_nothing_until_there_is_room_for_it,
        alone_in_its_group_a_node_serves_and_finds_its_peer_when_it_comes,
        with_an_ec2_that_says_nothing_it_waits_and_says_so,
        a_restart_while_ec2_is_silent_begins_with_what_was_found_last,
        what_a_terminated_member_held_is_taken_by_who_was_never_in_contact_with_it,
        a_question_about_members_that_ec2_never_answers_does_not_delay_a_takeover;
    moto: both_find_each_other_and_their_address;
}

fn both_find_each_other_and_their_address(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.start_healthy();
    assert_eq!(pair.claimers(), ["a"]);
    let status = pair.status("a");
    assert_eq!(status.peer.node.private_ip, Some(pair.private_ip("b")));
    assert_eq!(status.addresses[0].allocation_id, pair.lab().allocation_id());
    assert_eq!(pair.status("b").peer.node.private_ip, Some(pair.private_ip("a")));
    let role = include_str!("../../../deploy/cloudformation/autoscaling-pair.yaml");
    for call in pair.lab().log() {
        let action = format!("ec2:{}\n", call.action);
        assert!(role.contains(&action), "the role of the template lacks {action}");
    }
}

fn a_replaced_standby_is_found_and_is_ready_without_an_edit(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.start_healthy();
    let instance = |node| pair.lab().instance_id(node).unwrap();
    let [before, next] = ["b", "c"].map(|node| format!("{} at {}", instance(node), pair.private_ip(node)));
    replace_b(&mut pair);
    await_both_with_c(&pair);
    assert_eq!(pair.claimers(), ["a"], "nothing has moved");
    assert_eq!(pair.status("a").peer.node.private_ip, Some(pair.private_ip("c")));
    let told = format!("  a  peer  b is {next} in us-east-1b\n    before: {before}\n");
    eventually("the journal tells of both instances", || {
        pair.pairctl("a", &["events"]).stdout.contains(&told).then_some(())
    });
    assert_eq!(
        pair.pairctl("c", &["events"]).stdout.matches("  peer  ").count(),
        1,
        "whoever was there at the start is no news"
    );
}

fn after_its_holder_was_replaced_the_pair_fails_over_to_the_new_instance(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.lab().move_address(&Target::Node("b".to_owned())).unwrap();
    pair.start();
    pair.await_healthy();
    pair.kill_host("b");
    assert_eq!(pair.await_takeover("a").last_takeover.unwrap().rule, "F-6a");
    replace_b(&mut pair);
    await_both_with_c(&pair);
    pair.kill_host("a");
    let status = pair.await_status("c", "it has taken the address", |status| status.last_takeover.is_some());
    assert_eq!(status.last_takeover.unwrap().rule, "F-6a");
    assert_eq!(pair.holder().as_deref(), Some("c"));
    assert_eq!(pair.claimers(), ["a", "c"]);
}

fn a_third_instance_waits_and_changes_nothing_until_there_is_room_for_it(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.start_healthy();
    launch_c(&mut pair);
    pair.await_refusal("c", "this instance is a spare");
    let (code, page) = pair.ask_metrics("c", "/metrics").unwrap();
    let samples = |name: &str| page.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(
        (code, samples("paird_waiting 1"), samples("paird_active")),
        (200, 1, 0),
        "{page}"
    );
    assert_eq!(pair.ask_metrics("c", "/healthz").unwrap().0, 200);
    for path in ["/readyz", "/active"] {
        let (code, why) = pair.ask_metrics("c", path).unwrap();
        assert_eq!((code, why.contains("this instance is a spare")), (503, true), "{why}");
    }
    pair.pairctl_doctor("a").is(&["third-member"], 1);
    let status = pair.await_problem("a", "third-member");
    assert_eq!(status.state, State::Degraded);
    assert_eq!(status.peer.link, Link::Up);
    stays("nothing moves, and the members hear each other", FIVE_HOLDTIMES, || {
        let hears = |node| pair.status(node).peer.link == Link::Up;
        pair.holder().as_deref() == Some("a") && hears("a") && hears("b")
    });
    assert_eq!(pair.claimers(), ["a"]);

    pair.kill_host("b");
    pair.lab().terminate_instance("b").unwrap();
    await_both_with_c(&pair);
    assert_eq!(pair.claimers(), ["a"]);
    eventually("the metrics are those of a member", || {
        let (_, page) = pair.ask_metrics("c", "/metrics")?;
        let is_member = page.contains("paird_waiting 0") && page.contains("paird_active{");
        is_member.then_some(())
    });
}

fn alone_in_its_group_a_node_serves_and_finds_its_peer_when_it_comes(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.lab().terminate_instance("b").unwrap();
    pair.start_service("a");
    pair.start_agent("a");
    pair.await_takeover("a");
    let status = pair.await_problem("a", "peer-not-found");
    assert_eq!(status.peer.node.private_ip, None);
    launch_c(&mut pair);
    await_both_with_c(&pair);
    assert_eq!(pair.claimers(), ["a"]);
}

fn with_an_ec2_that_says_nothing_it_waits_and_says_so(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.lab().faults().set(of("b"), Action::DescribeInstances, Fault::Deny);
    pair.start();
    pair.await_takeover("a");
    pair.await_refusal("b", "EC2 does not say what bears the tag");
    pair.lab().faults().clear(of("b"), Action::DescribeInstances);
    pair.await_healthy();
}

fn a_restart_while_ec2_is_silent_begins_with_what_was_found_last(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.start_healthy();
    pair.lab().faults().set(of("b"), Action::Any, Fault::Refuse);
    pair.restart_agent("b");
    let status = pair.await_problem("b", "discovery-failing");
    assert_eq!(status.node.name, "b");
    pair.await_status("b", "it hears its peer", |status| status.peer.link == Link::Up);
    assert_eq!(pair.claimers(), ["a"]);
    pair.lab().faults().clear(of("b"), Action::Any);
    pair.await_healthy();
}

/// F-9 by the tag: to the new instance, the one that held the address is no stranger.
fn what_a_terminated_member_held_is_taken_by_who_was_never_in_contact_with_it(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    pair.lab().move_address(&Target::Node("b".to_owned())).unwrap();
    pair.lab().terminate_instance("b").unwrap();
    pair.start_service("a");
    pair.start_agent("a");
    let status = pair.await_takeover("a");
    assert_eq!(status.last_takeover.unwrap().rule, "F-9");
    assert_eq!(pair.claimers(), ["a"]);
}

fn a_question_about_members_that_ec2_never_answers_does_not_delay_a_takeover(setup: Setup) {
    let mut pair = setup.that_finds_its_members().pair();
    // Long enough for the question to be under way from the death to the takeover.
    for node in ["a", "b"] {
        pair.edit_config(node, "[ec2]\n", "[ec2]\ncall_timeout = \"5s\"\n");
    }
    pair.start_healthy();
    pair.lab()
        .faults()
        .set(of("b"), Action::DescribeInstances, Fault::BlackHole);
    // Makes the agent ask, and ask again since nothing comes.
    let examined = pair.pairctl("b", &["doctor"]);
    assert!(
        examined.stdout.contains("DescribeInstances got no answer"),
        "{examined:?}"
    );
    let asked = questions(&pair).len();
    eventually("b asks again", || (questions(&pair).len() > asked).then_some(()));
    pair.kill_host("a");
    let takeover = pair.await_takeover("b").last_takeover.unwrap();
    assert_eq!((takeover.rule.as_str(), takeover.attempts), ("F-6a", 1));
    let claim = pair.associates().pop().unwrap();
    let is_beside = |question: &LogEntry| {
        question.ms < claim.ms
            && question
                .settled_ms
                .is_none_or(|settled_ms| Some(settled_ms) > claim.settled_ms)
    };
    assert!(
        questions(&pair).iter().any(is_beside),
        "the claim did not wait for EC2's answer"
    );
    pair.lab().faults().clear(of("b"), Action::DescribeInstances);
    pair.await_status("b", "it knows again who bears the tag", |status| {
        !has_problem(status, "discovery-failing")
    });
}

/// What `b` has asked EC2 about who bears the tag.
fn questions(pair: &Pair) -> Vec<LogEntry> {
    let log = pair.lab().log().into_iter();
    log.filter(|call| call.node == "b" && call.action == "DescribeInstances")
        .collect()
}

/// The group terminates `b` and launches `c`.
fn replace_b(pair: &mut Pair) {
    pair.kill_host("b");
    pair.lab().terminate_instance("b").unwrap();
    launch_c(pair);
}

fn launch_c(pair: &mut Pair) {
    pair.lab().launch_instance("c", TAG).unwrap();
    pair.start_service("c");
    pair.start_agent("c");
}

/// Waits until the survivor and the new instance, which is node `b` of the pair, say that all is well.
fn await_both_with_c(pair: &Pair) {
    for host in ["a", "c"] {
        pair.await_status(host, "the pair is healthy", |status| status.state == State::Healthy);
    }
    let status = pair.status("c");
    assert_eq!(status.node.name, "b");
    assert!(!has_problem(&status, "third-member"));
}

const FIVE_HOLDTIMES: Duration = Duration::from_secs(5);
