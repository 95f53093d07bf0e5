//! Two paths for heartbeats between the nodes, of which one, or both, are cut or bad.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::super::network::{Host, NODE_A, NODE_B};
use super::super::node::Node;
use super::super::paird;
use super::{PATIENCE, Scenario, count, ms};

/// Each of two is cut in turn.
pub(super) const ONE_CUT: Scenario = Scenario {
    name: "one-path-cut",
    story: "of two paths between the nodes the first is cut for 20 s, then the second, then the first only from the holder to the other \
            node: no node ever suspects the other, nothing moves, no request fails, and whoever hears nothing by a path shows it; then the \
            holder's host dies, and the other node takes the address",
    runs: 5,
    limits: unsuspected,
    play: |bed| {
        with_two_paths(bed, |bed| {
            let (holder, standby) = hosts(bed)?;
            let [first, second] = paths(holder, standby);
            let mut unshown = 0;
            for (ways, missed_at) in [
                (vec![first, first.back()], vec![holder, standby]),
                (vec![second, second.back()], vec![holder, standby]),
                (vec![first], vec![standby]),
            ] {
                for way in &ways {
                    bed.gateway().cut_path(way.from, way.to)?;
                }
                bed.pass(CUT_TIME)?;
                for host in missed_at {
                    let shown = shown_path(bed.node(host.name)?, ways[0].end_at(host))?;
                    unshown += u64::from(shown["state"] != "silent");
                }
                bed.gateway().heal()?;
                bed.settle()?;
            }
            Ok(unshown)
        })
    },
};

/// One of two comes and goes.
pub(super) const ONE_FLAPPING: Scenario = Scenario {
    name: "one-path-flapping",
    story: "of two paths the first comes and goes for about 60 s, away for a quarter and for two and a half holdtimes in turn: no node ever \
            suspects the other, nothing moves, no request fails, and both show the path each time it was silent for a holdtime; then the \
            holder's host dies, and the other node takes the address",
    runs: 5,
    limits: unsuspected,
    play: |bed| {
        with_two_paths(bed, |bed| {
            let holdtime = bed.contender().holdtime();
            let (holder, standby) = hosts(bed)?;
            let [first, _] = paths(holder, standby);
            let until_ms = bed.lab().clock_ms() + ms(BAD_TIME);
            let mut unshown = 0;
            while bed.lab().clock_ms() < until_ms {
                for away in [holdtime / 4, holdtime * 5 / 2] {
                    bed.gateway().cut_path(first.from, first.to)?;
                    bed.gateway().cut_path(first.to, first.from)?;
                    bed.pass(away)?;
                    for host in [holder, standby].into_iter().filter(|_| away > holdtime * 2) {
                        let shown = shown_path(bed.node(host.name)?, first.end_at(host))?;
                        unshown += u64::from(shown["state"] != "silent");
                    }
                    bed.gateway().heal()?;
                    bed.pass(holdtime / 2)?;
                }
            }
            bed.settle()?;
            Ok(unshown)
        })
    },
};

/// One of two loses half of what it carries.
pub(super) const ONE_LOSSY: Scenario = Scenario {
    name: "one-path-lossy",
    story: "of two paths the first loses 50 % of the packets each way for 60 s: no node ever suspects the other, nothing moves, no request \
            fails, and both show the path's loss; then the holder's host dies, and the other node takes the address",
    runs: 5,
    limits: unsuspected,
    play: |bed| {
        with_two_paths(bed, |bed| {
            bed.gateway().lose(50)?;
            bed.pass(BAD_TIME)?;
            let (holder, standby) = hosts(bed)?;
            let [first, _] = paths(holder, standby);
            let mut unshown = 0;
            for host in [holder, standby] {
                let shown = shown_path(bed.node(host.name)?, first.end_at(host))?;
                unshown += u64::from(shown["loss_percent"].as_u64().is_none_or(|loss| loss < SHOWN_LOSS));
            }
            bed.gateway().heal()?;
            bed.settle()?;
            Ok(unshown)
        })
    },
};

/// Both are cut.
pub(super) const BOTH_CUT: Scenario = Scenario {
    name: "both-paths-cut",
    story: "both of two paths are cut for 60 s: as one path that is cut, no claim, since the Elastic IP can be probed, and both nodes show \
            the other's silence; after the heal the holder's host dies, and the other node takes the address",
    runs: 5,
    limits: undisturbed,
    play: |bed| {
        with_two_paths(bed, |bed| {
            let (holder, standby) = hosts(bed)?;
            for path in paths(holder, standby) {
                bed.gateway().cut_path(path.from, path.to)?;
                bed.gateway().cut_path(path.to, path.from)?;
            }
            bed.pass(BAD_TIME)?;
            let mut unshown = 0;
            for node in bed.nodes() {
                unshown += u64::from(status(node)?["peer"]["link"] != "presumed-dead");
            }
            bed.gateway().heal()?;
            bed.settle()?;
            Ok(unshown)
        })
    },
};

/// One direction of a path.
#[derive(Debug, Clone, Copy)]
struct Way {
    from: Ipv4Addr,
    to: Ipv4Addr,
}

impl Way {
    fn back(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }

    /// Its end at this node.
    fn end_at(self, host: Host) -> Ipv4Addr {
        if [host.address, host.on_second_leg()].contains(&self.from) {
            self.from
        } else {
            self.to
        }
    }
}

/// Disturbs a pair with two paths, which says how often a bad path was not shown; then the holder's host dies. The next scenario begins
/// with one path.
fn with_two_paths(bed: &mut Testbed, disturb: impl FnOnce(&mut Testbed) -> Result<u64>) -> Result<Figures> {
    paird::prepare_two_paths(bed)?;
    for at in 0..bed.nodes().len() {
        bed.start_agent(at)?;
    }
    bed.settle()?;
    let since_ms = bed.lab().clock_ms();
    let earlier = suspicions(bed);
    let unshown = disturb(bed)?;
    let suspicions = suspicions(bed) - earlier;
    let moves = count(bed.moves(since_ms).len());
    let failed = count(bed.traffic().failed(since_ms, bed.lab().clock_ms() - ANSWERED));
    let holder = bed.holder()?;
    let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
    let mut figures = takeover.figures(bed)?;
    figures.extend([
        ("unshown", unshown),
        ("suspicions", suspicions),
        ("moves", moves),
        ("failed", failed),
        ("lost_failovers", u64::from(!takeover.came_to_pass())),
    ]);
    bed.contender().prepare(bed)?;
    Ok(figures)
}

fn unsuspected(holdtime: Duration) -> Vec<Limit> {
    let mut limits = vec![Limit::every("suspicions", 0)];
    limits.extend(undisturbed(holdtime));
    limits
}

fn undisturbed(holdtime: Duration) -> Vec<Limit> {
    vec![
        Limit::every("moves", 0),
        Limit::every("failed", 0),
        Limit::every("unshown", 0),
        Limit::every("lost_failovers", 0),
        Limit::median("outage_ms", ms(holdtime) + 60),
    ]
}

/// The host that holds the address, and the other one.
fn hosts(bed: &Testbed) -> Result<(Host, Host)> {
    let is_a = bed.holder()? == NODE_A.name;
    Ok(if is_a { (NODE_A, NODE_B) } else { (NODE_B, NODE_A) })
}

/// Both paths from one node to the other.
fn paths(from: Host, to: Host) -> [Way; 2] {
    let second = (from.on_second_leg(), to.on_second_leg());
    [(from.address, to.address), second].map(|(from, to)| Way { from, to })
}

/// How often a node has suspected the other, by the logs of both.
fn suspicions(bed: &Testbed) -> u64 {
    let logs = bed.nodes().each_ref().map(Node::agent_log);
    let lines = logs.iter().flat_map(|log| log.lines());
    let is_suspicion = |line: &Value| line["message"] == "link to the peer changed" && line["to"] == "suspect";
    let found = lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(is_suspicion);
    count(found.count())
}

fn status(node: &Node) -> Result<Value> {
    paird::status(node).with_context(|| format!("{} shows no status", node.name()))
}

/// What a node shows of the path that ends at this address of it.
fn shown_path(node: &Node, own: Ipv4Addr) -> Result<Value> {
    let status = status(node)?;
    let paths = status["peer"]["paths"].as_array().context("a status tells of paths")?;
    let found = paths.iter().find(|path| path["own"] == own.to_string());
    found
        .cloned()
        .with_context(|| format!("{} shows no path from {own}", node.name()))
}

const CUT_TIME: Duration = Duration::from_secs(20);
const BAD_TIME: Duration = Duration::from_secs(60);
/// What began so many milliseconds ago has been answered or given up.
const ANSWERED: u64 = 300;
/// Of 64 heartbeats of which each is lost with probability one half, fewer than a quarter are lost once in a hundred thousand times.
const SHOWN_LOSS: u64 = 25;
