//! `paird`: runs the agent, writes or checks its configuration, or examines its node.

use std::process::ExitCode;

use clap::Parser;
use pair_wire::control::State;
use paird::cli::{Cli, Command, Doctor, Init, Node, Witness};
use paird::exit::Exit;
use paird::init::{self, Outcome};
use paird::witness::serve;
use paird::{doctor, run};

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        // Nobody can be told that the terminal is gone.
        let _ = error.print();
        let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
        std::process::exit(exit.code().into());
    });
    match cli.command {
        Command::Run(args) => serve(args),
        Command::Check(args) => check(&args),
        Command::Init(args) => initialize(&args),
        Command::Doctor(args) => examine(&args),
        Command::Witness(args) => testify(&args),
    }
}

fn serve(args: Node) -> ExitCode {
    let (config, ring) = match run::load(&args) {
        Ok(loaded) => loaded,
        Err(findings) => return refuse(&findings),
    };
    match run::run(config, ring, args) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            eprintln!("paird: {error:#}");
            Exit::Failed.into()
        }
    }
}

fn check(args: &Node) -> ExitCode {
    match run::load(args) {
        Ok((config, _)) => {
            let [first, second] = config.nodes.each_ref().map(|node| node.name.as_str());
            println!("{}: ok, pair {} of {first} and {second}", config.file, config.pair);
            Exit::Done.into()
        }
        Err(findings) => refuse(&findings),
    }
}

fn initialize(args: &Init) -> ExitCode {
    match init::run(args) {
        Ok(Outcome::Printed(text)) => {
            print!("{text}");
            Exit::Done.into()
        }
        Ok(Outcome::InPlace { told, left }) => {
            println!("{told}");
            if !left.is_empty() {
                eprintln!("before the agent can start:\n{left}");
            }
            Exit::Done.into()
        }
        Ok(Outcome::Refused(findings)) => refuse(&findings),
        Err(error) => {
            eprintln!("paird: {error:#}");
            Exit::Failed.into()
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
        State::Healthy => Exit::Done.into(),
        State::Degraded => Exit::Failed.into(),
        State::Critical => Exit::Critical.into(),
    }
}

fn testify(args: &Witness) -> ExitCode {
    let ring = match serve::load(&args.key_file) {
        Ok(ring) => ring,
        Err(findings) => return refuse(&findings),
    };
    match serve::run(args.listen, &ring) {
        Ok(()) => Exit::Done.into(),
        Err(error) => {
            eprintln!("paird: {error:#}");
            Exit::Failed.into()
        }
    }
}

fn refuse(findings: &impl std::fmt::Display) -> ExitCode {
    eprintln!("{findings}");
    Exit::ConfigurationWrong.into()
}
