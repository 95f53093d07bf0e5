//! `cargo xtask model`: builds for speed, then hands over to `pair-sim model` with a bound that CI has no time for.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::workspace::{self, Workspace};

/// What `pair-sim model` understands, passed on as it is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Options of the model (`--help` shows them); default: `--ticks 12 --minutes 5`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds the simulator and becomes the model, so that signals and the exit status are the model's own.
///
/// # Errors
/// If the build fails or the built simulator cannot be started.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    workspace::run(workspace.cargo().args(["build", "--release", "--package", "pair-sim"]))?;
    let simulator = workspace.target.join("release/pair-sim");
    let mut model = Command::new(&simulator);
    model.arg("model");
    if args.options.is_empty() {
        model.args(DEEPER);
    } else {
        model.args(&args.options);
    }
    let refusal = model.exec();
    Err(refusal).with_context(|| format!("cannot start {}", simulator.display()))
}

/// Any two faults, and waits of twelve ticks, which are a minute; five minutes are enough on two cores.
const DEEPER: [&str; 4] = ["--ticks", "12", "--minutes", "5"];
