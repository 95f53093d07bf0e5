//! `cargo xtask lab`: builds, then hands over to `pair-lab lab`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// What `pair-lab lab` understands, passed on as it is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Scenarios and options of the lab (`--help` and `--list` show them).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds every binary and becomes the lab, so that signals and the exit status are the lab's own.
///
/// # Errors
/// If the build fails or the built lab cannot be started.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let binaries = workspace.build_binaries()?;
    let lab = binaries.join("pair-lab");
    let refusal = Command::new(&lab).arg("lab").args(&args.options).exec();
    Err(refusal).with_context(|| format!("cannot start {}", lab.display()))
}
