//! What operators do on every other day: none of it costs a request, but for the moment of a move that is asked for.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pair_lab::{Action, Fault, LogEntry, Outage, Scope};
use rustix::process::Signal;

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::paird;
use super::{PATIENCE, Scenario, count};

/// The address is moved by order.
pub(super) const MOVED: Scenario = Scenario {
    name: "ordered-move",
    story: "`pairctl failover` to the other node and, once both are content, back: each move costs at most 100 ms and two requests that \
            were under way just then, nothing else a request",
    runs: 10,
    limits: |_| limits_of_moves(2),
    play: |bed| {
        let holder = bed.holder()?;
        let mut costs = Costs::begin(bed);
        for to in [bed.other(&holder), &holder] {
            costs.of_move(bed, to, |bed| order(bed, to, &["failover", "--to", to]))?;
        }
        Ok(costs.figures(bed))
    },
};

/// A hold, its end, and a drill.
pub(super) const DRILLED: Scenario = Scenario {
    name: "hold-and-drill",
    story: "`pairctl hold`, `pairctl resume`, then `pairctl drill`: there and back, each of which costs at most 100 ms and two requests that \
            were under way just then, nothing else a request",
    runs: 10,
    limits: |_| limits_of_moves(2),
    play: |bed| {
        let holder = bed.holder()?;
        let other = bed.other(&holder);
        let mut costs = Costs::begin(bed);
        order(bed, &holder, &["hold", "--for", "1m", "--reason", "the lab"])?;
        bed.pass(WATCHED)?;
        order(bed, other, &["resume"])?;
        bed.settle()?;
        let ordered_ms = bed.lab().clock_ms();
        order(bed, other, &["drill", "--yes"])?;
        let there = costs.add(bed, other, ordered_ms)?;
        costs.add(bed, &holder, there)?;
        bed.pass(WATCHED)?;
        Ok(costs.figures(bed))
    },
};

/// A node leaves for maintenance and comes back.
pub(super) const LEFT: Scenario = Scenario {
    name: "ordered-leave",
    story: "the holder leaves by `pairctl leave`, its agent restarts as after a reboot, and it joins: one move, \
            which costs at most 100 ms and two requests that were under way just then, nothing else a request",
    runs: 10,
    limits: |_| limits_of_moves(1),
    play: |bed| {
        let holder = bed.holder()?;
        let other = bed.other(&holder);
        let mut costs = Costs::begin(bed);
        costs.of_move(bed, other, |bed| order(bed, &holder, &["leave"]))?;
        restart(bed, &holder)?;
        order(bed, &holder, &["join"])?;
        bed.settle()?;
        Ok(costs.figures(bed))
    },
};

/// Both agents restart.
pub(super) const RESTARTED: Scenario = Scenario {
    name: "agent-restarted",
    story: "the agents are restarted as by their unit, the standby's first: the address stays, and no request fails",
    runs: 10,
    limits: |_| nothing_happens(),
    play: |bed| {
        let holder = bed.holder()?;
        for node in [bed.other(&holder), &holder] {
            restart(bed, node)?;
            bed.settle()?;
            bed.pass(WATCHED)?;
        }
        Ok(Figures::new())
    },
};

/// Both agents read their configuration again.
pub(super) const RELOADED: Scenario = Scenario {
    name: "agent-reloaded",
    story: "`pairctl reload` puts other timings in force on both nodes, then the former ones: the address stays, and no request fails",
    runs: 10,
    limits: |_| nothing_happens(),
    play: |bed| {
        for more in ["[ec2]\ncall_timeout = \"2s\"\n[takeover]\nunfit_delay = \"2s\"\n", ""] {
            paird::reconfigure(bed, more)?;
            bed.pass(WATCHED)?;
            bed.settle()?;
        }
        Ok(Figures::new())
    },
};

/// The key is changed.
pub(super) const KEY_ROTATED: Scenario = Scenario {
    name: "key-rotated",
    story: "the key is changed by `pairctl key rotate` in three steps on both nodes: the address stays, and no request fails",
    runs: 10,
    limits: |_| nothing_happens(),
    play: |bed| {
        order_soon(bed, "a", &["key", "rotate"])?;
        let both = keys(bed, "a")?;
        let new = both.lines().last().context("a key file has a line")?;
        bed.node("b")?.files().write("new-key", new, 0o600)?;
        order_soon(bed, "b", &["key", "rotate", "--add", "/run/new-key"])?;
        for node in ["a", "b", "a", "b"] {
            order_soon(bed, node, &["key", "rotate"])?;
        }
        bed.pass(WATCHED)?;
        bed.settle()?;
        let kept = [keys(bed, "a")?, keys(bed, "b")?];
        ensure!(
            kept.iter().all(|keys| keys.trim() == new.trim()),
            "the nodes have other keys than the new one"
        );
        Ok(Figures::new())
    },
};

/// The standby may no longer take the address.
pub(super) const UNREADY: Scenario = Scenario {
    name: "standby-unready",
    story: "the standby's role loses AssociateAddress: from its next rehearsal on (each 5 s here) both nodes show it within 10 s, by their exit codes as well, and nothing moves",
    runs: 10,
    limits: |_| {
        vec![
            Limit::every("shown_ms", 10_000),
            Limit::every("moves", 0),
            Limit::every("failed", 0),
        ]
    },
    play: |bed| {
        let holder = bed.holder()?;
        let standby = bed.other(&holder);
        paird::reconfigure(bed, "[readiness]\ninterval = \"5s\"\n")?;
        let since_ms = bed.lab().clock_ms();
        bed.lab()
            .faults()
            .set(Scope::Node(standby.to_owned()), Action::AssociateAddress, Fault::Deny);
        let is_refused =
            |entry: &LogEntry| entry.ms >= since_ms && entry.dry_run && entry.error.as_deref() == Some(DENIED);
        let checked_ms = bed.interrupt().until("a rehearsal that is refused", PATIENCE, || {
            Ok(bed
                .lab()
                .log()
                .iter()
                .find(|entry| is_refused(entry))
                .map(|entry| entry.ms))
        })?;
        for (node, problem) in [(standby, "ec2-denied"), (&holder, "peer-not-ready")] {
            let node = bed.node(node)?;
            bed.interrupt().until(problem, PATIENCE, || {
                let output = node.pairctl(&["status", "--json"])?;
                let is_shown = String::from_utf8_lossy(&output.stdout).contains(&format!("\"{problem}\""));
                Ok((is_shown && output.status.code() == Some(1)).then_some(()))
            })?;
        }
        let shown_ms = bed.lab().clock_ms() - checked_ms;
        bed.lab().faults().clear_all();
        paird::reconfigure(bed, "")?;
        bed.settle()?;
        Ok(Figures::from([("shown_ms", shown_ms)]))
    },
};

/// What moves that were asked for cost, and what was paid beside them.
pub(super) struct Costs {
    since_ms: u64,
    outages: Vec<Outage>,
}

impl Costs {
    pub(super) fn begin(bed: &Testbed) -> Self {
        Self {
            since_ms: bed.lab().clock_ms(),
            outages: Vec::new(),
        }
    }

    /// Has the address moved to a node, and waits until the client is answered from there and all is well.
    fn of_move(&mut self, bed: &mut Testbed, to: &str, how: impl FnOnce(&Testbed) -> Result<()>) -> Result<()> {
        let ordered_ms = bed.lab().clock_ms();
        how(bed)?;
        self.add(bed, to, ordered_ms)?;
        bed.pass(WATCHED)
    }

    /// Adds the move to a node that was ordered at that time or later, and returns when the client was answered from there.
    pub(super) fn add(&mut self, bed: &Testbed, to: &str, ordered_ms: u64) -> Result<u64> {
        let outage = bed.interrupt().until("an answer after the move", PATIENCE, || {
            Ok(bed.traffic().client().outage_of_move(to, ordered_ms))
        })?;
        let landed_ms = outage.to_ms;
        self.outages.push(outage);
        Ok(landed_ms)
    }

    /// The worst of the moves, the requests that they cut off, and those that failed although no move did.
    pub(super) fn figures(self, bed: &Testbed) -> Figures {
        let turns = bed.gateway().turns();
        let failed = bed.traffic().failed_by(self.since_ms, bed.lab().clock_ms(), &turns);
        let worst = self.outages.iter().map(Outage::ms).max();
        let mut figures = Figures::from([
            ("failed_cut", count(failed.cut)),
            ("failed_elsewhere", count(failed.elsewhere)),
        ]);
        figures.extend(worst.map(|worst| ("outage_ms", worst)));
        figures
    }
}

/// What so many moves may cost that were asked for, or came in time.
pub(super) fn limits_of_moves(moves: u64) -> Vec<Limit> {
    vec![
        Limit::every("outage_ms", 100),
        Limit::every("moves", moves),
        Limit::every("failed_cut", CUT_BY_A_MOVE * moves),
        Limit::every("failed_elsewhere", 0),
    ]
}

fn nothing_happens() -> Vec<Limit> {
    vec![Limit::every("moves", 0), Limit::every("failed", 0)]
}

/// Gives an order, which must be carried out.
fn order(bed: &Testbed, node: &str, args: &[&str]) -> Result<()> {
    let output = bed.node(node)?.pairctl(args)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pairctl {args:?} on {node}: {said}");
    Ok(())
}

/// Gives an order again and again until the other node is ready for it.
fn order_soon(bed: &Testbed, node: &str, args: &[&str]) -> Result<()> {
    bed.interrupt()
        .until(&format!("pairctl {args:?} on {node}"), PATIENCE, || {
            Ok(bed.node(node)?.pairctl(args)?.status.success().then_some(()))
        })
}

/// What the key file of a node has in it.
fn keys(bed: &Testbed, node: &str) -> Result<String> {
    let mut command = Command::new("cat");
    command.arg("/run/key");
    let output = bed.node(node)?.output(command)?;
    String::from_utf8(output.stdout).context("a key file is text")
}

/// Restarts the agent of a node as its unit does, which waits until it has started.
fn restart(bed: &mut Testbed, node: &str) -> Result<()> {
    bed.node(node)?.signal_agent(Signal::TERM)?;
    let interrupt = bed.interrupt().clone();
    interrupt.until("the agent ends", PATIENCE, || {
        Ok((!bed.node_mut(node)?.has_agent()).then_some(()))
    })?;
    bed.revive()?;
    let node = bed.node(node)?;
    interrupt.until("the agent answers", PATIENCE, || Ok(paird::status(node).map(|_| ())))
}

/// How many requests a move may cut off. One begins every 10 ms and is answered within a millisecond or two, so most moves find none
/// under way and some find one; two more are what a machine may add by guess on which other programs run.
const CUT_BY_A_MOVE: u64 = 3;

/// What EC2 says to who may not.
const DENIED: &str = "UnauthorizedOperation";

/// How long nothing else must happen.
const WATCHED: Duration = Duration::from_secs(2);
