//! The seed: the disk on which cloud-init finds who its machine is and what it is to become.
//!
//! A disk with the label `cidata` and these files is cloud-init's data source NoCloud; the package lies beside them. The user-data is
//! the one that is shipped, `deploy/cloud-init/user-data.yaml`, with the values of this node, and changed in three places:
//!
//! - Nothing is fetched: the machine reaches no mirror, and the image has HAProxy.
//! - The key is written, since there is no SSM.
//! - The configuration has an end of its own: where the emulated EC2 is, and timings for an emulated processor.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::tools::Tools;
use crate::testbed::network::{Host, ORIGIN};
use crate::testbed::origin;
use crate::testbed::place::ran;

/// What a machine is told at its first boot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed<'a> {
    /// The machine on its leg of the router.
    pub(crate) host: Host,
    /// The other one.
    pub(crate) peer: Host,
    /// What EC2 calls it.
    pub(crate) instance_id: &'a str,
    /// The hardware address of its interface.
    pub(crate) mac: &'a str,
    /// The address that the pair serves.
    pub(crate) allocation_id: &'a str,
    /// The region that it is in.
    pub(crate) region: &'a str,
    /// Where EC2 is.
    pub(crate) ec2: &'a str,
    /// The key of the pair.
    pub(crate) key: &'a str,
    /// What proves which run a console is of.
    pub(crate) nonce: &'a str,
    /// The package that is installed.
    pub(crate) package: &'a Path,
}

impl Seed<'_> {
    /// Writes the disk, with the package on it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self, disk: &Path, tools: &Tools) -> Result<()> {
        let folder = disk.with_extension("files");
        fs::create_dir(&folder).context("cannot make a folder for a seed")?;
        let files = [
            ("meta-data", self.meta_data()),
            ("network-config", self.network_config()),
            ("user-data", self.user_data(&sha256(self.package)?)?),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))?;
        }
        fs::copy(self.package, folder.join("paird.deb"))
            .with_context(|| format!("cannot copy the package {}", self.package.display()))?;
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

    /// The shipped user-data with the values of this machine.
    fn user_data(&self, sha256: &str) -> Result<String> {
        let values = [
            ("PAIR", "vm".to_owned()),
            ("PEER", self.peer.address.to_string()),
            ("LANDING", landing(self.host).to_string()),
            ("PEER_LANDING", landing(self.peer).to_string()),
            ("ADDRESS", self.allocation_id.to_owned()),
            ("PREFERRED", "a".to_owned()),
            ("REGION", self.region.to_owned()),
            ("BACKEND", format!("{}:{}", ORIGIN.address, origin::PORT)),
            ("PACKAGE_URL", "file:///seed/paird.deb".to_owned()),
            ("PACKAGE_SHA256", sha256.to_owned()),
        ];
        let mut text = SHIPPED.to_owned();
        for (name, value) in values {
            let start = format!("      {name}=");
            let line = text.lines().find(|line| line.starts_with(&start));
            let line = line.with_context(|| format!("the shipped user-data has no {name}"))?;
            text = text.replacen(&format!("{line}\n"), &format!("{start}'{value}'\n"), 1);
        }
        text = without_packages(&text)?;
        text = put_after(&text, "write_files:\n", FILES)?;
        text = put_after(&text, INITIALIZED, APPENDED)?;
        text = format!("{text}\n{EXTRA}");
        for (word, value) in [("@KEY@", self.key), ("@EC2@", self.ec2), ("@NONCE@", self.nonce)] {
            text = text.replace(word, value);
        }
        Ok(text)
    }
}

/// The private IP of a machine on which the Elastic IP lands: a secondary one, as in the shipped template, so that a move takes
/// nobody's own public address.
pub(crate) fn landing(host: Host) -> Ipv4Addr {
    let [a, b, c, d] = host.address.octets();
    Ipv4Addr::new(a, b, c, d + 1)
}

/// Takes out what is fetched from a mirror: the paragraph that begins with the lists.
fn without_packages(text: &str) -> Result<String> {
    let (before, after) = text
        .split_once("package_update: true\n")
        .context("the shipped user-data fetches no packages")?;
    let (_, after) = after.split_once("\n\n").context("nothing comes after the packages")?;
    Ok(format!("{before}{after}"))
}

/// Puts something into the shipped text, or fails if that has changed so much that it is not known where.
fn put_after(text: &str, mark: &str, more: &str) -> Result<String> {
    ensure!(
        text.matches(mark).count() == 1,
        "the shipped user-data has not one {mark:?}"
    );
    Ok(text.replacen(mark, &format!("{mark}{more}"), 1))
}

fn sha256(file: &Path) -> Result<String> {
    let printed = ran(Command::new("sha256sum").arg(file))?.stdout;
    let printed = String::from_utf8(printed).context("sha256sum prints text")?;
    let sum = printed.split_whitespace().next();
    sum.map(str::to_owned).context("sha256sum prints a sum")
}

const SHIPPED: &str = include_str!("../../../../deploy/cloud-init/user-data.yaml");

/// Files for the shipped list.
const FILES: &str = include_str!("files.yaml");

/// What comes after everything that is shipped.
const EXTRA: &str = include_str!("extra.yaml");

/// The end of the command that writes the configuration.
const INITIALIZED: &str = "          --port 8404 --path /health\n";

/// Gives the configuration its end.
const APPENDED: &str = "      cat /etc/paird/lab.toml >>/etc/paird/paird.toml\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::network::{NODE_A, NODE_B};

    #[test]
    fn the_shipped_user_data_has_the_values_of_the_machine() {
        let seed = Seed {
            host: NODE_A,
            peer: NODE_B,
            instance_id: "i-1",
            mac: "02:00:00:00:00:01",
            allocation_id: "eipalloc-1",
            region: "us-east-1",
            ec2: "http://192.0.2.11:80",
            key: "1 00",
            nonce: "word",
            package: Path::new("paird.deb"),
        };
        let text = seed.user_data("5a").unwrap();
        for line in [
            "      PEER='10.0.2.10'",
            "      LANDING='10.0.1.11'",
            "      PEER_LANDING='10.0.2.11'",
            "      ADDRESS='eipalloc-1'",
            "      PACKAGE_SHA256='5a'",
            "      1 00",
            "      endpoint = \"http://192.0.2.11:80\"",
            "  - [echo, \"nonce: word\"]",
            "  - [/usr/local/sbin/paird-bootstrap]",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
        assert!(text.starts_with("#cloud-config\n"), "{text}");
        assert!(!text.contains("packages:"), "{text}");
        assert!(
            seed.network_config().ends_with("via: 10.0.1.1\n"),
            "{}",
            seed.network_config()
        );
    }
}
