//! `pair-sim`: random histories of two nodes, many of them or one, traces of those that went wrong, and the detector's curve.
#![forbid(unsafe_code)]

mod curve;
mod model;
mod page;
mod replay;
mod report;
mod shape;
mod soak;
mod storm;
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
    /// Plays a trace file: a history of this simulator, or the recording of a real daemon.
    Replay(replay::Args),
    /// Measures how often each profile presumes a living peer dead, beside VRRP's rule, and how soon a dead one.
    Curve(curve::Args),
    /// Lets a zone die under many pairs that share EC2's request limits, and prints how long they take and what they call.
    Storm(storm::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(args) => trace::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Model(args) => Ok(model::run(&args)),
        Command::Replay(args) => replay::run(&args),
        Command::Curve(args) => curve::run(&args),
        Command::Storm(args) => storm::run(&args),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
