//! `paird`: runs the agent, or checks its configuration.

use std::process::ExitCode;

use clap::Parser;
use paird::cli::{Cli, Command};
use paird::run;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let (Command::Run(args) | Command::Check(args)) = &command;
    let (config, ring) = match run::load(args) {
        Ok(loaded) => loaded,
        Err(findings) => {
            eprintln!("{findings}");
            return ExitCode::from(CONFIGURATION_WRONG);
        }
    };
    match command {
        Command::Check(_) => {
            let [first, second] = config.nodes.each_ref().map(|node| node.name.as_str());
            println!("{}: ok, pair {} of {first} and {second}", config.file, config.pair);
            ExitCode::SUCCESS
        }
        Command::Run(args) => match run::run(config, ring, args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("paird: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

/// The exit code when the configuration is wrong: `EX_CONFIG` of sysexits(3). The unit does not restart after it.
const CONFIGURATION_WRONG: u8 = 78;
