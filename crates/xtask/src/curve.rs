//! `cargo xtask curve`: builds the simulator for speed, then lets it write `docs/DETECTION.md` and its picture.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::workspace::{self, Workspace};

/// What `pair-sim curve` understands, passed on as it is.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// Options of the curve (`--help` shows them).
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Measures anew and replaces what the document shows.
///
/// # Errors
/// If the build or the measurement fails.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    // Hundreds of simulated days are a matter of minutes only with optimisation.
    workspace::run(workspace.cargo().args(["build", "--release", "--package", "pair-sim"]))?;
    let docs = workspace.root.join("docs");
    workspace::run(
        Command::new(workspace.target.join("release/pair-sim"))
            .arg("curve")
            .arg("--markdown")
            .arg(docs.join("DETECTION.md"))
            .arg("--svg")
            .arg(docs.join("detection.svg"))
            .args(&args.options),
    )?;
    Ok(ExitCode::SUCCESS)
}
