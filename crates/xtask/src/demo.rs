//! `cargo xtask demo`: builds, then hands over to `pair-lab demo`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// What `pair-lab demo` understands, passed on as it is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Options of the demo (`--help` shows them).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds every binary and becomes the demo, so that signals and the exit status are the demo's own.
///
/// # Errors
/// If the build fails or the built demo cannot be started.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let binaries = workspace.build_binaries()?;
    let lab = binaries.join("pair-lab");
    let refusal = Command::new(&lab)
        .arg("demo")
        .arg("--bin-dir")
        .arg(&binaries)
        .args(&args.options)
        .exec();
    Err(refusal).with_context(|| format!("cannot start {}", lab.display()))
}
