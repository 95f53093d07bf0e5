//! A flood of hostile datagrams from the peer's own address and port, 50,000 a second: garbage of all kinds, and what the
//! nodes really said, said once more. It is counted, and has no other effect.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::{Ammunition, Beats, Flood, Pair, Sent, Setup, eventually, on_stages, stays};
use pair_wire::control::Link;

on_stages! {
    namespace:
        a_flooded_node_counts_by_cause_and_misses_no_heartbeat,
        a_takeover_during_a_flood_completes;
}

fn a_flooded_node_counts_by_cause_and_misses_no_heartbeat(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    for (node, role) in [("b", "passive"), ("a", "active")] {
        let ammunition = Ammunition::against(&pair, node);
        let (before, links_before) = (drops(&pair, node), link_changes(&pair));
        let beats = Beats::of(&pair, node);
        let flood = Flood::begin(&pair, node, &ammunition);
        let mut answers = 0;
        stays("the peer is up, and the address where it was", TEN_SECONDS, || {
            let status = pair.try_status(node);
            answers += u32::from(status.is_some());
            status.is_none_or(|status| status.peer.link == Link::Up) && pair.holder().as_deref() == Some("a")
        });
        let sent = flood.end();
        let heard = beats.end();
        let counted = counted(&pair, node, &before, &sent);
        let loss = pair.status(node).peer.loss_percent;
        println!("the {role} node got {sent}");
        println!("it counted {counted:?}, and answered for its status {answers} times");
        println!("its peer heard {heard}; of its peer's heartbeats it lost {loss:?} %");

        assert_eq!(heard.missing, 0, "{heard}");
        let intervals = heard.time.as_millis() / INTERVAL.as_millis();
        assert!(u128::from(heard.count) + A_LITTLE_LATE >= intervals, "{heard}");
        assert_eq!(
            link_changes(&pair),
            links_before,
            "neither was so much as suspect to the other"
        );
        // What the kernel dropped may have been a heartbeat.
        assert!(counted["overflow"] > 0 || loss == Some(0.0), "{loss:?}");
        assert!(answers > 0, "its status can be asked for");
    }
    assert_eq!(pair.claimers(), ["a"], "the call of the start, and none after it");
}

fn a_takeover_during_a_flood_completes(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let ammunition = Ammunition::against(&pair, "b");
    let before = drops(&pair, "b");
    let flood = Flood::begin(&pair, "b", &ammunition);
    eventually("the flood is there", || {
        (drops(&pair, "b")["replayed"] >= before["replayed"] + 1000).then_some(())
    });
    pair.kill_host("a");
    let status = pair.await_takeover("b");
    let sent = flood.end();
    let takeover = status.last_takeover.unwrap();
    println!("b got {sent}");
    println!("b counted {:?}", counted(&pair, "b", &before, &sent));
    println!("b had detected the death in {:?} ms", takeover.detect_ms);
    assert_eq!((takeover.rule.as_str(), takeover.attempts), ("F-6a", 1));
    assert_eq!(status.peer.link, Link::PresumedDead, "nothing of it was life");
    assert_eq!(
        pair.claimers(),
        ["a", "b"],
        "one call for the start, one for the takeover"
    );
    assert_eq!(pair.answering().as_deref(), Some("b"));
}

/// Waits until nine in ten of what was sent are counted by cause, and gives the counts.
fn counted(pair: &Pair, node: &str, before: &BTreeMap<String, u64>, sent: &Sent) -> BTreeMap<String, u64> {
    let counted = eventually("nine in ten are counted by cause", || {
        let counted: BTreeMap<String, u64> = drops(pair, node)
            .into_iter()
            .map(|(cause, count)| (cause.clone(), count - before[&cause]))
            .collect();
        (10 * counted.values().sum::<u64>() >= 9 * sent.total()).then_some(counted)
    });
    for (cause, count) in &counted {
        let of_this = sent.by_cause.get(cause.as_str()).copied().unwrap_or_default();
        assert!(
            cause == "overflow" || *count <= of_this,
            "{cause}: {count} of {of_this}"
        );
    }
    counted
}

fn drops(pair: &Pair, node: &str) -> BTreeMap<String, u64> {
    eventually("the node answers", || pair.try_status(node)).drops
}

/// How often the nodes have changed their minds about each other.
fn link_changes(pair: &Pair) -> [usize; 2] {
    ["a", "b"].map(|node| pair.agent_log(node).matches("link to the peer changed").count())
}

const TEN_SECONDS: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_millis(200);
/// Each heartbeat may be a moment late and delays the next one: by this many in ten seconds.
const A_LITTLE_LATE: u128 = 3;
