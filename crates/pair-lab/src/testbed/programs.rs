//! The programs that a lab needs, and where they are.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The programs that nodes run.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    own: PathBuf,
    /// HAProxy.
    pub(crate) haproxy: PathBuf,
}

impl Programs {
    /// Finds everything that every lab needs. `own` is the folder with `paird` and `pairctl`, by default that of this program.
    pub(crate) fn find(own: Option<&Path>) -> Result<Self> {
        let own = match own {
            Some(folder) => folder.canonicalize().context("there is no such folder for --bin-dir")?,
            None => beside_this_program()?,
        };
        let missing: Vec<&str> = ["ip", "nft", "haproxy"]
            .into_iter()
            .filter(|name| find(name).is_none())
            .collect();
        if !missing.is_empty() {
            bail!(
                "the lab needs {}: apt-get install iproute2 nftables haproxy",
                missing.join(", ")
            );
        }
        let haproxy = find("haproxy").context("haproxy is missing")?;
        let programs = Self { own, haproxy };
        for name in ["paird", "pairctl"] {
            let program = programs.own(name);
            if !program.is_file() {
                bail!("{} is not there: cargo build --workspace --bins", program.display());
            }
        }
        Ok(programs)
    }

    /// How our own programs were built, by the folder that cargo has put them in.
    pub(crate) fn build(&self) -> &'static str {
        match self.own.file_name().and_then(|name| name.to_str()) {
            Some("debug") => "development build",
            Some("release") => "release build",
            Some(_) | None => "build of unknown kind",
        }
    }

    /// Where one of our own programs is.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.own.join(name)
    }
}

/// Finds a program where a shell would, and where distributions put those for administrators.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .chain(SYSTEM_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// The folder of this program, in which the others are built, too.
pub(crate) fn beside_this_program() -> Result<PathBuf> {
    let program = env::current_exe().context("cannot find out where this program is")?;
    Ok(program.parent().context("this program is in no folder")?.to_path_buf())
}

/// Not in every user's search path.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
