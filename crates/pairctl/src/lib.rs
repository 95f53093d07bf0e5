//! The command line of paird: how people talk to the daemon of a node.
//!
//! It blocks, asks one question at a time and ends: no runtime, no AWS. Data goes to the standard output, all else to the standard
//! error output, and the [exit code](Exit) says how it went. What it cannot ask it does not guess: a daemon that is dead,
//! stuck or of another version is never shown as healthy.
#![forbid(unsafe_code)]

mod check;
mod cli;
mod client;
mod doctor;
mod drill;
mod events;
mod exit;
mod failure;
mod key;
mod key_file;
mod moved;
mod rotate;
mod status;
mod story;
mod text;
mod wait;
mod watch;
mod why;

use std::{
    ffi::OsString,
    io::{self, Write},
    time::Duration,
};

use clap::{CommandFactory as _, Parser as _};
use pair_wire::control::{self, Answer, CONTROL_VERSION};
use pair_wire::datagram::WIRE_VERSION;

pub use exit::Exit;
pub use text::status_text;

use cli::{Cli, Command, KeyCommand, OfAddress};
use client::Client;
use failure::Failure;

/// Runs one command line and says with which code to exit: that of an [`Exit`], or that of the `paird` that it runs
/// for `check` and, without a daemon, for `doctor`.
///
/// `args` begins with the program's name.
pub fn run<A, T>(args: A, out: &mut dyn Write, err: &mut dyn Write) -> u8
where
    A: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let ran = match Cli::try_parse_from(args) {
        Ok(cli) => execute(&cli, out),
        Err(error) if error.use_stderr() => Err(Failure::Usage(error)),
        Err(help) => write!(out, "{}", help.render())
            .map_err(Failure::Output)
            .map(|()| Exit::Done.code()),
    };
    ran.unwrap_or_else(|failure| {
        // Nobody can be told that the standard error output is gone.
        let _ = failure.report(err);
        failure.exit().code()
    })
}

/// Returns the definition of the command line, of which manual pages and completions are drawn.
#[must_use]
pub fn command_line() -> clap::Command {
    Cli::command()
}

fn execute(cli: &Cli, out: &mut dyn Write) -> Result<u8, Failure> {
    let exit = match &cli.command {
        Command::Status { json, watch } => {
            let client = Client::new(cli, cli::STATUS_TIMEOUT);
            match watch {
                None => status::run(&client, *json, out)?,
                Some(interval) => watch::run(&client, *interval, out)?,
            }
        }
        Command::Wait(args) => wait::run(cli, args, out)?,
        Command::Why(args) => why::run(cli, args, out)?,
        Command::Failover { to, force, of } => {
            let (to, force) = (to.clone(), *force);
            let drill = false;
            order_about(cli, of, control::Command::Failover { to, force, drill }, out)?
        }
        Command::Drill { yes, of } => drill::run(cli, *yes, of, out)?,
        Command::Events(args) => events::run(cli, args, out)?,
        Command::Hold { length, reason, of } => order_about(cli, of, hold(*length, reason.clone()), out)?,
        Command::Resume { of } => order_about(cli, of, control::Command::Resume, out)?,
        Command::Leave { until_boot: false } => order(cli, control::Command::Leave, out)?,
        Command::Leave { until_boot: true } => order(cli, control::Command::LeaveUntilBoot, out)?,
        Command::Join { if_until_boot: false } => order(cli, control::Command::Join, out)?,
        Command::Join { if_until_boot: true } => order(cli, control::Command::JoinIfUntilBoot, out)?,
        Command::Reload => order(cli, control::Command::Reload, out)?,
        Command::Check { config } => return check::run(config.as_deref()),
        Command::Doctor(args) => return doctor::run(cli, args, out),
        Command::Key(KeyCommand::Generate { id }) => print(out, &key::generate(*id)?.line())?,
        Command::Key(KeyCommand::Rotate { add }) => rotate::run(cli, add.as_deref(), out)?,
        Command::Version => {
            let version = env!("CARGO_PKG_VERSION");
            print(
                out,
                &format!("pairctl {version}, control protocol {CONTROL_VERSION}, heartbeats {WIRE_VERSION}"),
            )?
        }
    };
    Ok(exit.code())
}

fn hold(length: Duration, reason: Option<String>) -> control::Command {
    let for_ms = u64::try_from(length.as_millis()).expect("the command line bounds a hold");
    control::Command::Hold { for_ms, reason }
}

/// Gives an order to the node, and waits until it is carried out.
fn order(cli: &Cli, command: control::Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    order_about(cli, &OfAddress { address: None }, command, out)
}

/// Gives an order about one address of several, if one is named, and waits until it is carried out.
fn order_about(cli: &Cli, of: &OfAddress, command: control::Command, out: &mut dyn Write) -> Result<Exit, Failure> {
    let client = Client::new(cli, cli::ORDER_TIMEOUT);
    let text = match client.ask_about(of.address.as_deref(), command)? {
        Answer::Done { text } => text,
        Answer::Moved(moved) => moved::text(&moved),
        Answer::Status(_) | Answer::Why(_) | Answer::Events(_) | Answer::Diagnosis(_) | Answer::Part(_) => {
            return Err(Failure::OtherAnswer);
        }
    };
    print(out, &text)
}

/// Prints a line, and is content if the reader has gone: `pairctl status | head -1` tells the state like any other.
fn print(out: &mut dyn Write, line: &str) -> Result<Exit, Failure> {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(Exit::Done),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Failure::Output(error)),
    }
}
