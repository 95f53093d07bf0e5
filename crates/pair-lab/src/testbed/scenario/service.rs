//! HAProxy dies, hangs, reloads, or is full.

use std::time::Duration;

use anyhow::{Result, bail};
use rustix::process::Signal;

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::flood::{self, Flood};
use super::super::haproxy::To;
use super::super::measure::Takeover;
use super::{PATIENCE, Scenario, count};

/// HAProxy is killed.
pub(super) const KILLED: Scenario = Scenario {
    name: "haproxy-killed",
    story: "the holder's HAProxy, master and worker, is killed: the other node takes the address",
    runs: 10,
    limits: |_| vec![Limit::median("outage_ms", 150), Limit::every("moves", 1)],
    play: |bed| {
        let holder = bed.holder()?;
        let strike = |bed: &mut Testbed| bed.node_mut(&holder)?.kill_haproxy();
        let takeover = Takeover::watch(bed, &holder, strike, PATIENCE)?;
        takeover.figures(bed)
    },
};

/// HAProxy hangs.
pub(super) const HUNG: Scenario = Scenario {
    name: "haproxy-hung",
    story: "the holder's HAProxy is stopped by SIGSTOP: its kernel accepts and nobody answers; the other node takes the address",
    runs: 10,
    limits: |_| vec![Limit::median("outage_ms", 1500), Limit::every("moves", 1)],
    play: |bed| {
        let holder = bed.holder()?;
        let strike = |bed: &mut Testbed| bed.node(&holder)?.haproxy()?.signal(Signal::STOP, To::All);
        let takeover = Takeover::watch(bed, &holder, strike, PATIENCE)?;
        takeover.figures(bed)
    },
};

/// HAProxy is reloaded, again and again.
pub(super) const RELOADED: Scenario = Scenario {
    name: "haproxy-reloaded",
    story: "the holder's HAProxy is reloaded 20 times without agents, then 20 times with them: the address stays, one worker is left, \
            and no request fails that would not have failed without agents",
    runs: 2,
    limits: |_| {
        vec![
            Limit::every("moves", 0),
            Limit::every("workers_beyond_one", 0),
            Limit::every("failed_beyond", 0),
        ]
    },
    play: |bed| {
        let holder = bed.holder()?;
        for node in ["a", "b"] {
            bed.node_mut(node)?.kill_agent();
        }
        let alone = reload_often(bed, &holder)?;
        for at in 0..bed.nodes().len() {
            bed.start_agent(at)?;
        }
        bed.settle()?;
        let since_ms = bed.lab().clock_ms();
        let watched = reload_often(bed, &holder)?;
        let workers = bed.node(&holder)?.haproxy()?.workers().len();
        Ok(Figures::from([
            ("moves", count(bed.moves(since_ms).len())),
            ("failed", watched),
            ("failed_alone", alone),
            ("failed_beyond", watched.saturating_sub(alone)),
            ("workers_beyond_one", count(workers.saturating_sub(1))),
        ]))
    },
};

/// Reloads, waits until the old workers have gone, and counts the requests that failed meanwhile.
fn reload_often(bed: &Testbed, holder: &str) -> Result<u64> {
    let haproxy = bed.node(holder)?.haproxy()?;
    let since_ms = bed.lab().clock_ms();
    for _ in 0..RELOADS {
        let old = haproxy.workers();
        haproxy.signal(Signal::USR2, To::Master)?;
        bed.interrupt().until("a new worker", WORKER_PATIENCE, || {
            let is_new = haproxy.workers().iter().any(|worker| !old.contains(worker));
            Ok(is_new.then_some(()))
        })?;
        bed.pass(BETWEEN_RELOADS)?;
    }
    let alone = bed.interrupt().until("one worker left", WORKER_PATIENCE, || {
        Ok((haproxy.workers().len() == 1).then_some(()))
    });
    if alone.is_err() && bed.interrupt().is_raised() {
        bail!("interrupted");
    }
    Ok(count(bed.traffic().failed(since_ms, bed.lab().clock_ms())))
}

/// Slow clients fill the public frontend.
pub(super) const SATURATED: Scenario = Scenario {
    name: "haproxy-saturated",
    story: "slow clients take every connection of the public frontend, for 30 s: the health frontend answers, the address stays",
    runs: 2,
    limits: |_| vec![Limit::every("moves", 0), Limit::every("connections_short", 0)],
    play: |bed| {
        let holder = bed.holder()?;
        let flood = Flood::start(bed.traffic().place())?;
        let deadline_ms = bed.lab().clock_ms() + super::ms(FLOODED);
        let mut most = 0;
        while bed.lab().clock_ms() < deadline_ms {
            most = most.max(bed.node(&holder)?.connections().unwrap_or_default());
            bed.pass(Duration::from_millis(500))?;
        }
        drop(flood);
        Ok(Figures::from([
            ("connections", most),
            ("connections_short", flood::PUBLIC_LIMIT.saturating_sub(most)),
        ]))
    },
};

const RELOADS: usize = 20;
/// Longer than a worker needs to start.
const BETWEEN_RELOADS: Duration = Duration::from_millis(300);
/// An old worker ends with its last connection: the client's long ones close after their next answer.
const WORKER_PATIENCE: Duration = Duration::from_secs(15);
const FLOODED: Duration = Duration::from_secs(30);
