//! A process: killed by its pid, at the latest when whoever started it ends.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use rustix::process::Pid;

/// A running process with its output in a file.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it prints goes to `log`.
    pub(crate) fn start(command: Command, log: &Path) -> Result<Self> {
        let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        Self::start_into(command, out, log)
    }

    /// Starts it; what it prints goes to the file `out`, which the caller knows as `log`.
    pub(crate) fn start_into(mut command: Command, out: File, log: &Path) -> Result<Self> {
        let again = out.try_clone().context("cannot share a log file")?;
        let program = Path::new(command.get_program()).display().to_string();
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(again)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        Ok(Self {
            child,
            log: log.to_path_buf(),
        })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Its children that are alive.
    pub(crate) fn children(&self) -> Vec<Pid> {
        children(self.id())
    }

    /// Itself and whatever it has started, as far as it is alive.
    pub(crate) fn family(&self) -> Vec<Pid> {
        let mut family = vec![self.id()];
        let mut at = 0;
        while let Some(member) = family.get(at) {
            let theirs = children(*member);
            family.extend(theirs);
            at += 1;
        }
        family
    }

    /// Its resident size in KiB, while it lives.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id().as_raw_nonzero())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// What it has printed so far.
    pub(crate) fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails with what it printed if it has ended.
    pub(crate) fn check_alive(&mut self, name: &str) -> Result<()> {
        match self.child.try_wait().context("cannot look after a process")? {
            None => Ok(()),
            Some(status) => anyhow::bail!("{name} ended with {status}:\n{}", self.printed()),
        }
    }

    /// Sends SIGKILL and does not wait.
    pub(crate) fn strike(&mut self) {
        // It may have ended by itself: then it is as dead as was wanted.
        self.child.kill().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.strike();
        self.child.wait().ok();
    }
}

/// What the first thread of a process has started and not yet seen off.
fn children(of: Pid) -> Vec<Pid> {
    let id = of.as_raw_nonzero();
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    children
        .split_ascii_whitespace()
        .filter_map(|id| Pid::from_raw(id.parse().ok()?))
        .collect()
}
