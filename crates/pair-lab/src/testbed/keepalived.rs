//! keepalived with a hook around the aws CLI, as people run it on EC2 today.
//!
//! Both configurations follow keepalived's documentation (`keepalived.conf(5)`) and what it recommends for unicast, which EC2
//! needs since it has no multicast: `unicast_peer`, a `vrrp_script` for HAProxy that raises the priority while it runs, a `notify_master` script
//! that moves the address. *Standard* has the intervals of the example that every guide copies; *fast* has VRRP version 3 with
//! an advertisement interval of a tenth of a second and an HTTP check.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pair_lab::Holder;

use super::bed::Testbed;
use super::network::{Host, NODE_A};
use super::node::Node;
use super::programs;

/// How keepalived is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Flavour {
    Standard,
    Fast,
}

impl Flavour {
    /// How long a backup waits for a silent master (RFC 5798, section 6.1): three advertisements and the skew.
    pub(super) fn down_interval(self) -> Duration {
        Duration::from_millis(match self {
            Self::Standard => 3609,
            Self::Fast => 361,
        })
    }

    /// The options that differ: the version of the protocol, the interval, the check.
    fn options(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Standard => (2, "1", "script \"/run/check-process\"\n    interval 2"),
            Self::Fast => (3, "0.1", "script \"/run/check-http\"\n    interval 1\n    timeout 1"),
        }
    }
}

/// Why it cannot run here, if so.
pub(super) fn obstacle() -> Option<&'static str> {
    if programs::find("keepalived").is_none() {
        return Some("keepalived is not installed: apt-get install keepalived");
    }
    aws()
        .is_none()
        .then_some("the aws CLI is not installed: `cargo xtask bench failover` installs it")
}

/// Writes configuration and hook on both nodes.
pub(super) fn prepare(bed: &Testbed, flavour: Flavour) -> Result<()> {
    let aws = aws().context("the aws CLI is not installed")?;
    let [a, b] = bed.nodes();
    for (node, peer, state, priority) in [(a, b, "MASTER", 101), (b, a, "BACKUP", 100)] {
        let config = config(flavour, node.host(), peer.host(), state, priority);
        node.files().write("keepalived.conf", &config, 0o644)?;
        node.files().write("check-process", CHECK_PROCESS, 0o755)?;
        node.files().write("check-http", CHECK_HTTP, 0o755)?;
        node.files().write("take-address", &hook(bed, node, &aws)?, 0o755)?;
    }
    Ok(())
}

fn config(flavour: Flavour, own: Host, peer: Host, state: &str, priority: u8) -> String {
    let (version, interval, check) = flavour.options();
    let (own, peer) = (own.address, peer.address);
    format!(
        "global_defs {{\n    vrrp_version {version}\n    script_user root\n    enable_script_security\n}}\n\
         vrrp_script haproxy {{\n    {check}\n    weight 2\n}}\n\
         vrrp_instance pair {{\n    state {state}\n    interface eth0\n    virtual_router_id 51\n    priority {priority}\n    \
         advert_int {interval}\n    unicast_src_ip {own}\n    unicast_peer {{\n        {peer}\n    }}\n    \
         track_script {{\n        haproxy\n    }}\n    virtual_ipaddress {{\n        {NOBODYS} dev lo\n    }}\n    notify_master /run/take-address\n}}\n"
    )
}

/// The script that moves the address: what the guides for EC2 have, with the interface that paird names, too.
fn hook(bed: &Testbed, node: &Node, aws: &Path) -> Result<String> {
    let machine = bed.lab().node(node.name())?;
    Ok(format!(
        "#!/bin/sh\nexport AWS_ENDPOINT_URL_EC2={endpoint}\nexec {aws} ec2 associate-address --region {region} \
         --allocation-id {allocation} --network-interface-id {interface} --private-ip-address {address} --allow-reassociation\n",
        endpoint = bed.lab().ec2_endpoint_of(node.name())?,
        aws = aws.display(),
        region = bed.lab().world().region,
        allocation = bed.lab().allocation_id(),
        interface = machine.network_interface_id,
        address = node.host().address,
    ))
}

/// The daemon in the foreground, with a detailed log.
pub(super) fn command() -> Result<Command> {
    let mut command = Command::new(programs::find("keepalived").context("keepalived is not installed")?);
    command.args([
        "--dont-fork",
        "--log-console",
        "--log-detail",
        "--use-file",
        "/run/keepalived.conf",
    ]);
    Ok(command)
}

/// Whether one is master and the other backup, and the master holds the address.
pub(super) fn is_settled(bed: &Testbed) -> bool {
    let Some(Holder::Node(holder)) = bed.lab().holder() else {
        return false;
    };
    let wanted = |node: &Node| if node.name() == holder { MASTER } else { "BACKUP" };
    bed.nodes()
        .iter()
        .all(|node| state(node).as_deref() == Some(wanted(node)))
}

/// Whether the other may start: the node that is configured as master comes first, lest both become master at the start and the
/// hook of the wrong one lands last.
pub(super) fn is_ready_for_peer(node: &Node) -> bool {
    node.name() != NODE_A.name || state(node).as_deref() == Some(MASTER)
}

/// The state that a node's keepalived has last entered.
fn state(node: &Node) -> Option<String> {
    let log = node.agent_log();
    let entered = log.lines().rev().find_map(|line| line.split_once("Entering "))?.1;
    entered.split_whitespace().next().map(str::to_owned)
}

/// The aws CLI: where `PAIRD_AWS` says, else in the virtual environment `~/.cache/paird/awscli`.
pub(super) fn aws() -> Option<PathBuf> {
    let named = env::var_os("PAIRD_AWS").map(PathBuf::from);
    let usual = || env::home_dir().map(|home| home.join(".cache/paird/awscli/bin/aws"));
    named.or_else(usual).filter(|program| program.is_file())
}

const MASTER: &str = "MASTER";
/// Version 3 of VRRP insists on an address, and the Elastic IP is not the host's to have.
const NOBODYS: &str = "192.0.2.254/32";
/// `killall -0 haproxy` of the guides, which would see the HAProxy of the other node here, too.
const CHECK_PROCESS: &str = "#!/bin/sh\nkill -0 \"$(cat /run/haproxy.pid)\"\n";
const CHECK_HTTP: &str =
    "#!/bin/sh\nexec curl --fail --silent --output /dev/null --max-time 1 http://127.0.0.1:8404/health\n";
