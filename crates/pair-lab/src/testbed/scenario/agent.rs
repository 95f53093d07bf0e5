//! The agent dies, sleeps or stops, and HAProxy goes on.

use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::Scenario;

/// The agent is killed.
pub(super) const KILLED: Scenario = Scenario {
    name: "agent-killed",
    story: "the holder's agent is killed, its HAProxy serves on: the address stays for 10 s, and no request fails",
    runs: 10,
    limits: |_| vec![Limit::every("moves", 0), Limit::every("failed", 0)],
    play: |bed| {
        let holder = bed.holder()?;
        bed.node_mut(&holder)?.kill_agent();
        bed.pass(WATCHED)?;
        Ok(Figures::new())
    },
};

/// The agent is stopped as by its unit.
pub(super) const STOPPED: Scenario = Scenario {
    name: "graceful-stop",
    story: "the holder's agent is stopped by SIGTERM, its HAProxy serves on: the address stays for 10 s, and no request fails",
    runs: 3,
    limits: |_| vec![Limit::every("moves", 0), Limit::every("failed", 0)],
    play: |bed| {
        let holder = bed.holder()?;
        bed.node(&holder)?.signal_agent(Signal::TERM)?;
        bed.pass(WATCHED)?;
        // It has ended by itself: what is left is to forget it.
        bed.node_mut(&holder)?.kill_agent();
        Ok(Figures::new())
    },
};

/// The agent sleeps.
pub(super) const PAUSED: Scenario = Scenario {
    name: "agent-paused",
    story: "each node's agent is stopped by SIGSTOP for 1, 3 and 5 s, then continued: the address stays, and no request fails",
    runs: 3,
    limits: |_| vec![Limit::every("moves", 0), Limit::every("failed", 0)],
    play: |bed| {
        let holder = bed.holder()?;
        for node in [holder.as_str(), bed.other(&holder)] {
            for seconds in [1, 3, 5] {
                pause(bed, node, Duration::from_secs(seconds))?;
            }
        }
        Ok(Figures::new())
    },
};

fn pause(bed: &mut Testbed, node: &str, time: Duration) -> Result<()> {
    bed.node(node)?.signal_agent(Signal::STOP)?;
    bed.pass(time)?;
    bed.node(node)?.signal_agent(Signal::CONT)?;
    bed.pass(Duration::from_secs(3))?;
    bed.settle()
}

/// How long nothing must happen: many times the holdtime and every interval.
const WATCHED: Duration = Duration::from_secs(10);
