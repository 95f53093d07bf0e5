//! `pairctl events`: the journal of this node, over all runs of its daemon.

use std::{
    io::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;
use pair_wire::control::{Answer, Command, Entry, Events};

use crate::{
    Exit,
    cli::{self, Cli, EventsArgs},
    client::Client,
    failure::Failure,
    story,
    watch::{Interruption, tell},
};

/// How often the daemon is asked for what is new.
const INTERVAL: Duration = Duration::from_millis(500);

/// Runs the command. Who follows does so until interrupted, over restarts of the daemon.
pub(crate) fn run(cli: &Cli, args: &EventsArgs, out: &mut dyn Write) -> Result<Exit, Failure> {
    let client = Client::new(cli, cli::STATUS_TIMEOUT);
    let since_ms = args.since.map_or(0, Since::unix_ms);
    let interrupted = Interruption::expected().map_err(Failure::Signals)?;
    let mut after = 0;
    loop {
        let asked = ask(&client, args.of.address.as_deref(), after, since_ms);
        let (entries, is_more) = match asked {
            Ok(Events { entries, newest }) => {
                let last = entries.last().map_or(after, |entry| entry.number);
                let is_more = !entries.is_empty() && newest > last;
                after = last;
                (entries, is_more)
            }
            // It may be restarting.
            Err(failure) if args.follow && failure.exit() == Exit::Unreachable => (Vec::new(), false),
            Err(failure) => return Err(failure),
        };
        for entry in &entries {
            let text = if args.json {
                line(entry)?
            } else {
                story::paragraph(&entry.transition).join("\n")
            };
            if !tell(out, &text)? {
                return Ok(Exit::Done);
            }
        }
        if is_more {
            continue;
        }
        if !args.follow || interrupted.comes_within(INTERVAL).map_err(Failure::Signals)? {
            return Ok(Exit::Done);
        }
    }
}

/// From when on the journal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// So long before now.
    Ago(Duration),
    /// This time, in milliseconds of Unix time.
    At(u64),
}

impl Since {
    /// Reads a length of time such as `2h`, or a time in RFC 3339.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        let at: Timestamp = text
            .parse()
            .map_err(|_| "it must be a time such as `2h` or `2026-01-02T03:04:05Z`".to_owned())?;
        Ok(Self::At(u64::try_from(at.as_millisecond()).unwrap_or(0)))
    }

    fn unix_ms(self) -> u64 {
        match self {
            Self::At(unix_ms) => unix_ms,
            Self::Ago(ago) => {
                let since = SystemTime::now().checked_sub(ago).unwrap_or(UNIX_EPOCH);
                let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
        }
    }
}

fn ask(client: &Client, address: Option<&str>, after: u64, since_ms: u64) -> Result<Events, Failure> {
    let Answer::Events(events) = client.ask_about(address, Command::Events { after, since_ms })? else {
        return Err(Failure::OtherAnswer);
    };
    Ok(events)
}

fn line(entry: &Entry) -> Result<String, Failure> {
    serde_json::to_string(entry).map_err(|error| Failure::Output(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_length_or_a_moment() {
        assert_eq!(Since::parse("2h"), Ok(Since::Ago(Duration::from_secs(7200))));
        assert_eq!(Since::parse("1970-01-01T00:00:01.5Z"), Ok(Since::At(1_500)));
        assert!(Since::parse("yesterday").is_err());
        let day = Since::Ago(Duration::from_secs(86_400)).unix_ms();
        assert!(day > 1_700_000_000_000 && day < Since::Ago(Duration::ZERO).unix_ms());
    }
}
