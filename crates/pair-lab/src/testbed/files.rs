//! The files of one node: its own `/run` and `/var/lib`, seen under another path by the lab.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nix::mount::{MsFlags, mount};

/// Where a node's files are, seen from the lab. Within the node the folders `run` and `lib` are `/run` and `/var/lib`, so
/// programs find their files where their documentation says.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    home: PathBuf,
}

impl Files {
    /// Makes the folders of a node.
    pub(crate) fn make(node: &str) -> Result<Self> {
        let home = Path::new("/run/lab").join(node);
        let mut folders = fs::DirBuilder::new();
        folders.recursive(true).mode(0o755);
        for folder in ["run/haproxy", "run/paird", "lib/haproxy", "log"] {
            folders
                .create(home.join(folder))
                .context("cannot make the folders of a node")?;
        }
        Ok(Self { home })
    }

    /// Shows the calling thread the files where a node expects them. The state of an agent is on a disk of its own, so that it
    /// can be full.
    pub(crate) fn move_in(&self) -> Result<()> {
        const NOTHING: Option<&str> = None;
        let bind = |from: PathBuf, to: &str| {
            mount(Some(&from), to, NOTHING, MsFlags::MS_BIND, NOTHING).with_context(|| format!("cannot furnish {to}"))
        };
        bind(self.home.join("lib"), "/var/lib")?;
        fs::create_dir_all("/var/lib/paird").context("cannot make a folder for the state")?;
        mount(
            Some("state"),
            "/var/lib/paird",
            Some("tmpfs"),
            MsFlags::empty(),
            Some("size=64m,mode=700"),
        )
        .context("cannot make a disk for the state")?;
        // Last, since it hides where the others come from.
        bind(self.home.join("run"), "/run")
    }

    /// Writes a file below the node's `/run` and gives the path under which the node knows it.
    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> Result<PathBuf> {
        let path = self.home.join("run").join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).with_context(|| format!("cannot close {name}"))?;
        Ok(Path::new("/run").join(name))
    }

    /// Makes a folder below the node's `/run` in which everybody may write, and gives its path within the node.
    pub(crate) fn folder_for_others(&self, name: &str) -> Result<PathBuf> {
        let path = self.home.join("run").join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).with_context(|| format!("cannot open {name}"))?;
        Ok(Path::new("/run").join(name))
    }

    /// Where what a program of the node prints is kept.
    pub(crate) fn log(&self, program: &str) -> PathBuf {
        self.home.join("log").join(program)
    }
}
