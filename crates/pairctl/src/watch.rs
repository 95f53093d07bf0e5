//! `pairctl status --watch`: the status again and again, until SIGINT or SIGTERM.
//!
//! On a terminal each one takes the place of the one before. Elsewhere, such as in a file, each is a block that begins with
//! the time, and only what is new is told: ages, round trips and counts change all the time and are no news.

use std::{
    io::{self, ErrorKind, IsTerminal as _, Read as _, Write},
    os::unix::net::UnixStream,
    time::{Duration, SystemTime},
};

use jiff::Timestamp;
use pair_wire::control::{EndingCause, HolderName, Link, NodeStatus, PathState, Role, Severity, State, Status};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    low_level::pipe,
};

use crate::{Exit, client::Client, failure::Failure, status, status_text};

/// Moves the cursor to the upper left corner and clears from there to the end, without a flash (ECMA-48: CUP, ED).
const REDRAW: &str = "\x1b[H\x1b[J";

/// Runs the command; what cannot be asked is shown like a status, since it may come back.
pub(crate) fn run(client: &Client, interval: Duration, out: &mut dyn Write) -> Result<Exit, Failure> {
    let interrupted = Interruption::expected().map_err(Failure::Signals)?;
    let is_terminal = io::stdout().is_terminal();
    let mut told = None;
    loop {
        let status = status::ask(client);
        let (news, text) = match &status {
            Ok(status) => (Ok(Gist::of(status)), status_text(status)),
            Err(failure) => (Err(failure.line()), format!("pairctl: {}", failure.line())),
        };
        let is_new = told.replace(news.clone()) != Some(news);
        let is_heard = if is_terminal {
            tell(out, &format!("{REDRAW}{}", text.trim_end()))?
        } else if is_new {
            tell(out, &format!("{}\n{}\n", time(), text.trim_end()))?
        } else {
            true
        };
        if !is_heard || interrupted.comes_within(interval).map_err(Failure::Signals)? {
            return Ok(Exit::Done);
        }
    }
}

/// Prints, and says whether anybody still reads.
pub(crate) fn tell(out: &mut dyn Write, text: &str) -> Result<bool, Failure> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Output(error)),
    }
}

fn time() -> String {
    Timestamp::try_from(SystemTime::now()).map_or_else(|_| "-".to_owned(), |at| format!("{at:.3}"))
}

/// A signal that ends the watch, and cuts the time between two looks short.
pub(crate) struct Interruption(UnixStream);

impl Interruption {
    pub(crate) fn expected() -> io::Result<Self> {
        let (receiver, sender) = UnixStream::pair()?;
        pipe::register(SIGINT, sender.try_clone()?)?;
        pipe::register(SIGTERM, sender)?;
        Ok(Self(receiver))
    }

    pub(crate) fn comes_within(&self, time: Duration) -> io::Result<bool> {
        self.0.set_read_timeout(Some(time))?;
        match (&self.0).read(&mut [0]) {
            Ok(_) => Ok(true),
            // The handler has written its byte before the call was interrupted.
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What of a status is news when it changes.
#[derive(Clone, Debug, PartialEq)]
struct Gist {
    state: State,
    problems: Vec<(String, Option<String>, Severity)>,
    nodes: [NodeGist; 2],
    link: Link,
    paths: Vec<(PathState, Option<bool>)>,
    holders: Vec<Option<HolderName>>,
    reasons: Vec<String>,
    is_on_hold: bool,
    last_takeover: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct NodeGist {
    role: Role,
    service: String,
    is_ready: Option<bool>,
    is_leaving: Option<bool>,
    ending: Option<(EndingCause, bool)>,
}

impl Gist {
    fn of(status: &Status) -> Self {
        let problems = status.problems.iter();
        let reasons = status.ready.reasons.iter();
        let paths = status.peer.paths.iter();
        Self {
            state: status.state,
            problems: problems
                .map(|problem| (problem.id.clone(), problem.address.clone(), problem.severity))
                .collect(),
            nodes: [&status.node, &status.peer.node].map(NodeGist::of),
            link: status.peer.link,
            paths: paths.map(|path| (path.state, path.peer_hears)).collect(),
            holders: status.addresses.iter().map(|address| address.holder.clone()).collect(),
            reasons: reasons.map(|reason| reason.id.clone()).collect(),
            is_on_hold: status.hold_left_ms.is_some(),
            last_takeover: status.last_takeover.as_ref().map(|takeover| takeover.at.clone()),
        }
    }
}

impl NodeGist {
    fn of(node: &NodeStatus) -> Self {
        Self {
            role: node.role,
            service: node.service.clone(),
            is_ready: node.ready,
            is_leaving: node.leaving,
            ending: node.ending.as_ref().map(|ending| (ending.cause, ending.hands_over)),
        }
    }
}
