//! A cut between the nodes, in the kernel: heartbeats are dropped, everything else passes.

use std::env;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;

use crate::wait::eventually;

/// Heartbeats between the nodes of a pair are dropped as long as this lives.
///
/// The kernel drops the rules together with the process that owns them, so that a test that is killed leaves none behind.
#[derive(Debug)]
pub struct Cut {
    nft: Child,
    table: String,
}

impl Cut {
    /// Why heartbeats cannot be cut here.
    #[must_use]
    pub fn obstacle() -> Option<&'static str> {
        if !geteuid().is_root() {
            return Some("only root may cut a path");
        }
        let asked = nft().arg("--version").stdout(Stdio::null()).status();
        (!asked.is_ok_and(|status| status.success())).then_some("nft is not installed")
    }

    /// Drops what any of these nodes sends.
    ///
    /// # Panics
    /// If the kernel does not take the rules.
    pub(crate) fn from(nodes: &[Ipv4Addr], port: u16) -> Self {
        Self::from_with(nodes, port, "")
    }

    /// Drops so much of what any of these addresses sends, in percent.
    ///
    /// # Panics
    /// If the kernel does not take the rules.
    pub(crate) fn most_of(nodes: &[Ipv4Addr], port: u16, percent: u8) -> Self {
        Self::from_with(nodes, port, &format!("numgen random mod 100 < {percent} "))
    }

    fn from_with(nodes: &[Ipv4Addr], port: u16, sometimes: &str) -> Self {
        let [_, quarter, net, host] = nodes[0].octets();
        let table = format!("paird_e2e_{quarter}_{net}_{host}");
        let mut rules = format!(
            "add table inet {table} {{ flags owner; }}\n\
             add chain inet {table} cut {{ type filter hook input priority 0; }}\n"
        );
        for node in nodes {
            rules.push_str(&format!(
                "add rule inet {table} cut ip saddr {node} udp dport {port} {sometimes}drop\n"
            ));
        }
        let mut nft = nft()
            .arg("--interactive")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("nft is there");
        let stdin = nft.stdin.as_mut().expect("its input is a pipe");
        stdin.write_all(rules.as_bytes()).expect("nft reads its rules");
        let cut = Self { nft, table };
        eventually("the kernel has the rules", || {
            (cut.rules().matches("drop").count() == nodes.len()).then_some(())
        });
        cut
    }

    /// Lets heartbeats pass.
    pub fn heal(self) {}

    fn rules(&self) -> String {
        let listed = nft().args(["list", "table", "inet", &self.table]).output();
        listed.map_or_else(
            |_| String::new(),
            |listed| String::from_utf8_lossy(&listed.stdout).into_owned(),
        )
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        // Either fails only if it has ended, and its rules with it.
        self.nft.kill().ok();
        self.nft.wait().ok();
    }
}

fn nft() -> Command {
    let mut nft = Command::new("nft");
    let path = env::var("PATH").unwrap_or_default();
    nft.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    nft
}
