//! The `pairctl` program.
#![forbid(unsafe_code)]

use std::{
    io::{stderr, stdout},
    process::ExitCode,
};

fn main() -> ExitCode {
    ExitCode::from(pairctl::run(
        std::env::args_os(),
        &mut stdout().lock(),
        &mut stderr().lock(),
    ))
}
