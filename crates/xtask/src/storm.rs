//! `cargo xtask storm`: a zone dies under many pairs, in virtual time or with real daemons.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::sim;
use crate::workspace::Workspace;

/// Which storm.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Play twenty pairs of real daemons beside the simulated ones, with limits that are as small in proportion.
    #[arg(long)]
    real: bool,
    /// Options of `pair-sim storm`; without any it rewrites docs/PERFORMANCE.md.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Plays storms, and replaces what the document shows of them unless options choose others.
///
/// # Errors
/// If the build fails or what was built cannot be started.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    if args.real {
        return beside_each_other(workspace);
    }
    let mut options = args.options.clone();
    if options.is_empty() {
        options.push("--markdown".into());
        options.push(workspace.root.join("docs/PERFORMANCE.md").into());
    }
    sim::storm(workspace, options)
}

/// Plays the same storm twice: in virtual time, and with real daemons.
fn beside_each_other(workspace: &Workspace) -> Result<ExitCode> {
    let binaries = workspace.build_binaries()?;
    let storm = |program: &str| {
        let mut command = Command::new(binaries.join(program));
        command.arg("storm").args(SMALL);
        command
    };
    // It fails if it misses the goal, which is meant for the limits of EC2.
    storm("pair-sim")
        .args(["--seeds", "10"])
        .status()
        .context("cannot start pair-sim")?;
    let refusal = storm("pair-lab").arg("--bin-dir").arg(&binaries).exec();
    Err(refusal).context("cannot start pair-lab")
}

/// A tenth of what EC2 lets through at once, a fifth of what it does later: twenty pairs are a crowd to it.
const SMALL: [&str; 6] = ["--pairs", "20", "--claims", "5/1", "--describes", "10/4"];
