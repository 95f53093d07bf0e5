//! FRR's `bfdd` for comparison: how soon a protocol made for nothing else says that the peer is down.
//!
//! It moves no address, so only its detection is measured: from the cut to the change of state in its log.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::geteuid;
use serde::Serialize;

use super::super::bed::Testbed;
use super::super::network::Host;
use super::super::node::Node;
use crate::process::Process;

/// How long each run took to notice; or why there is none.
#[derive(Debug, Serialize)]
pub(super) enum Detection {
    Measured(Vec<u64>),
    Skipped(&'static str),
}

impl Detection {
    /// Lets the host of the first node die so often, with a session that is up each time.
    pub(super) fn measure(bed: &mut Testbed, runs: u32) -> Result<Self> {
        if let Some(obstacle) = obstacle() {
            return Ok(Self::Skipped(obstacle));
        }
        let mut times = Vec::new();
        for number in 1..=runs {
            bed.clear()?;
            times.push(detect(bed, super::super::phase(number))?);
            eprintln!("frr-bfdd         run {number:>3}: detect_ms {}", times[times.len() - 1]);
        }
        Ok(Self::Measured(times))
    }

    /// Says it in a paragraph.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Skipped(reason) => format!("FRR bfdd was not measured: {reason}."),
            Self::Measured(times) => {
                let mut times = times.clone();
                times.sort_unstable();
                let (Some(min), Some(max)) = (times.first(), times.last()) else {
                    return "FRR bfdd was not measured.".to_owned();
                };
                let (median, count) = (times[times.len() / 2], times.len());
                format!("FRR bfdd, 3 × 100 ms, detection alone: {median} ms ({min}–{max}), n = {count}.")
            }
        }
    }
}

/// Why it cannot run here, if so.
pub(super) fn obstacle() -> Option<&'static str> {
    if !Path::new(BFDD).is_file() {
        return Some("FRR is not installed: apt-get install frr");
    }
    (!geteuid().is_root()).then_some("bfdd changes its user, which only root can let it do")
}

fn detect(bed: &Testbed, phase: Duration) -> Result<u64> {
    let [a, b] = bed.nodes();
    let sessions = [start(a, b.host())?, start(b, a.host())?];
    let printed = |text: &str| sessions.iter().all(|session| session.printed().contains(text));
    bed.interrupt()
        .until("the session is up", PATIENCE, || Ok(printed("-> up").then_some(())))?;
    bed.pass(phase)?;
    let cut_ms = bed.lab().clock_ms();
    bed.gateway().cut_host(a.host())?;
    let down = bed.interrupt().until("the session is down", PATIENCE, || {
        let is_down = sessions[1].printed().contains("up -> down");
        Ok(is_down.then(|| bed.lab().clock_ms()))
    })?;
    Ok(down - cut_ms)
}

/// Starts a daemon with one session, without FRR's other daemons.
pub(super) fn start(node: &Node, peer: Host) -> Result<Process> {
    let (own, peer) = (node.host().address, peer.address);
    let config = format!(
        "log stdout debugging\ndebug bfd peer\nbfd\n peer {peer} multihop local-address {own}\n  detect-multiplier 3\n  \
         receive-interval 100\n  transmit-interval 100\n !\n!\n"
    );
    let config = node.files().write("bfdd.conf", &config, 0o644)?;
    let folder = node.files().folder_for_others("frr")?;
    let within = |name: &str| folder.join(name);
    let mut command = Command::new(BFDD);
    command.arg("-f").arg(config);
    command.arg("-i").arg(within("bfdd.pid")).arg("-z").arg(within("zebra"));
    command
        .arg("--vty_socket")
        .arg(&folder)
        .arg("--bfdctl")
        .arg(within("control"));
    // Its vty would listen on every address.
    command.args(["-P", "0", "-u", "frr", "-g", "frr"]);
    node.start(command, "bfdd").context("cannot start bfdd")
}

/// The program.
pub(super) const BFDD: &str = "/usr/lib/frr/bfdd";
const PATIENCE: Duration = Duration::from_secs(20);
