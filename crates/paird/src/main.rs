//! `paird`: runs the agent, writes or checks its configuration, or examines its node.

use std::process::ExitCode;

use clap::Parser;
use pair_wire::control::State;
use paird::cli::{Cli, Command, Doctor, Init, Node};
use paird::init::{self, Outcome};
use paird::{doctor, run};

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        // Nobody can be told that the terminal is gone.
        let _ = error.print();
        std::process::exit(if error.use_stderr() { USAGE } else { 0 });
    });
    match cli.command {
        Command::Run(args) => serve(args),
        Command::Check(args) => check(&args),
        Command::Init(args) => initialize(&args),
        Command::Doctor(args) => examine(&args),
    }
}

fn serve(args: Node) -> ExitCode {
    let (config, ring) = match run::load(&args) {
        Ok(loaded) => loaded,
        Err(findings) => return refuse(&findings),
    };
    match run::run(config, ring, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paird: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check(args: &Node) -> ExitCode {
    match run::load(args) {
        Ok((config, _)) => {
            let [first, second] = config.nodes.each_ref().map(|node| node.name.as_str());
            println!("{}: ok, pair {} of {first} and {second}", config.file, config.pair);
            ExitCode::SUCCESS
        }
        Err(findings) => refuse(&findings),
    }
}

fn initialize(args: &Init) -> ExitCode {
    match init::run(args) {
        Ok(Outcome::Printed(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Outcome::InPlace { told, left }) => {
            println!("{told}");
            if !left.is_empty() {
                eprintln!("before the agent can start:\n{left}");
            }
            ExitCode::SUCCESS
        }
        Ok(Outcome::Refused(findings)) => refuse(&findings),
        Err(error) => {
            eprintln!("paird: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn examine(args: &Doctor) -> ExitCode {
    let diagnosis = doctor::run(&args.node);
    if args.json {
        println!("{}", serde_json::json!(diagnosis));
    } else {
        println!("{diagnosis}");
    }
    match diagnosis.state() {
        State::Healthy => ExitCode::SUCCESS,
        State::Degraded => ExitCode::from(DEGRADED),
        State::Critical => ExitCode::from(CRITICAL),
    }
}

fn refuse(findings: &impl std::fmt::Display) -> ExitCode {
    eprintln!("{findings}");
    ExitCode::from(CONFIGURATION_WRONG)
}

/// The exit codes of an examination that found something: those of `pairctl status`.
const DEGRADED: u8 = 1;
const CRITICAL: u8 = 2;

/// The exit code when the command line is wrong: `EX_USAGE` of sysexits(3).
const USAGE: i32 = 64;

/// The exit code when the configuration is wrong: `EX_CONFIG` of sysexits(3). The unit does not restart after it.
const CONFIGURATION_WRONG: u8 = 78;
