//! What AWS tells a node of the end of its host: the address goes before that, and comes back by no notice that is taken back.

use std::time::Duration;

use e2e::{Announcement, Market, Pair, Setup, eventually, has_problem, on_stages, stays};
use pair_wire::control::{EndingCause, State};

on_stages! {
    emulator:
        a_spot_interruption_hands_over_and_no_visitor_is_turned_away,
        a_termination_by_the_autoscaling_group_hands_over,
        maintenance_hands_over_in_time_and_brings_the_node_back_when_it_is_called_off,
        a_rebalance_recommendation_is_told_and_moves_nothing,
        without_a_standby_the_address_is_served_on_until_there_is_one,
        two_whose_hosts_end_do_not_swap,
        an_operators_leave_and_a_notice_are_two_matters,
        what_the_configuration_does_not_want_to_know_is_not_read,
        what_aws_cannot_tell_an_instance_is_not_asked_for;
    moto: a_spot_interruption_hands_over_and_no_visitor_is_turned_away;
}

const MINUTE: Duration = Duration::from_secs(60);

const LIFE_CYCLE: &str = "instance-life-cycle";
const INTERRUPTION: &str = "spot/instance-action";
const GROUP: &str = "autoscaling/target-lifecycle-state";
const MAINTENANCE: &str = "events/maintenance/scheduled";
const REBALANCE: &str = "events/recommendations/rebalance";
const NOTICES: [&str; 5] = [LIFE_CYCLE, INTERRUPTION, GROUP, MAINTENANCE, REBALANCE];

fn a_spot_interruption_hands_over_and_no_visitor_is_turned_away(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().set_market("a", Market::Spot).unwrap();
    pair.start_healthy();
    let visitors = pair.visitors();
    pair.lab()
        .announce("a", &Announcement::SpotInterruption(MINUTE * 2))
        .unwrap();
    pair.await_takeover("b");
    // The notice comes before the end: the host dies afterwards, and nobody waits for a holdtime.
    let told = pair.await_problem("a", "host-ending");
    assert!(!told.ready.ready, "who is about to end is no standby");
    assert_eq!(told.state, State::Degraded, "the other node has it");
    pair.kill_host("a");
    pair.await_problem("b", "peer-silent");
    visitors.end().assert_that_only_moves_broke_any(1);
    assert_eq!(pair.claimers(), ["a", "b"]);
    let why = pair.pairctl("b", &["why"]);
    assert!(why.stdout.contains("by rule F-6b"), "{why:?}");
}

fn a_termination_by_the_autoscaling_group_hands_over(setup: Setup) {
    let mut pair = setup.pair();
    announce_target(&pair, "a", "InService");
    announce_target(&pair, "b", "InService");
    pair.start_healthy();
    announce_target(&pair, "a", "Terminated");
    pair.await_takeover("b");
    for (node, problem) in [("a", "host-ending"), ("b", "peer-host-ending")] {
        pair.await_problem(node, problem);
        let shown = pair.pairctl(node, &["status"]);
        assert_eq!(shown.code, Some(1), "{shown:?}");
        assert!(shown.stdout.contains("host ends: autoscaling"), "{shown:?}");
    }
    let (status, word) = pair.ask_metrics("a", "/readyz").unwrap();
    assert_eq!((status, word.trim_end()), (503, "AWS takes the host of this node"));
    let (_, metrics) = pair.ask_metrics("a", "/metrics").unwrap();
    assert!(
        metrics.contains("paird_host_notice{cause=\"autoscaling\"} 2.0"),
        "{metrics}"
    );
    let why = pair.pairctl("a", &["why"]);
    assert!(why.stdout.contains("AWS takes this host"), "{why:?}");
    let diagnosed = pair.pairctl_doctor("a");
    assert!(diagnosed.ids.iter().any(|id| id == "host-ending"), "{diagnosed:?}");
}

fn maintenance_hands_over_in_time_and_brings_the_node_back_when_it_is_called_off(setup: Setup) {
    let mut pair = setup.with("[notices]\nmaintenance_lead = \"1h\"\n").pair();
    pair.start_healthy();
    let maintenance = |begins_in: Duration, state: &str| Announcement::Maintenance {
        code: "system-reboot".to_owned(),
        begins_in,
        state: state.to_owned(),
    };
    pair.lab().announce("a", &maintenance(MINUTE * 120, "active")).unwrap();
    let told = pair.await_problem("a", "host-noticed");
    assert!(told.ready.ready);
    pair.await_problem("b", "peer-host-noticed");
    assert_eq!(pair.holder().as_deref(), Some("a"));

    pair.lab().announce("a", &maintenance(MINUTE * 59, "active")).unwrap();
    pair.await_takeover("b");
    let told = pair.await_problem("b", "peer-host-ending");
    assert_eq!(
        told.peer.node.ending.map(|ending| (ending.cause, ending.hands_over)),
        Some((EndingCause::Maintenance, true))
    );

    pair.lab().announce("a", &maintenance(MINUTE * 59, "canceled")).unwrap();
    pair.await_healthy();
    stays("the address stays where it is", Duration::from_secs(2), || {
        pair.holder().as_deref() == Some("b")
    });
    assert_eq!(pair.claimers(), ["a", "b"]);
}

fn a_rebalance_recommendation_is_told_and_moves_nothing(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().set_market("a", Market::Spot).unwrap();
    pair.start_healthy();
    pair.lab().announce("a", &Announcement::Rebalance).unwrap();
    pair.await_problem("a", "host-noticed");
    pair.await_problem("b", "peer-host-noticed");
    assert_eq!(pair.claimers(), ["a"]);

    // What is done about it is a matter of the configuration, which a reload changes.
    pair.edit_config("a", "[state]", "[notices]\nrebalance = \"leave\"\n[state]");
    let reloaded = pair.pairctl("a", &["reload"]);
    assert_eq!(reloaded.code, Some(0), "{reloaded:?}");
    pair.await_takeover("b");
}

fn without_a_standby_the_address_is_served_on_until_there_is_one(setup: Setup) {
    let mut pair = setup.pair();
    pair.lab().set_market("a", Market::Spot).unwrap();
    pair.start_healthy();
    pair.kill_service("b");
    pair.await_problem("a", "peer-unfit");
    pair.lab()
        .announce("a", &Announcement::SpotInterruption(MINUTE * 2))
        .unwrap();
    pair.await_status("a", "it is critical that nobody can take it", |status| {
        let ending = status.problems.iter().find(|problem| problem.id == "host-ending");
        status.state == State::Critical && ending.is_some()
    });
    assert_eq!(pair.answering().as_deref(), Some("a"));
    pair.start_service("b");
    pair.await_takeover("b");
}

fn two_whose_hosts_end_do_not_swap(setup: Setup) {
    let mut pair = setup.pair();
    announce_target(&pair, "a", "InService");
    announce_target(&pair, "b", "InService");
    pair.start_healthy();
    announce_target(&pair, "b", "Terminated");
    pair.await_problem("a", "peer-host-ending");
    announce_target(&pair, "a", "Terminated");
    pair.await_problem("a", "host-ending");
    stays("the address stays where it is", Duration::from_secs(3), || {
        pair.holder().as_deref() == Some("a")
    });
    // While it lives, the one takes what the other can serve no more.
    pair.kill_host("a");
    pair.await_takeover("b");
    assert_eq!(pair.claimers(), ["a", "b"]);
}

fn an_operators_leave_and_a_notice_are_two_matters(setup: Setup) {
    let mut pair = setup.pair();
    announce_target(&pair, "b", "InService");
    pair.start_healthy();
    let left = pair.pairctl("b", &["leave"]);
    assert_eq!(left.code, Some(0), "{left:?}");
    announce_target(&pair, "b", "Terminated");
    pair.await_problem("b", "host-ending");
    pair.lab().take_back("b").unwrap();
    let status = pair.await_status("b", "the notice is gone", |status| !has_problem(status, "host-ending"));
    assert!(has_problem(&status, "left-pair"));

    announce_target(&pair, "b", "Terminated");
    pair.await_problem("b", "host-ending");
    let joined = pair.pairctl("b", &["join"]);
    assert!(joined.stdout.contains("AWS takes its host"), "{joined:?}");
    let status = pair.await_status("b", "it has joined", |status| !has_problem(status, "left-pair"));
    assert!(has_problem(&status, "host-ending"));
    let refused = pair.pairctl("a", &["failover"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("AWS takes the host"), "{refused:?}");
}

fn what_the_configuration_does_not_want_to_know_is_not_read(setup: Setup) {
    let mut pair = setup.with("[notices]\nnone = true\n").pair();
    announce_target(&pair, "a", "Terminated");
    pair.start_healthy();
    let asked = || pair.lab().imds_requests("a");
    let before = asked();
    // IMDS is asked about the address every two seconds: by then the notices would have been read, too.
    eventually("time passes", || (asked() >= before + 8).then_some(()));
    pair.await_healthy();
    assert_eq!(pair.claimers(), ["a"]);
    let read = NOTICES.map(|category| pair.lab().imds_requests_for("a", category));
    assert_eq!(read, [0; 5]);
}

fn what_aws_cannot_tell_an_instance_is_not_asked_for(setup: Setup) {
    let mut pair = setup.pair();
    // One is on demand and in no group; the other one is spot, and in one.
    pair.lab().set_market("b", Market::Spot).unwrap();
    announce_target(&pair, "b", "InService");
    pair.start_healthy();
    let read = |node: &str, category: &str| pair.lab().imds_requests_for(node, category);
    eventually("the other one has read its notices in several rounds", || {
        (read("b", INTERRUPTION) >= 3 && read("b", GROUP) >= 3).then_some(())
    });
    eventually("it has read all of them", || {
        NOTICES.iter().all(|category| read("b", category) > 0).then_some(())
    });
    let asked = |category| read("a", category);
    assert_eq!((asked(LIFE_CYCLE), asked(INTERRUPTION), asked(REBALANCE)), (1, 0, 0));
    // In the seldom rounds only, of which the one that is under way may not have come to maintenance.
    let (seldom, group) = (asked(MAINTENANCE), asked(GROUP));
    assert!((seldom..=seldom + 1).contains(&group), "{seldom} {group}");
    assert_eq!(read("b", LIFE_CYCLE), 1);

    // It is attached to a group, which terminates it later.
    announce_target(&pair, "a", "InService");
    eventually("it is asked for in each round", || {
        (asked(GROUP) > asked(MAINTENANCE) + 1).then_some(())
    });
    announce_target(&pair, "a", "Terminated");
    pair.await_takeover("b");
}

fn announce_target(pair: &Pair, node: &str, state: &str) {
    let target = Announcement::AutoscalingTarget(state.to_owned());
    pair.lab().announce(node, &target).unwrap();
}
