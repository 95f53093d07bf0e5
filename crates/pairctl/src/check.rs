//! `pairctl check`: the daemon's own parser, asked without a daemon.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::Failure;

/// Runs `paird check` and passes its output and its exit code on.
pub(crate) fn run(config: Option<&Path>) -> Result<u8, Failure> {
    let program = paird();
    let mut command = Command::new(&program);
    command.arg("check");
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    let status = command.status().map_err(|error| Failure::Check { program, error })?;
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .ok_or(Failure::CheckKilled)
}

/// The daemon's program: the one beside this program, which has its version, or else the one along `PATH`.
fn paird() -> PathBuf {
    std::env::current_exe()
        .ok()
        .map(|pairctl| pairctl.with_file_name(PAIRD))
        .filter(|beside| beside.is_file())
        .unwrap_or_else(|| PathBuf::from(PAIRD))
}

const PAIRD: &str = "paird";
