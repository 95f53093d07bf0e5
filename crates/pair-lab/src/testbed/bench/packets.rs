//! How many packets a node sends and receives: counters in the router's packet filter.
//!
//! All of them count but those of HAProxy and its origin: heartbeats, probes of the peer's service, EC2. IMDS is behind a link of its own,
//! and is counted in requests.

use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::super::gateway::apply;
use super::super::network::{Host, ORIGIN};
use super::super::place::{Place, ran};

/// Counters that count from their making on; dropped, they are gone.
#[derive(Debug)]
pub(super) struct Packets {
    router: Arc<Place>,
}

impl Packets {
    /// Begins to count on the router's leg to this node.
    pub(super) fn count(router: &Arc<Place>, node: Host) -> Result<Self> {
        let (leg, origin) = (node.name, ORIGIN.address);
        let rules = format!(
            "table ip {TABLE} {{\ncounter sent {{ }}\ncounter received {{ }}\n\
             chain arriving {{ type filter hook prerouting priority -400; policy accept;\n\
             iifname \"{leg}\" ip daddr != {origin} counter name sent\n}}\n\
             chain leaving {{ type filter hook postrouting priority 400; policy accept;\n\
             oifname \"{leg}\" ip saddr != {origin} counter name received\n}}\n}}\n"
        );
        router.run(move || apply(&rules))?;
        Ok(Self {
            router: Arc::clone(router),
        })
    }

    /// What the node has sent and received since.
    pub(super) fn read(&self) -> Result<[u64; 2]> {
        let output = self
            .router
            .run(|| ran(Command::new("nft").args(["-j", "list", "counters", "table", "ip", TABLE])))?;
        let document: Value = serde_json::from_slice(&output.stdout).context("nft prints no JSON")?;
        let read = |name: &str| packets(&document, name).with_context(|| format!("nft tells no counter {name}"));
        Ok([read("sent")?, read("received")?])
    }
}

impl Drop for Packets {
    fn drop(&mut self) {
        // The whole network is gone soon if this fails.
        self.router.run(|| apply(&format!("delete table ip {TABLE}\n"))).ok();
    }
}

fn packets(document: &Value, name: &str) -> Option<u64> {
    let items = document["nftables"].as_array()?;
    let counter = items.iter().find(|item| item["counter"]["name"] == name)?;
    counter["counter"]["packets"].as_u64()
}

const TABLE: &str = "cost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_name() {
        let text = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}},
            {"counter": {"family": "ip", "name": "sent", "table": "cost", "handle": 1, "packets": 7, "bytes": 420}}]}"#;
        let document = serde_json::from_str(text).unwrap();
        assert_eq!(packets(&document, "sent"), Some(7));
        assert_eq!(packets(&document, "received"), None);
    }
}
