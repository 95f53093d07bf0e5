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

/// Plays random histories.
///
/// # Errors
/// If the build fails or what was built cannot be started.
pub(crate) fn soak(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    become_simulator(workspace, simulator(workspace).arg("soak"), args)
}

/// Visits every history within a bound, by default one that CI has no time for.
///
/// # Errors
/// If the build fails or what was built cannot be started.
pub(crate) fn model(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mut model = simulator(workspace);
    model.arg("model");
    if args.options.is_empty() {
        model.args(DEEPER);
    }
    become_simulator(workspace, &mut model, args)
}

/// Measures how often the detector is wrong, and replaces what the document shows of it.
///
/// # Errors
/// If the build fails or what was built cannot be started.
pub(crate) fn curve(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let docs = workspace.root.join("docs");
    let mut curve = simulator(workspace);
    curve.arg("curve");
    curve.arg("--markdown").arg(docs.join("DETECTION.md"));
    curve.arg("--svg").arg(docs.join("detection.svg"));
    become_simulator(workspace, &mut curve, args)
}

/// Lets zones die under many pairs.
///
/// # Errors
/// If the build fails or what was built cannot be started.
pub(crate) fn storm(workspace: &Workspace, options: Vec<OsString>) -> Result<ExitCode> {
    become_simulator(workspace, simulator(workspace).arg("storm"), &Args { options })
}

fn simulator(workspace: &Workspace) -> Command {
    Command::new(workspace.target.join("debug/pair-sim"))
}

/// Builds the simulator and becomes it, so that signals and the exit status are its own.
fn become_simulator(workspace: &Workspace, command: &mut Command, args: &Args) -> Result<ExitCode> {
    workspace::run(workspace.cargo().args(["build", "--package", "pair-sim"]))?;
    let refusal = command.args(&args.options).exec();
    Err(refusal).context("cannot start the simulator")
}

/// Any two faults, and waits of twelve ticks, which are a minute; five minutes are enough on two cores.
const DEEPER: [&str; 4] = ["--ticks", "12", "--minutes", "5"];
