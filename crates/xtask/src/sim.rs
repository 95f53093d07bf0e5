//! `cargo xtask soak` and its like: builds the simulator, then hands over to it.
//!
//! The simulator needs no cloud SDK, so it is built alone, and in the profile of the tests: optimised, with every assertion.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::workspace::{self, Workspace};

/// What a command of `pair-sim` understands, passed on as it is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Options of the simulator's command (`--help` shows them).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds the simulator and becomes it, so that signals and the exit status are its own.
///
/// # Errors
/// If the build fails or what was built cannot be started.
pub(crate) fn run(workspace: &Workspace, command: &str, args: &Args) -> Result<ExitCode> {
    workspace::run(workspace.cargo().args(["build", "--package", "pair-sim"]))?;
    let simulator = workspace.target.join("debug/pair-sim");
    let refusal = Command::new(&simulator).arg(command).args(&args.options).exec();
    Err(refusal).with_context(|| format!("cannot start {}", simulator.display()))
}
