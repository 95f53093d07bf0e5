//! The programs that make and run the machines, and where they are.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::testbed::programs::find;

/// Programs of other people.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// Makes a Debian.
    pub(crate) debootstrap: PathBuf,
    /// Makes a file system of a folder.
    pub(crate) mkfs: PathBuf,
    /// Makes the disk that cloud-init reads.
    pub(crate) genisoimage: PathBuf,
    /// Emulates a machine.
    pub(crate) qemu: PathBuf,
}

impl Tools {
    /// Finds all of them.
    ///
    /// # Errors
    /// With the packages that are missing, or on another architecture than the machines'.
    pub(crate) fn find() -> Result<Self> {
        if env::consts::ARCH != "x86_64" {
            bail!(
                "the machines are of x86_64, and the package would be of {}",
                env::consts::ARCH
            );
        }
        let missing: Vec<&str> = PACKAGES
            .into_iter()
            .filter(|(program, _)| find(program).is_none())
            .map(|(_, package)| package)
            .collect();
        if !missing.is_empty() {
            bail!("the machines need more programs: apt-get install {}", missing.join(" "));
        }
        let found = |name| find(name).unwrap_or_else(|| PathBuf::from(name));
        Ok(Self {
            debootstrap: found("debootstrap"),
            mkfs: found("mkfs.ext4"),
            genisoimage: found("genisoimage"),
            qemu: found("qemu-system-x86_64"),
        })
    }
}

/// What is needed, and the Debian packages that have it.
const PACKAGES: [(&str, &str); 6] = [
    ("debootstrap", "debootstrap"),
    ("genisoimage", "genisoimage"),
    ("ip", "iproute2"),
    ("mkfs.ext4", "e2fsprogs"),
    ("nft", "nftables"),
    ("qemu-system-x86_64", "qemu-system-x86"),
];
