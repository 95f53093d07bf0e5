//! The seed: the disk on which cloud-init finds who its machine is and what it is to become.
//!
//! A disk with the label `cidata` and these files is cloud-init's data source NoCloud. The package lies beside them.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::tools::Tools;
use crate::testbed::network::Host;
use crate::testbed::place::ran;

/// What a machine is told at its first boot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed<'a> {
    /// The machine on its leg of the router.
    pub(crate) host: Host,
    /// What EC2 calls it.
    pub(crate) instance_id: &'a str,
    /// The hardware address of its interface.
    pub(crate) mac: &'a str,
    /// The private addresses of `a` and `b`.
    pub(crate) members: [Ipv4Addr; 2],
    /// The address that the pair serves.
    pub(crate) allocation_id: &'a str,
    /// Where EC2 is.
    pub(crate) ec2: &'a str,
    /// The key of the pair.
    pub(crate) key: &'a str,
    /// What proves which run a console is of.
    pub(crate) nonce: &'a str,
}

impl Seed<'_> {
    /// Writes the disk, with the package on it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self, disk: &Path, package: &Path, tools: &Tools) -> Result<()> {
        let folder = disk.with_extension("files");
        fs::create_dir(&folder).context("cannot make a folder for a seed")?;
        let files = [
            ("meta-data", self.meta_data()),
            ("network-config", self.network_config()),
            ("user-data", self.user_data()?),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))?;
        }
        fs::copy(package, folder.join("paird.deb"))
            .with_context(|| format!("cannot copy the package {}", package.display()))?;
        ran(Command::new(&tools.genisoimage)
            .args(["-quiet", "-rock", "-joliet", "-volid", "cidata", "-output"])
            .arg(disk)
            .arg(&folder))?;
        fs::remove_dir_all(&folder).context("cannot remove what is on the seed")
    }

    fn meta_data(&self) -> String {
        format!(
            "instance-id: {}\nlocal-hostname: {}\n",
            self.instance_id, self.host.name
        )
    }

    fn network_config(&self) -> String {
        let (mac, address, gateway) = (self.mac, self.host.address, self.host.gateway());
        format!(
            "version: 2\nethernets:\n  eth0:\n    match:\n      macaddress: \"{mac}\"\n    addresses: [{address}/24]\n    \
             routes:\n      - to: 0.0.0.0/0\n        via: {gateway}\n"
        )
    }

    fn user_data(&self) -> Result<String> {
        let [a, b] = self.members.map(|address| address.to_string());
        let filled = TEMPLATE
            .replace("@A@", &a)
            .replace("@B@", &b)
            .replace("@ALLOCATION@", self.allocation_id)
            .replace("@EC2@", self.ec2)
            .replace("@KEY@", self.key)
            .replace("@NONCE@", self.nonce);
        let is_filled = filled.lines().skip(HEADER_LINES).all(|line| !line.contains('@'));
        ensure!(is_filled, "the user-data asks for something unknown:\n{filled}");
        Ok(filled)
    }
}

const TEMPLATE: &str = include_str!("user-data.yaml");

/// They tell of the words that are filled in.
const HEADER_LINES: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::network::NODE_A;

    #[test]
    fn every_word_of_the_user_data_is_filled_in() {
        let seed = Seed {
            host: NODE_A,
            instance_id: "i-1",
            mac: "02:00:00:00:00:01",
            members: [NODE_A.address; 2],
            allocation_id: "eipalloc-1",
            ec2: "http://192.0.2.11:80",
            key: "1 00",
            nonce: "n",
        };
        let text = seed.user_data().unwrap();
        assert!(text.contains("allocation_id = \"eipalloc-1\"\n"), "{text}");
        assert!(text.contains("nonce: n\""), "{text}");
        assert!(
            seed.network_config().ends_with("via: 10.0.1.1\n"),
            "{}",
            seed.network_config()
        );
    }
}
