//! `pairctl check`: the daemon's own parser, asked without a daemon. And whatever else `paird` does without one.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::failure::Failure;

/// Runs `paird check` and passes its output and its exit code on.
pub(crate) fn run(config: Option<&Path>) -> Result<u8, Failure> {
    let mut args = vec![OsStr::new("check")];
    if let Some(config) = config {
        args.extend([OsStr::new("--config"), config.as_os_str()]);
    }
    paird(&args)
}

/// Runs `paird` and passes its output and its exit code on.
pub(crate) fn paird(args: &[&OsStr]) -> Result<u8, Failure> {
    let program = program();
    let status = Command::new(&program)
        .args(args)
        .status()
        .map_err(|error| Failure::Paird { program, error })?;
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .ok_or(Failure::PairdKilled)
}

/// The daemon's program: the one beside this program, which has its version, or else the one along `PATH`.
fn program() -> PathBuf {
    std::env::current_exe()
        .ok()
        .map(|pairctl| pairctl.with_file_name(PAIRD))
        .filter(|beside| beside.is_file())
        .unwrap_or_else(|| PathBuf::from(PAIRD))
}

const PAIRD: &str = "paird";
