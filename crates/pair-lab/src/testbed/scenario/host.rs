//! A host is short of something: processors, disk, metadata.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pair_lab::{Action, Fault, Scope};

use super::super::bed::Testbed;
use super::super::figures::{Figures, Limit};
use super::super::measure::Takeover;
use super::{PATIENCE, Scenario, ms};

/// Every processor is busy with something else.
pub(super) const STARVED: Scenario = Scenario {
    name: "cpu-starved",
    story: "four busy loops for each processor, for 60 s: the address stays",
    runs: 2,
    limits: |_| vec![Limit::every("moves", 0)],
    play: |bed| {
        let cores = thread::available_parallelism()
            .context("cannot count processors")?
            .get();
        let node = bed.node("a")?;
        let loops: Vec<_> = (0..cores * LOOPS_PER_CORE)
            .map(|number| {
                let mut command = Command::new("sh");
                command.args(["-c", "while :; do :; done"]);
                node.start(command, &format!("loop-{number}"))
            })
            .collect::<Result<_>>()?;
        bed.pass(STARVED_TIME)?;
        drop(loops);
        Ok(Figures::new())
    },
};

/// No byte can be written to the state of the agents.
pub(super) const DISK_FULL: Scenario = Scenario {
    name: "disk-full",
    story: "the disks with the agents' state are full, then the holder's host dies: the outage is as short as ever",
    runs: 3,
    limits: death_limits,
    play: |bed| {
        for node in bed.nodes() {
            node.fill_disk()?;
        }
        bed.pass(Duration::from_secs(3))?;
        die(bed)
    },
};

/// The metadata service is gone.
pub(super) const IMDS_GONE: Scenario = Scenario {
    name: "imds-gone",
    story: "IMDS refuses connections on both nodes: the address stays for 20 s; then the holder's host dies: the outage is as short as \
            ever",
    runs: 3,
    limits: death_limits,
    play: |bed| {
        bed.lab().faults().set(Scope::All, Action::Imds, Fault::Refuse);
        bed.pass(Duration::from_secs(20))?;
        die(bed)
    },
};

fn death_limits(holdtime: Duration) -> Vec<Limit> {
    vec![Limit::every("outage_ms", ms(holdtime) + 60), Limit::every("moves", 1)]
}

fn die(bed: &mut Testbed) -> Result<Figures> {
    let holder = bed.holder()?;
    let takeover = Takeover::watch(bed, &holder, |bed| bed.kill_host(&holder), PATIENCE)?;
    takeover.figures(bed)
}

const LOOPS_PER_CORE: usize = 4;
const STARVED_TIME: Duration = Duration::from_secs(60);
