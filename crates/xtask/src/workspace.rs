//! Where the sources are, where the build goes, and cargo itself.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The checked-out repository and the folders that go with it.
pub(crate) struct Workspace {
    /// The folder with `Cargo.lock`.
    pub(crate) root: PathBuf,
    /// Where cargo builds: `CARGO_TARGET_DIR`, or a folder in the cache that every clone of this repository shares, since
    /// the AWS SDK takes minutes to compile.
    pub(crate) target: PathBuf,
    /// What is kept between runs and can be deleted at any time.
    pub(crate) cache: PathBuf,
}

impl Workspace {
    /// Finds the repository around the package that cargo runs, else around the current folder.
    ///
    /// # Errors
    /// If there is no `Cargo.lock` at or above that folder, or no home for the cache.
    pub(crate) fn find() -> Result<Self> {
        let start = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(package) => PathBuf::from(package),
            None => env::current_dir().context("cannot read the current folder")?,
        };
        let root = start
            .ancestors()
            .find(|folder| folder.join("Cargo.lock").is_file())
            .with_context(|| format!("no Cargo.lock at or above {}", start.display()))?
            .to_path_buf();
        let home = env::var_os("HOME").context("HOME is not set: there is no place for the build cache")?;
        let cache = Path::new(&home).join(".cache/paird");
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| cache.join("target"), |target| root.join(target));
        Ok(Self { root, target, cache })
    }

    /// Returns a cargo command in this workspace, building into [`Self::target`].
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }

    /// Builds every binary of the workspace for development and returns the folder with them.
    ///
    /// All members are built together, always: a choice of members is another choice of features, and each of those
    /// compiles the AWS SDK once more.
    ///
    /// # Errors
    /// If cargo fails; it has told why on stderr.
    pub(crate) fn build_binaries(&self) -> Result<PathBuf> {
        run(self.cargo().args(["build", "--workspace", "--bins"]))?;
        Ok(self.target.join("debug"))
    }

    /// Builds the two shipped binaries in the release profile, and what draws their manual pages: nothing else, so that they have no
    /// feature which only a test asks for. Returns where they are.
    ///
    /// # Errors
    /// If cargo fails; it has told why on stderr.
    pub(crate) fn build_shipped(&self) -> Result<PathBuf> {
        let packages = ["paird", "pairctl", "pair-manual"].map(|package| ["--package", package]);
        run(self.cargo().args(["build", "--release"]).args(packages.concat()))?;
        Ok(self.target.join("release"))
    }
}

/// Runs a command to its end, its output going where ours goes.
///
/// # Errors
/// If it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_owned();
    let program = Path::new(&program).display();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}
