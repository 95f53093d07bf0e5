//! `cargo xtask bench`: builds, installs what paird is compared with, then hands over to `pair-lab bench`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;
use crate::{instructions, tools};

/// What is measured.
#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// Outages and needless moves of paird and keepalived, side by side (as root, 50 min; writes docs/PERFORMANCE.md).
    #[command(disable_help_flag = true)]
    Failover(Options),
    /// What an idle node costs, paird's beside others' (as root, 8 min; writes docs/PERFORMANCE.md).
    #[command(disable_help_flag = true)]
    Idle(Options),
    /// Whether TLS handshakes and scrapes delay heartbeats (as root, 12 min; writes docs/PERFORMANCE.md).
    #[command(disable_help_flag = true)]
    Jitter(Options),
    /// How many instructions the operations of a heartbeat take (needs valgrind; writes docs/PERFORMANCE.md).
    Instructions,
}

/// What `pair-lab bench` understands, passed on as it is.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Options of `pair-lab bench` (`--help` shows them); without any, the figures go to the documents. And `--release`, which
    /// measures what users run, after a build of 20 min.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

/// Builds every binary and becomes the measurement, so that signals and the exit status are its own.
///
/// # Errors
/// If the build fails, the aws CLI cannot be installed, or what was built cannot be started.
pub(crate) fn run(workspace: &Workspace, args: Args) -> Result<ExitCode> {
    let (name, Options { mut options }) = match args {
        Args::Failover(options) => ("failover", options),
        Args::Idle(options) => ("idle", options),
        Args::Jitter(options) => ("jitter", options),
        Args::Instructions => return instructions::run(workspace),
    };
    let given = options.len();
    options.retain(|option| option != "--release");
    let binaries = workspace.build_binaries()?;
    let shipped = if options.len() < given {
        Some(workspace.build_shipped()?)
    } else {
        None
    };
    let aws = tools::python_environment(workspace, "awscli", "crates/pair-lab/requirements.txt", "aws")?;
    let docs = workspace.root.join("docs");
    let mut bench = Command::new(binaries.join("pair-lab"));
    bench.args(["bench", name]).env("PAIRD_AWS", aws);
    if let Some(shipped) = shipped {
        bench.arg("--bin-dir").arg(shipped);
    }
    if options.is_empty() {
        bench.arg("--markdown").arg(docs.join("PERFORMANCE.md"));
        if name == "failover" {
            bench.arg("--svg").arg(docs.join("failover.svg"));
        }
    }
    let refusal = bench.args(options).exec();
    Err(refusal).context("cannot start pair-lab")
}
