//! `cargo xtask fuzz`: runs the targets of `fuzz/` for a while.
//!
//! What is found on the way is kept in the cache, from one run to the next; the committed corpus is only read.

use std::env;
use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::{self, Workspace};

/// Which target, and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A target of `fuzz/fuzz_targets/`; default: all, one after the other.
    target: Option<String>,
    /// How long each runs.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Runs one target or all of them.
///
/// # Errors
/// If there is no cargo-fuzz or no nightly compiler, if a target does not exist, or if one finds something: it has said what,
/// and left the bytes in `fuzz/artifacts/`.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let path = env::var("PATH").context("PATH is not set or not UTF-8")?;
    let path = format!("{}:{path}", workspace.cache.join("tools/bin").display());
    let cargo_fuzz = |command: &str| {
        let mut cargo = Command::new("cargo");
        // Whatever compiler runs this task, the targets need their own.
        cargo
            .args(["+nightly", "fuzz", command])
            .current_dir(&workspace.root)
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("PATH", &path)
            .env("CARGO_TARGET_DIR", workspace.target.join("fuzz"));
        cargo
    };
    let listed = cargo_fuzz("list").output().context("cannot start cargo")?;
    ensure!(
        listed.status.success(),
        "{}hint: cargo install cargo-fuzz; rustup toolchain install nightly",
        String::from_utf8_lossy(&listed.stderr)
    );
    let all = String::from_utf8_lossy(&listed.stdout).into_owned();
    let wanted = |target: &&str| args.target.as_deref().is_none_or(|name| name == *target);
    let targets: Vec<&str> = all.lines().filter(wanted).collect();
    ensure!(!targets.is_empty(), "there is no such target; the targets are:\n{all}");
    for target in targets {
        let found = workspace.cache.join("fuzz").join(target);
        fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
        workspace::run(
            cargo_fuzz("run")
                .arg(target)
                .arg(&found)
                .arg(workspace.root.join("fuzz/corpus").join(target))
                .args(["--", &format!("-max_total_time={}", args.seconds)]),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
