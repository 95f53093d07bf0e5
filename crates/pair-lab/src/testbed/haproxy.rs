//! HAProxy on a node, with the configuration that is shipped.

use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

use super::node::Node;
use crate::process::Process;

/// The shipped configuration.
pub(crate) const SHIPPED: &str = include_str!("../../../../deploy/haproxy/haproxy.cfg");

/// Makes of the shipped configuration what can run here: its users and groups need not exist on this machine.
///
/// Nothing else is touched: addresses and paths of the lab are those of the file.
pub(crate) fn render(shipped: &str) -> String {
    let is_of_users = |line: &&str| {
        ["user ", "group "]
            .iter()
            .any(|word| line.trim_start().starts_with(word))
    };
    let lines = shipped.lines().filter(|line| !is_of_users(line));
    let lines = lines.map(|line| line.replace(" group paird ", " ") + "\n");
    lines.collect()
}

/// A running HAProxy: its master, and the workers that come and go with reloads.
#[derive(Debug)]
pub(crate) struct Haproxy {
    master: Process,
}

impl Haproxy {
    /// Starts it on a node.
    pub(crate) fn start(node: &Node) -> Result<Self> {
        let config = node.files().write("haproxy.cfg", &render(SHIPPED), 0o644)?;
        let mut command = Command::new(node.programs().haproxy.clone());
        command.args(["-db", "-p", "/run/haproxy.pid", "-f"]).arg(config);
        Ok(Self {
            master: node.start(command, "haproxy")?,
        })
    }

    /// Sends a signal to master and workers alike, or to the master alone.
    pub(crate) fn signal(&self, signal: Signal, to: To) -> Result<()> {
        let master = self.master.id();
        let workers = match to {
            To::All => self.workers(),
            To::Master => Vec::new(),
        };
        // The master first: it restarts or mourns workers that end.
        for process in core::iter::once(master).chain(workers) {
            kill_process(process, signal).with_context(|| format!("cannot send {signal:?} to haproxy"))?;
        }
        Ok(())
    }

    /// The workers that are alive.
    pub(crate) fn workers(&self) -> Vec<Pid> {
        self.master.children()
    }

    /// Fails with what it printed if it has ended.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        self.master.check_alive("HAProxy")
    }
}

/// Whom a signal is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    All,
    Master,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_has_no_users_and_everything_else() {
        let rendered = render(SHIPPED);
        assert!(!rendered.contains("user haproxy") && !rendered.contains("group paird"));
        assert!(rendered.contains("stats socket /run/haproxy/paird.sock mode 660 level user\n"));
        assert_eq!(rendered.lines().count() + 2, SHIPPED.lines().count());
    }
}
