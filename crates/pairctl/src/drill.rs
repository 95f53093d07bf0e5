//! `pairctl drill`: a real failover and the way back, on a day on which nothing is wrong.
//!
//! ```text
//!  both healthy, ready, unheld, budget untouched ─► confirmed ─► there ─► both healthy again ─► back
//!          │ no                                       │ no         │ failed      │ not so
//!          └► refused                                 └► refused   └─────────────┴► ends where it is, and says where
//! ```

use std::{
    io::{self, BufRead as _, Write},
    thread,
    time::{Duration, Instant},
};

use pair_wire::control::{AddressStatus, Answer, Command, HolderName, Moved, State, Status};

use crate::{
    Exit,
    cli::{self, Cli, OfAddress},
    client::Client,
    failure::Failure,
    moved, print, status,
};

/// How long both nodes may take to be well after the first half: a rehearsal of the node that has just given the address away.
const RECOVERY: Duration = Duration::from_secs(60);

/// How often it is asked whether they are.
const INTERVAL: Duration = Duration::from_millis(200);

/// Runs the command.
pub(crate) fn run(cli: &Cli, yes: bool, of: &OfAddress, out: &mut dyn Write) -> Result<Exit, Failure> {
    let client = Client::new(cli, cli::ORDER_TIMEOUT);
    let status = status::ask(&client)?;
    let address = drilled(&status, of)?;
    let (holder, standby) = guarded(&status, address)?;
    if !yes && !is_confirmed(address, &holder, &standby, out)? {
        return Err(refused("it was not confirmed", "--yes confirms it for scripts"));
    }
    let id = &address.allocation_id;
    let there = go(&client, id, &standby).map_err(|failure| ended("in its first half", &client, id, &failure))?;
    print(out, &half("there", &there))?;
    recovered(&client, id)?;
    let back = go(&client, id, &holder).map_err(|failure| ended("in its second half", &client, id, &failure))?;
    print(out, &half("back", &back))?;
    print(out, &format!("the drill is over, and the address is at {holder} again"))
}

/// The address that is drilled: the one that is named, or the only one.
fn drilled<'s>(status: &'s Status, of: &OfAddress) -> Result<&'s AddressStatus, Failure> {
    match (&of.address, &status.addresses[..]) {
        (Some(word), _) => status::address(status, word),
        (None, [only]) => Ok(only),
        (None, several) => {
            let labels: Vec<&str> = several.iter().map(AddressStatus::label).collect();
            Err(refused(
                "the pair has several addresses, and a drill is of one",
                &format!("name it with --address: the addresses are {}", labels.join(", ")),
            ))
        }
    }
}

/// Who holds the address and who shall take it, if nothing speaks against a drill.
fn guarded(status: &Status, address: &AddressStatus) -> Result<(String, String), Failure> {
    let problem = status.problems.first();
    if status.state != State::Healthy {
        let what = problem.map_or("see pairctl status", |problem| problem.text.as_str());
        return Err(refused(
            &format!("the pair is not healthy: {what}"),
            "a drill is for a day on which nothing is wrong",
        ));
    }
    if address.hold_left_ms.is_some() {
        return Err(refused("a hold is in force", "`pairctl resume` ends it"));
    }
    if address.moves_lately > 0 {
        return Err(refused(
            "the address has moved within the last ten minutes",
            "wait: a drill must not use up what a failure may need (F-15)",
        ));
    }
    let names = [&status.node, &status.peer.node];
    if let Some(node) = names.into_iter().find(|node| node.ready != Some(true)) {
        return Err(refused(
            &format!("{} is not ready", node.name),
            "see what pairctl status says of it there",
        ));
    }
    let Some(HolderName::Node(holder)) = address.holder.clone() else {
        return Err(refused("the address is at neither node", "see pairctl status"));
    };
    let standby = if holder == status.node.name {
        status.peer.node.name.clone()
    } else {
        status.node.name.clone()
    };
    Ok((holder, standby))
}

fn is_confirmed(address: &AddressStatus, holder: &str, standby: &str, out: &mut dyn Write) -> Result<bool, Failure> {
    let address = address.public_ip.as_deref().unwrap_or("the address");
    let question = format!(
        "This moves {address} from {holder} to {standby} and back. Each time the connections that are open through it break.\n\
         Type yes to go on: "
    );
    write!(out, "{question}")
        .and_then(|()| out.flush())
        .map_err(Failure::Output)?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && line.trim() == "yes")
}

fn go(client: &Client, address: &str, to: &str) -> Result<Moved, Failure> {
    let command = Command::Failover {
        to: Some(to.to_owned()),
        force: false,
        drill: true,
    };
    let Answer::Moved(moved) = client.ask_about(Some(address), command)? else {
        return Err(Failure::OtherAnswer);
    };
    Ok(*moved)
}

/// Waits until both nodes are well: the second half is a move like the first.
fn recovered(client: &Client, address: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + RECOVERY;
    loop {
        let status = status::ask(client);
        if status.as_ref().is_ok_and(|status| status.state == State::Healthy) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let failure = match status {
                Ok(status) => {
                    let what = status.problems.first().map(|problem| problem.text.clone());
                    refused(&what.unwrap_or_default(), "")
                }
                Err(failure) => failure,
            };
            return Err(ended(
                "between its halves, since the pair did not become healthy",
                client,
                address,
                &failure,
            ));
        }
        thread::sleep(INTERVAL);
    }
}

/// The failure that tells where a drill has ended, and where the address is.
fn ended(when: &'static str, client: &Client, address: &str, why: &Failure) -> Failure {
    let holder = status::ask(client)
        .ok()
        .and_then(|status| status::address(&status, address).ok()?.holder.clone())
        .map_or_else(|| "unknown".to_owned(), String::from);
    Failure::Drill {
        when,
        why: why.line(),
        holder,
    }
}

fn half(which: &str, moved: &Moved) -> String {
    let from = String::from(moved.from.clone());
    let took = crate::text::seconds(moved.took_ms);
    format!("{which}: {from} to {} in {took}\n    {}", moved.to, moved::times(moved))
}

fn refused(reason: &str, hint: &str) -> Failure {
    Failure::Refused {
        reason: reason.to_owned(),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}
