//! A disk without room: a file system in memory, filled to its last page.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;

/// A full file system, as long as this lives.
#[derive(Debug)]
pub struct FullDisk(PathBuf);

impl FullDisk {
    /// Why there can be none here.
    #[must_use]
    pub fn obstacle() -> Option<&'static str> {
        (!geteuid().is_root()).then_some("only root can mount a file system")
    }

    /// Mounts it on a new folder.
    ///
    /// # Panics
    /// If it cannot be mounted.
    #[must_use]
    pub fn on(folder: &Path) -> Self {
        fs::create_dir(folder).expect("the folder can be made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "paird-e2e"])
            .arg(folder)
            .status();
        assert!(mounted.is_ok_and(|status| status.success()), "tmpfs cannot be mounted");
        let disk = Self(folder.to_owned());
        let mut file = File::create(folder.join("ballast")).expect("there is room for a name");
        while file.write_all(&[0; 4096]).is_ok() {}
        disk
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // A file system that stays is seen by whoever removes the folder.
        Command::new("umount").arg(&self.0).status().ok();
    }
}
