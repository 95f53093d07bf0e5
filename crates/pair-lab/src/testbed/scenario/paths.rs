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
            node: no node ever suspects the other, nothing moves, no request fails, and both nodes show which way is cut; then the holder's \
            host dies, and the other node takes the address",
    runs: 5,
    limits: unsuspected,
    play: |bed| {
        with_two_paths(bed, |bed| {
            let [first, second] = paths(bed)?;
            let mut unshown = 0;
            for ways in [&first[..], &second[..], &first[..1]] {
                for way in ways {
                    way.cut(bed)?;
                }
                bed.pass(CUT_TIME)?;
                unshown += unshown_of(bed, ways)?;
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
            let [first, _] = paths(bed)?;
            let until_ms = bed.lab().clock_ms() + ms(BAD_TIME);
            let mut unshown = 0;
            while bed.lab().clock_ms() < until_ms {
                for (away, is_shown) in [(holdtime / 4, false), (holdtime * 5 / 2, true)] {
                    for way in first {
                        way.cut(bed)?;
                    }
                    bed.pass(away)?;
                    if is_shown {
                        unshown += unshown_of(bed, &first)?;
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
            let [first, _] = paths(bed)?;
            let mut unshown = 0;
            for way in first {
                let shown = way.to.shown(bed)?;
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
            for way in paths(bed)?.concat() {
                way.cut(bed)?;
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
    from: End,
    to: End,
}

/// Where a path ends.
#[derive(Debug, Clone, Copy)]
struct End {
    node: &'static str,
    address: Ipv4Addr,
}

impl Way {
    fn cut(self, bed: &Testbed) -> Result<()> {
        bed.gateway().cut_path(self.from.address, self.to.address)
    }
}

impl End {
    /// What its node shows of the path.
    fn shown(self, bed: &Testbed) -> Result<Value> {
        let status = status(bed.node(self.node)?)?;
        let paths = status["peer"]["paths"].as_array().context("a status tells of paths")?;
        let found = paths.iter().find(|path| path["own"] == self.address.to_string());
        found
            .cloned()
            .with_context(|| format!("{} shows no path from {}", self.node, self.address))
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
    bed.pass_by_chance()?;
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

/// Both ways of both paths, that from the holder first.
fn paths(bed: &Testbed) -> Result<[[Way; 2]; 2]> {
    let is_a = bed.holder()? == NODE_A.name;
    let (holder, standby) = if is_a { (NODE_A, NODE_B) } else { (NODE_B, NODE_A) };
    let ends: [fn(Host) -> Ipv4Addr; 2] = [|host| host.address, Host::on_second_leg];
    Ok(ends.map(|address| {
        let [from, to] = [holder, standby].map(|host| End {
            node: host.name,
            address: address(host),
        });
        [Way { from, to }, Way { from: to, to: from }]
    }))
}

/// How often a node does not show one of these ways that are cut: who hears nothing by it, or who is not heard.
fn unshown_of(bed: &Testbed, ways: &[Way]) -> Result<u64> {
    let mut unshown = 0;
    for way in ways {
        unshown += u64::from(way.to.shown(bed)?["state"] != "silent");
        unshown += u64::from(way.from.shown(bed)?["peer_hears"] != false);
    }
    Ok(unshown)
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

const CUT_TIME: Duration = Duration::from_secs(20);
const BAD_TIME: Duration = Duration::from_secs(60);
/// What began so many milliseconds ago has been answered or given up.
const ANSWERED: u64 = 300;
/// Of 64 heartbeats of which each is lost with probability one half, fewer than a quarter are lost once in a hundred thousand times.
const SHOWN_LOSS: u64 = 25;
