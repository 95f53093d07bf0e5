//! `pair-sim`: random histories of two nodes, many of them or one, and traces of those that went wrong.
#![forbid(unsafe_code)]

mod model;
mod report;
mod soak;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Plays histories of two nodes in virtual time: the same code as the daemon's, a bad network, an EC2 that fails.
#[derive(Debug, Parser)]
#[command(name = "pair-sim", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays the random history of one seed, and prints its faults.
    Run(trace::Run),
    /// Plays random histories for a while, and prints what they have covered.
    Soak(soak::Args),
    /// Visits every history within a bound, in ticks of one interval, and proves the laws there.
    Model(model::Args),
    /// Plays a history from a trace file.
    Replay(trace::Replay),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => trace::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Model(args) => Ok(model::run(&args)),
        Command::Replay(args) => trace::replay(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("pair-sim: {error:#}");
            ExitCode::from(2)
        }
    }
}
