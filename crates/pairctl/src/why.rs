//! `pairctl why`: what happened lately and why, from the daemon, from a recording, or from the recordings of both nodes.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use pair_wire::control::{Answer, Clock, Command, Transition, WHY_VERSION, Why};
use pair_wire::trace::{Offset, TRACE_LIMIT, Trace, TraceError};

use crate::{
    Exit,
    cli::{self, Cli, WhyArgs},
    client::Client,
    failure::Failure,
    print, story,
};

/// Runs the command.
pub(crate) fn run(cli: &Cli, args: &WhyArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let client = Client::new(cli, cli::STATUS_TIMEOUT);
    let address = args.of.address.as_deref();
    if let Some(file) = &args.export {
        return export(&client, address, file, out);
    }
    let why = match (&args.from, &args.with) {
        (None, None) => told(&client, address)?,
        (Some(file), None) => story_of(load(file)?),
        (from, Some(with)) => {
            let own = from
                .as_ref()
                .map_or_else(|| exported(&client, address), |file| load(file))?;
            merged(own, load(with)?, with)?
        }
    };
    let text = if args.json {
        serde_json::to_string_pretty(&why).map_err(|error| Failure::Output(error.into()))?
    } else {
        story::text(&why)
    };
    print(out, text.trim_end())
}

/// What the daemon tells.
fn told(client: &Client, address: Option<&str>) -> Result<Why, Failure> {
    match client.ask_about(address, Command::Why)? {
        Answer::Why(why) if why.version == WHY_VERSION => Ok(why),
        Answer::Why(why) => Err(Failure::WhyVersion { theirs: why.version }),
        Answer::Status(_)
        | Answer::Done { .. }
        | Answer::Moved(_)
        | Answer::Events(_)
        | Answer::Diagnosis(_)
        | Answer::Part(_) => Err(Failure::OtherAnswer),
    }
}

/// Writes the daemon's record to a file, or to the output if its name is `-`.
fn export(client: &Client, address: Option<&str>, file: &Path, out: &mut dyn Write) -> Result<Exit, Failure> {
    let text = record(client, address)?;
    if file == Path::new("-") {
        return print(out, text.trim_end());
    }
    fs::write(file, &text).map_err(|error| Failure::Write {
        path: file.to_owned(),
        error,
    })?;
    Ok(Exit::Done)
}

/// The daemon's record as a trace.
fn exported(client: &Client, address: Option<&str>) -> Result<Trace, Failure> {
    Trace::parse(&record(client, address)?).map_err(Failure::Record)
}

/// The daemon's record, asked for part by part.
fn record(client: &Client, address: Option<&str>) -> Result<String, Failure> {
    let mut text = String::new();
    let mut id = None;
    loop {
        let from = text.len() as u64;
        let Answer::Part(part) = client.ask_about(address, Command::Export { id, from })? else {
            return Err(Failure::OtherAnswer);
        };
        let is_next = part.from == from && id.is_none_or(|id| id == part.id) && !part.text.is_empty();
        if !is_next || part.total > TRACE_LIMIT {
            return Err(Failure::OtherAnswer);
        }
        id = Some(part.id);
        text.push_str(&part.text);
        if text.len() as u64 >= part.total {
            return Ok(text);
        }
    }
}

fn load(file: &Path) -> Result<Trace, Failure> {
    File::open(file)
        .map_err(TraceError::Io)
        .and_then(Trace::read)
        .map_err(|error| Failure::Trace {
            path: file.to_owned(),
            error,
        })
}

fn story_of(trace: Trace) -> Why {
    Why {
        version: WHY_VERSION,
        pair: trace.header.pair,
        clock: None,
        transitions: trace.told,
    }
}

/// Both nodes' transitions on one time line: that of the own wall clock.
fn merged(own: Trace, other: Trace, file: &Path) -> Result<Why, Failure> {
    let (ours, theirs) = (&own.header, &other.header);
    if (&ours.pair, &ours.node, &ours.peer) != (&theirs.pair, &theirs.peer, &theirs.node) {
        return Err(Failure::NotThePeers {
            path: file.to_owned(),
            theirs: format!("{} of pair {}", theirs.node, theirs.pair),
            wanted: format!("{} of pair {}", ours.peer, ours.pair),
        });
    }
    let offset = Offset::between(&own, &other);
    let clock = Clock {
        node: theirs.node.clone(),
        ahead_least_us: offset.least_us,
        ahead_most_us: offset.most_us,
    };
    let ahead_ms = offset.correction_us() / 1000;
    let set_right = |transition: Transition| story::shifted(transition, ahead_ms);
    let mut why = story_of(own);
    why.transitions.extend(other.told.into_iter().map(set_right));
    // Stable: what a node told keeps its order.
    why.transitions.sort_by_key(|transition| transition.unix_ms);
    why.clock = Some(clock);
    Ok(why)
}
