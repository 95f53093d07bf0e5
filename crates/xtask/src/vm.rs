//! `cargo xtask vm`: builds the package, then hands over to `pair-lab vm`.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

/// Which package is tried, and what `pair-lab vm` is told.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Try this package, and build none.
    #[arg(long, value_name = "FILE", conflicts_with = "dev")]
    package: Option<PathBuf>,
    /// Package the binaries of the development profile, as in `cargo xtask package --dev`.
    #[arg(long)]
    dev: bool,
    /// After these: options of `pair-lab vm` (`--help` shows them).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds every binary and the package, and becomes the lab, so that signals and the exit status are the lab's own.
///
/// # Errors
/// If a build fails or the built lab cannot be started.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let package = match &args.package {
        Some(package) => package.clone(),
        None => build_package(args.dev)?,
    };
    let lab = workspace.build_binaries()?.join("pair-lab");
    let refusal = Command::new(&lab)
        .args(["vm", "--package"])
        .arg(package)
        .args(&args.options)
        .exec();
    Err(refusal).with_context(|| format!("cannot start {}", lab.display()))
}

/// Has the task of that name build the package; it prints the path.
fn build_package(dev: bool) -> Result<PathBuf> {
    let this = env::current_exe().context("cannot find out where this program is")?;
    let task = Command::new(this)
        .arg("package")
        .args(dev.then_some("--dev"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the task that builds the package")?;
    ensure!(task.status.success(), "the package could not be built");
    let printed = String::from_utf8(task.stdout).context("the path of the package is no text")?;
    let path = printed.lines().rev().find(|line| line.ends_with(".deb"));
    path.map(PathBuf::from).context("the task has printed no package")
}
