//! `pairctl doctor`: has the running daemon examine its node, or else runs `paird doctor`.
//!
//! The daemon comes first: it examines with its own user and its own environment, and knows of the pair what no program knows
//! that has just started.

use std::{
    ffi::OsStr,
    io::{Write, stderr},
};

use pair_wire::control::{Answer, Command, DIAGNOSIS_VERSION, Diagnosis, State};

use crate::{
    Exit, check,
    cli::{self, Cli, DoctorArgs},
    client::Client,
    failure::Failure,
    print,
};

/// Runs the command. Whoever names a configuration or a node wants those examined, and not what a daemon runs with.
pub(crate) fn run(cli: &Cli, args: &DoctorArgs, out: &mut dyn Write) -> Result<u8, Failure> {
    if args.config.is_some() || args.node.is_some() {
        return without_daemon(args);
    }
    match ask(&Client::new(cli, cli::DOCTOR_TIMEOUT)) {
        Ok(diagnosis) => tell(&diagnosis, args.json, out).map(Exit::code),
        Err(nobody @ (Failure::NoSocket { .. } | Failure::NobodyListens { .. })) => {
            // Nobody can be told that the standard error output is gone.
            let _ = writeln!(stderr(), "pairctl: {}; examining without it", nobody.line());
            without_daemon(args)
        }
        Err(failure) => Err(failure),
    }
}

fn ask(client: &Client) -> Result<Diagnosis, Failure> {
    match client.ask(Command::Doctor)? {
        Answer::Diagnosis(diagnosis) if diagnosis.version == DIAGNOSIS_VERSION => Ok(*diagnosis),
        Answer::Diagnosis(diagnosis) => Err(Failure::DiagnosisVersion {
            theirs: diagnosis.version,
        }),
        Answer::Status(_)
        | Answer::Done { .. }
        | Answer::Moved(_)
        | Answer::Events(_)
        | Answer::Why(_)
        | Answer::Part(_) => Err(Failure::OtherAnswer),
    }
}

fn tell(diagnosis: &Diagnosis, json: bool, out: &mut dyn Write) -> Result<Exit, Failure> {
    let text = if json {
        serde_json::to_string_pretty(diagnosis).map_err(|error| Failure::Output(error.into()))?
    } else {
        diagnosis.to_string()
    };
    print(out, &text)?;
    Ok(match diagnosis.state() {
        State::Healthy => Exit::Done,
        State::Degraded => Exit::Degraded,
        State::Critical => Exit::Critical,
    })
}

fn without_daemon(args: &DoctorArgs) -> Result<u8, Failure> {
    let mut command = vec![OsStr::new("doctor")];
    if let Some(config) = &args.config {
        command.extend([OsStr::new("--config"), config.as_os_str()]);
    }
    if let Some(node) = &args.node {
        command.extend([OsStr::new("--node"), OsStr::new(node)]);
    }
    if args.json {
        command.push(OsStr::new("--json"));
    }
    check::paird(&command)
}
