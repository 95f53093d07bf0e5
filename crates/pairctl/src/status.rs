//! `pairctl status`: what the node knows, once.

use std::io::Write;

use pair_wire::control::{AddressStatus, Answer, Command, STATUS_VERSION, State, Status};

use crate::{Exit, client::Client, failure::Failure, print, status_text};

/// Runs the command.
pub(crate) fn run(client: &Client, json: bool, out: &mut dyn Write) -> Result<Exit, Failure> {
    let status = ask(client)?;
    let text = if json { document(&status)? } else { status_text(&status) };
    print(out, text.trim_end())?;
    Ok(match status.state {
        State::Healthy => Exit::Done,
        State::Degraded => Exit::Degraded,
        State::Critical => Exit::Critical,
    })
}

/// Asks for a status that says something: one of a daemon that is stuck does not.
pub(crate) fn ask(client: &Client) -> Result<Status, Failure> {
    let Answer::Status(status) = client.ask(Command::Status)? else {
        return Err(Failure::OtherAnswer);
    };
    if status.version != STATUS_VERSION {
        return Err(Failure::StatusVersion { theirs: status.version });
    }
    if status.agent.is_stale() {
        return Err(Failure::Stale {
            loop_age_ms: status.agent.written_at_loop_age_ms,
        });
    }
    Ok(*status)
}

/// The address of this document that somebody means, by its public IP, its allocation id or its name.
pub(crate) fn address<'s>(status: &'s Status, word: &str) -> Result<&'s AddressStatus, Failure> {
    let mut addresses = status.addresses.iter();
    addresses.find(|address| address.is_called(word)).ok_or_else(|| {
        let labels: Vec<&str> = status.addresses.iter().map(AddressStatus::label).collect();
        Failure::Refused {
            reason: format!("no address is called {word:?}"),
            hint: Some(format!("the addresses are {}", labels.join(", "))),
        }
    })
}

fn document(status: &Status) -> Result<String, Failure> {
    serde_json::to_string_pretty(status).map_err(|error| Failure::Output(error.into()))
}
