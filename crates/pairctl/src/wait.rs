//! `pairctl wait`: returns when a condition holds, or its time is over.
//!
//! It is for scripts that run while a host comes up, so a daemon that is not there yet is one more reason to wait, and so is
//! one that does not answer or is of another version in the middle of an upgrade.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use pair_wire::control::{AddressStatus, Problem, Role, State, Status};

use crate::{
    Exit,
    cli::{self, Cli, WaitArgs},
    client::Client,
    failure::Failure,
    print, status,
};

/// How long to wait unless the command line says it: an agent is ready some seconds after its start.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the daemon is asked.
const INTERVAL: Duration = Duration::from_millis(200);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Ready,
    Active,
    Healthy,
}

/// Runs the command.
pub(crate) fn run(cli: &Cli, args: &WaitArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let condition = Condition::of(args);
    let address = args.of.address.as_deref();
    let patience = cli.timeout.unwrap_or(PATIENCE);
    let deadline = Instant::now() + patience;
    loop {
        // Who asks at the very end waits for the answer, too: it takes milliseconds.
        let timeout = left(deadline).clamp(INTERVAL, cli::STATUS_TIMEOUT);
        let missing = match status::ask(&Client::within(cli, timeout)) {
            Ok(status) => match address.map(|word| status::address(&status, word)).transpose() {
                Ok(address) if condition.holds(&status, address) => return print(out, condition.words()),
                Ok(_) => condition.missing(&status),
                Err(failure) => failure.line(),
            },
            Err(failure) => failure.line(),
        };
        if left(deadline).is_zero() {
            return Err(Failure::TimeOver {
                patience,
                wanted: condition.words(),
                missing,
            });
        }
        thread::sleep(left(deadline).min(INTERVAL));
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

impl Condition {
    const fn of(args: &WaitArgs) -> Self {
        match args {
            WaitArgs { active: true, .. } => Self::Active,
            WaitArgs { healthy: true, .. } => Self::Healthy,
            WaitArgs { .. } => Self::Ready,
        }
    }

    fn holds(self, status: &Status, address: Option<&AddressStatus>) -> bool {
        match (self, address) {
            (Self::Ready, Some(address)) => address.ready.as_ref().is_some_and(|ready| ready.ready),
            (Self::Ready, None) => status.ready.ready,
            (Self::Active, Some(address)) => address.role == Role::Active,
            (Self::Active, None) => status.node.role == Role::Active,
            (Self::Healthy, _) => status.state == State::Healthy,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Ready => "this node is ready",
            Self::Active => "this node is active",
            Self::Healthy => "the pair is healthy",
        }
    }

    /// What keeps it from being so, by the ids of problems.
    fn missing(self, status: &Status) -> String {
        match self {
            Self::Ready => ids(&status.ready.reasons),
            Self::Active if status.problems.is_empty() => "the node is passive, and the pair has no problem".to_owned(),
            Self::Active | Self::Healthy => ids(&status.problems),
        }
    }
}

fn ids(problems: &[Problem]) -> String {
    let ids: Vec<_> = problems.iter().map(|problem| problem.id.as_str()).collect();
    ids.join(", ")
}
