//! `cargo xtask bench`: builds, installs what paird is compared with, then hands over to `pair-lab bench`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::tools;
use crate::workspace::Workspace;

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// Outages and needless moves of paird and keepalived, side by side (as root, 50 min; writes docs/PERFORMANCE.md).
    #[command(disable_help_flag = true)]
    Failover {
        /// Options of `pair-lab bench failover` (`--help` shows them); without any, the figures go to the documents.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
}

/// Builds every binary and becomes the measurement, so that signals and the exit status are its own.
///
/// # Errors
/// If the build fails, the aws CLI cannot be installed, or what was built cannot be started.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let Args::Failover { options } = args;
    let binaries = workspace.build_binaries()?;
    let aws = tools::python_environment(workspace, "awscli", "crates/pair-lab/requirements.txt", "aws")?;
    let docs = workspace.root.join("docs");
    let mut bench = Command::new(binaries.join("pair-lab"));
    bench.args(["bench", "failover"]).env("PAIRD_AWS", aws);
    if options.is_empty() {
        bench.arg("--markdown").arg(docs.join("PERFORMANCE.md"));
        bench.arg("--svg").arg(docs.join("failover.svg"));
    }
    let refusal = bench.args(options).exec();
    Err(refusal).context("cannot start pair-lab")
}
