//! Instances come and go: the members are found by their tag.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::super::node::Node;
use super::super::paird::{self, TAG};
use super::{PATIENCE, Scenario, ms};

/// An instance dies, and its group launches another one.
pub(super) const REPLACED: Scenario = Scenario {
    name: "instance-replaced",
    story: "the host of `b` dies, holder or not, EC2 terminates it and launches another with the tag: without an edit the pair is healthy, \
            and both nodes ready, within 30 s of its boot",
    runs: 5,
    limits: |_| vec![Limit::every("ready_ms", 30_000), Limit::every("moves", 1)],
    play: |bed| {
        let outcome = replace(bed);
        configure_again(bed)?;
        outcome
    },
};

/// A third instance with the tag comes.
pub(super) const THIRD: Scenario = Scenario {
    name: "third-member",
    story: "a third instance with the tag boots: it says that it is a spare, a member's `pairctl doctor` names it, nothing moves and no \
            request fails; then the holder's host dies: the outage is as short as ever",
    runs: 3,
    limits: |holdtime| {
        vec![
            Limit::every("disturbed", 0),
            Limit::median("outage_ms", ms(holdtime) + 60),
            Limit::every("moves", 1),
        ]
    },
    play: |bed| {
        let outcome = add_a_third(bed);
        configure_again(bed)?;
        outcome
    },
};

fn replace(bed: &mut Testbed) -> Result<Figures> {
    find_members(bed)?;
    let holder = bed.holder()?;
    if holder == "b" {
        let takeover = Takeover::watch(bed, "b", |bed| bed.kill_host("b"), PATIENCE)?;
        ensure!(takeover.came_to_pass(), "the survivor did not take the address");
    } else {
        bed.kill_host("b")?;
    }
    bed.lab().shut_instance_down("b")?;
    // As long as a group may take: the survivor's questions have become rare.
    bed.pass(GROUP_TAKES)?;
    bed.lab().terminate_instance("b")?;
    bed.lab().launch_instance("c", TAG)?;
    let booted_ms = bed.lab().clock_ms();
    bed.start_successor()?;
    let ready_ms = bed
        .interrupt()
        .until("the new instance is a ready standby", PATIENCE * 2, || {
            let survivor = bed.node("a")?;
            let are_ready = is_ready(survivor) && is_ready(bed.successor());
            Ok(are_ready.then(|| bed.lab().clock_ms()))
        })?;
    Ok(Figures::from([("ready_ms", ready_ms - booted_ms)]))
}

fn add_a_third(bed: &mut Testbed) -> Result<Figures> {
    find_members(bed)?;
    let since_ms = bed.lab().clock_ms();
    bed.lab().launch_instance("c", TAG)?;
    bed.start_successor()?;
    bed.interrupt()
        .until("the third instance says what it is", PATIENCE, || {
            let said = bed.successor().pairctl(&["status"])?.stderr;
            Ok(String::from_utf8_lossy(&said)
                .contains("this instance is a spare")
                .then_some(()))
        })?;
    let said = bed.node("a")?.pairctl(&["doctor"])?.stdout;
    let said = String::from_utf8_lossy(&said);
    ensure!(
        said.contains("third-member"),
        "a member does not name the third one:\n{said}"
    );
    bed.pass(WATCHED)?;
    let failed = bed.traffic().failed(since_ms, bed.lab().clock_ms());
    let disturbed = bed.moves(since_ms).len() + failed;
    let holder = bed.holder()?;
    bed.pass_by_chance()?;
    let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
    let mut figures = takeover.figures(bed)?;
    figures.insert("disturbed", super::count(disturbed));
    Ok(figures)
}

/// Lets the members be found from here on: both agents start anew, one after the other.
fn find_members(bed: &mut Testbed) -> Result<()> {
    // What an earlier run launched is gone.
    bed.lab().terminate_instance("c")?;
    for node in ["a", "b"] {
        bed.lab().launch_instance(node, TAG)?;
    }
    let allocation_id = bed.lab().allocation_id().to_owned();
    bed.lab().tag(&allocation_id, TAG)?;
    paird::prepare_to_find(bed)?;
    for at in 0..bed.nodes().len() {
        bed.start_agent(at)?;
        // Until both have the same configuration, each calls the other's another one.
        bed.pass(CALM)?;
    }
    bed.settle()?;
    bed.pass(CALM)
}

/// Leaves the lab as other scenarios expect it.
fn configure_again(bed: &mut Testbed) -> Result<()> {
    bed.lab().terminate_instance("c")?;
    for node in ["a", "b"] {
        bed.lab().launch_instance(node, TAG)?;
    }
    bed.contender().prepare(bed)
}

/// Whether a node calls the pair healthy, itself ready, and its peer ready.
fn is_ready(node: &Node) -> bool {
    let Some(status) = paird::status(node) else {
        return false;
    };
    let is_true = |pointer: &str| status.pointer(pointer) == Some(&Value::Bool(true));
    status.pointer("/state") == Some(&Value::from("healthy")) && is_true("/ready/ready") && is_true("/peer/ready")
}

const GROUP_TAKES: Duration = Duration::from_secs(45);
const WATCHED: Duration = Duration::from_secs(20);
const CALM: Duration = Duration::from_secs(2);
