//! `cargo xtask package`: builds the Debian package, without any of Debian's tools, and the RPM package where there is `rpmbuild`.
//!
//! Both have the same files, from one list.

mod changelog;
mod deb;
mod files;
mod rpm;
mod template;

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use self::files::Entry;
use crate::workspace::{self, Workspace};

/// What to put into the packages, and what to do with them.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Package the binaries of the development profile, without their symbols: quick to build, for tests.
    #[arg(long)]
    dev: bool,
    /// Then install the packages in a clean Debian root and try them there (needs root and debootstrap).
    #[arg(long)]
    root_check: bool,
    /// Only print the files that a package installs, with their modes.
    #[arg(long)]
    list: bool,
}

/// Builds the packages and prints their paths, one a line.
///
/// # Errors
/// If the build fails, a file of the list is missing, or a package cannot be written.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let time = build_time()?;
    let binaries = if args.dev || args.list {
        stripped(workspace, &workspace.build_binaries()?)?
    } else {
        workspace.build_shipped()?
    };
    let entries = files::collect(workspace, &binaries, time)?;
    if args.list {
        for entry in &entries {
            println!("{:04o} /{}", entry.mode, entry.path);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let packages = build(workspace, &entries, time)?;
    if args.root_check {
        // The test takes these packages, and builds none.
        workspace::run(
            workspace
                .cargo()
                .args(["test", "--package", "e2e", "--test", "package", "--", "--nocapture"])
                .env("PAIRD_PACKAGES", env::join_paths(&packages)?)
                .env("PAIRD_NO_SKIP", "1"),
        )?;
    }
    for package in packages {
        println!("{}", package.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a folder with these binaries as the release profile makes them: without symbols.
fn stripped(workspace: &Workspace, binaries: &Path) -> Result<PathBuf> {
    let folder = workspace.target.join("package/stripped");
    make(&folder)?;
    for name in ["paird", "pairctl", "pair-manual"] {
        // Of its own name until it is whole: others may package at the same time.
        let unfinished = tempfile::NamedTempFile::new_in(&folder).context("cannot make a temporary file")?;
        workspace::run(
            Command::new("strip")
                .arg("-o")
                .arg(unfinished.path())
                .arg(binaries.join(name)),
        )?;
        let path = folder.join(name);
        unfinished
            .persist(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder)
}

/// Writes the packages of these files and returns where.
fn build(workspace: &Workspace, entries: &[Entry], time: u64) -> Result<Vec<PathBuf>> {
    let folder = workspace.target.join("package");
    make(&folder)?;

    let scripts = workspace.root.join("deploy/deb");
    let scripts = scripts.as_path();
    let deb = deb::Package { entries, scripts, time };
    let path = folder.join(deb.file_name());
    fs::write(&path, deb.to_bytes()?).with_context(|| format!("cannot write {}", path.display()))?;
    let mut packages = vec![path];

    if rpm::is_possible() {
        let spec = workspace.root.join("deploy/rpm/paird.spec");
        let spec = spec.as_path();
        packages.push(rpm::Package { entries, spec, time }.write(&folder)?);
    } else {
        eprintln!("rpmbuild is missing: no RPM package is built; apt-get install rpm, or dnf install rpm-build");
    }
    Ok(packages)
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Returns the content, compressed without a name or a time in it.
fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(content)
        .and_then(|()| encoder.finish())
        .context("cannot compress")
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
