//! `cargo xtask package`: builds the Debian package, without any of Debian's tools.

mod deb;
mod files;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use self::files::{Content, FILES, File};
use crate::workspace::{self, Workspace};

/// What to put into the package, and what to do with it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Package the binaries of the development profile: quick to build, large, for tests.
    #[arg(long)]
    dev: bool,
    /// Then install the package in a clean Debian root and try it there (needs root and debootstrap).
    #[arg(long)]
    root_check: bool,
    /// Only print the files that the package installs, with their modes.
    #[arg(long)]
    list: bool,
}

/// Builds the package and prints its path.
///
/// # Errors
/// If the build fails, a file of the list is missing, or the package cannot be written.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    if args.list {
        for file in &FILES {
            println!("{:04o} /{}", file.mode(), file.path);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let binaries = if args.dev {
        workspace.build_binaries()?
    } else {
        build_release(workspace)?
    };
    let package = build(workspace, &binaries)?;
    if args.root_check {
        // The test takes this package, and builds none.
        workspace::run(
            workspace
                .cargo()
                .args(["test", "--package", "e2e", "--test", "package", "--", "--nocapture"])
                .env("PAIRD_DEB", &package)
                .env("PAIRD_NO_SKIP", "1"),
        )?;
    }
    println!("{}", package.display());
    Ok(ExitCode::SUCCESS)
}

/// Builds the two shipped binaries and nothing else, so that they have no feature which only a test asks for.
fn build_release(workspace: &Workspace) -> Result<PathBuf> {
    workspace::run(
        workspace
            .cargo()
            .args(["build", "--release", "--package", "paird", "--package", "pairctl"]),
    )?;
    Ok(workspace.target.join("release"))
}

/// Writes the package of these binaries and returns where.
fn build(workspace: &Workspace, binaries: &Path) -> Result<PathBuf> {
    let mut glibc = deb::Glibc::default();
    let mut entries = Vec::new();
    for file in &FILES {
        let content = read(workspace, binaries, file)?;
        if matches!(file.content, Content::Binary(_)) {
            glibc.require(&content);
        }
        entries.push((file, content));
    }
    let scripts = workspace.root.join("deploy/deb");
    let package = deb::Package {
        entries,
        scripts: &scripts,
        glibc,
        time: build_time()?,
    };

    let folder = workspace.target.join("deb");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let path = folder.join(package.file_name());
    let bytes = package.to_bytes()?;
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Returns what a file of the list holds.
fn read(workspace: &Workspace, binaries: &Path, file: &File) -> Result<Vec<u8>> {
    let source = match file.content {
        Content::Binary(name) => binaries.join(name),
        Content::Source(path) | Content::Compressed(path) => workspace.root.join(path),
    };
    let content = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
    match file.content {
        Content::Compressed(_) => deb::gzip(&content),
        Content::Binary(_) | Content::Source(_) => Ok(content),
    }
}

/// Returns the time that the files in the package bear: that of the build, unless a reproducible build sets another.
fn build_time() -> Result<u64> {
    match env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds.parse().context("SOURCE_DATE_EPOCH is not a number of seconds"),
        Err(_) => Ok(std::time::UNIX_EPOCH
            .elapsed()
            .context("the clock is before 1970")?
            .as_secs()),
    }
}
