//! `paird`: runs the agent, or checks its configuration.

use std::process::ExitCode;

use clap::Parser;
use paird::cli::{Cli, Command};
use paird::run;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => match run::check(&args) {
            Ok(config) => {
                println!(
                    "{}: ok, pair {} of {} and {}",
                    config.file, config.pair, config.nodes[0].name, config.nodes[1].name
                );
                Ok(())
            }
            Err(findings) => {
                eprintln!("{findings}");
                return ExitCode::from(CONFIGURATION_WRONG);
            }
        },
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paird: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The exit code of `paird check` when anything is wrong: `EX_CONFIG` of sysexits(3).
const CONFIGURATION_WRONG: u8 = 78;
