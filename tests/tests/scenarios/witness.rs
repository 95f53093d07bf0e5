//! A third host passes questions on to the peer (F-20): what it prevents, and what its silence does.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::{Cut, Pair, Setup, TAG, WitnessFlood, eventually, on_stages, stays};
use pair_core::{Event, Input, Output};
use pair_wire::control::{Link, State, Status};
use pair_wire::trace::What;

on_stages! {
    emulator: a_cut_path_moves_nothing_while_a_witness_brings_the_peers_answers,
        a_dead_holder_is_replaced_as_soon_as_ever_beside_a_witness,
        a_witness_with_another_key_is_found_and_delays_nothing,
        whether_a_witness_answers_is_readiness_at_once,
        a_witness_that_dies_with_the_path_holds_a_claim_off_for_a_while,
        one_witness_speaks_for_every_address_of_a_pair,
        a_witness_is_asked_about_the_instance_that_came_in_the_peers_place,
        a_flood_of_the_witness_port_is_counted_and_harms_neither_heartbeats_nor_a_takeover;
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

fn whether_a_witness_answers_is_readiness_at_once(setup: Setup) {
    let mut pair = setup.with_a_witness("").pair();
    pair.start();
    for node in ["a", "b"] {
        pair.await_status(node, "all but the witness is well", |status| {
            let reasons = status.ready.reasons.iter();
            reasons.map(|problem| problem.id.as_str()).eq(["witness-silent"])
        });
    }
    pair.start_witness();
    await_witness(&pair, true);
    for node in ["a", "b"] {
        let record = pair.record(node);
        let mut entries = record.entries.iter();
        let answers = |what: &What| matches!(what, What::Output(Output::Event(Event::Witness { answers: true, .. })));
        let noticed = entries.find(|entry| answers(&entry.what)).expect("it has noticed");
        let told = entries.find(|entry| matches!(entry.what, What::Input(Input::Readiness(_))));
        // What is told in one turn of the event loop is told at one time; a later turn may have another reason to look again.
        let told = told.map(|entry| (entry.at, &entry.what));
        assert_eq!(told, Some((noticed.at, &What::Input(Input::Readiness(true)))), "{node}");
    }
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

fn one_witness_speaks_for_every_address_of_a_pair(setup: Setup) {
    let mut pair = setup.with_two_addresses().with_a_witness("").pair();
    pair.start_witness();
    pair.start();
    pair.await_holders(["a", "b"]);
    pair.await_healthy();
    await_witness(&pair, true);
    let cut = pair.cut_heartbeats();
    for node in ["a", "b"] {
        pair.await_problem(node, "silent-but-serving");
    }
    stays("each address is where it was", SIX_HOLDTIMES, || {
        pair.holders() == ["a", "b"].map(|node| Some(node.to_owned()))
    });
    cut.heal();
    pair.await_healthy();
    pair.kill_host("a");
    pair.await_holders(["b", "b"]);
    let second = pair.second().to_owned();
    assert_eq!(pair.claimers_of(pair.lab().allocation_id()), ["a", "b"]);
    assert_eq!(pair.claimers_of(&second), ["b"]);
}

fn a_witness_is_asked_about_the_instance_that_came_in_the_peers_place(setup: Setup) {
    let mut pair = setup.that_finds_its_members().with_a_witness("").pair();
    pair.start_witness();
    pair.start_healthy();
    await_witness(&pair, true);
    pair.kill_host("b");
    pair.lab().terminate_instance("b").unwrap();
    pair.lab().launch_instance("c", TAG).unwrap();
    pair.start_service("c");
    pair.start_agent("c");
    for node in ["a", "c"] {
        pair.await_status(node, "the pair is healthy", |status| status.state == State::Healthy);
    }
    let cuts = ["a", "c"].map(|node| pair.cut_heartbeats_of(node));
    pair.await_problem("c", "silent-but-serving");
    stays("the address is at a", SIX_HOLDTIMES, || {
        pair.holder().as_deref() == Some("a")
    });
    assert_eq!(pair.claimers(), ["a"]);
    // The holder, too, is told by the witness that the new instance lives.
    pair.await_status(
        "a",
        "the witness has brought the answer of the new instance",
        |status| {
            let proved_ago_ms = status.witnesses[0].proved_ago_ms;
            status.peer.link == Link::PresumedDead && proved_ago_ms < status.peer.heard_ago_ms
        },
    );
    cuts.into_iter().for_each(Cut::heal);
    pair.await_status("c", "the pair is healthy again", |status| {
        status.state == State::Healthy
    });
    pair.kill_host("a");
    eventually("c has taken the address", || {
        (pair.holder().as_deref() == Some("c")).then_some(())
    });
}

fn a_flood_of_the_witness_port_is_counted_and_harms_neither_heartbeats_nor_a_takeover(setup: Setup) {
    let mut pair = setup.with_a_witness("").pair();
    pair.start_witness();
    pair.start_healthy();
    await_witness(&pair, true);
    let links_before = link_changes(&pair);
    let floods = ["a", "b"].map(|node| WitnessFlood::begin(&pair, node));
    stays("the nodes hear each other and the witness", SIX_HOLDTIMES, || {
        ["a", "b"]
            .into_iter()
            .filter_map(|node| pair.try_status(node))
            .all(|status| status.peer.link == Link::Up && status.witnesses[0].answers == Some(true))
    });
    assert_eq!(
        link_changes(&pair),
        links_before,
        "neither was so much as suspect to the other"
    );
    let counted = dropped_at_witness_port(&pair, "b");
    pair.kill_host("a");
    let takeover = pair.await_takeover("b").last_takeover.unwrap();
    assert_eq!((takeover.rule.as_str(), takeover.attempts), ("F-6a", 1));
    let sent = floods.map(WitnessFlood::end)[1].clone();
    println!("of {sent:?} that were sent to b, it had counted {counted:?} before the takeover");
    assert_eq!(counted.len(), sent.len(), "{counted:?} of {sent:?}");
    for (cause, count) in counted {
        assert!(
            0.0 < count && count <= sent[cause.as_str()] as f64,
            "{cause}: {count} of {sent:?}"
        );
    }
}

/// What a node's metrics say of datagrams that it dropped at its port for witnesses, by cause.
fn dropped_at_witness_port(pair: &Pair, node: &str) -> BTreeMap<String, f64> {
    let (_, page) = eventually("the metrics are served", || pair.ask_metrics(node, "/metrics"));
    let counted = page.lines().filter_map(|line| {
        let sample = line.strip_prefix("paird_witness_datagrams_dropped_total{cause=\"")?;
        let (cause, count) = sample.split_once("\"} ")?;
        Some((cause.to_owned(), count.parse().unwrap()))
    });
    counted.filter(|(_, count)| *count > 0.0).collect()
}

/// How often the nodes have changed their minds about each other.
fn link_changes(pair: &Pair) -> [usize; 2] {
    ["a", "b"].map(|node| pair.agent_log(node).matches("link to the peer changed").count())
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
