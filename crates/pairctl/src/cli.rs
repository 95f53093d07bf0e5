//! What can be typed.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use pair_wire::control::{DEFAULT_SOCKET, LONGEST_HOLD};

use crate::events::Since;

/// How long `status` waits for its answer: a daemon that lives answers within milliseconds.
pub(crate) const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an order waits for its answer: it is valid for 30 seconds (F-6e), and then is told to have expired.
pub(crate) const ORDER_TIMEOUT: Duration = Duration::from_secs(35);

/// How long `doctor` waits for its answer: where nobody answers, an examination waits for IMDS and for EC2, one call after the
/// other.
pub(crate) const DOCTOR_TIMEOUT: Duration = Duration::from_secs(60);

/// Asks a node of a pair what it knows, and gives it orders.
#[derive(Debug, Parser)]
#[command(name = "pairctl", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// The daemon's control socket.
    #[arg(long, global = true, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    pub(crate) socket: PathBuf,

    /// How long to wait for the daemon, such as `500ms` [default: 2s, for orders 35s, for `wait` and `doctor` 60s].
    #[arg(long, global = true, value_name = "TIME", value_parser = timeout)]
    pub(crate) timeout: Option<Duration>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows how the pair is; the exit code says it too.
    Status {
        /// Print the versioned JSON document.
        #[arg(long, conflicts_with = "watch")]
        json: bool,
        /// Show it again and again, every so many seconds, until interrupted.
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = interval)]
        watch: Option<Duration>,
    },
    /// Waits until this node is ready, which is the default, or active, or the pair healthy: a daemon may not be there yet.
    Wait(WaitArgs),
    /// Tells the transitions and orders of this node over all runs of its daemon, oldest first.
    Events(EventsArgs),
    /// Tells what happened lately, and why.
    Why(WhyArgs),
    /// Moves the address to the other node, or to the named one, and waits until it is there.
    Failover {
        /// The node that shall hold the address.
        #[arg(long, value_name = "NODE")]
        to: Option<String>,
        /// Even if that node is not ready: a call that may fail. What makes a move unsafe is refused all the same.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        of: OfAddress,
    },
    /// Moves the address to the other node and back, if nothing is wrong, and tells how long what took.
    Drill {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        of: OfAddress,
    },
    /// Keeps the address where it is for a while, whatever happens; orders pass.
    Hold {
        /// For how long, such as `30m`; at most a day.
        #[arg(long = "for", value_name = "TIME", value_parser = hold)]
        length: Duration,
        /// Why: for the journal, and the status of the node that is asked; at most 200 bytes.
        #[arg(long, value_name = "TEXT", value_parser = reason)]
        reason: Option<String>,
        #[command(flatten)]
        of: OfAddress,
    },
    /// Ends a hold.
    Resume {
        #[command(flatten)]
        of: OfAddress,
    },
    /// Takes this node out of the pair for maintenance: hands over first, and takes nothing until it joins.
    Leave {
        /// Only until this host has booted anew: for a host that goes down. Who has left without it stays away.
        #[arg(long)]
        until_boot: bool,
    },
    /// Brings this node back into the pair.
    Join {
        /// Only if it has left by `leave --until-boot`: who has left otherwise stays away.
        #[arg(long)]
        if_until_boot: bool,
    },
    /// Lets the daemon read configuration and keys again; nothing moves, and a file that is wrong changes nothing.
    Reload,
    /// Checks the configuration file, without asking the daemon or AWS: runs `paird check`.
    Check {
        /// The configuration file [default: that of paird].
        #[arg(long, value_name = "PATH")]
        config: Option<PathBuf>,
    },
    /// Examines this node: everything that a takeover needs. The daemon does it, or without one `paird doctor`.
    Doctor(DoctorArgs),
    /// Makes and changes keys of heartbeats.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Shows the version of this program and of what it speaks.
    Version,
}

/// Which address of a pair that has several.
#[derive(Debug, Args)]
pub(crate) struct OfAddress {
    /// About this address of several: its public IP, its allocation id or its name.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// Until this node holds the address and serves, or could take it.
    #[arg(long, group = "condition")]
    pub(crate) ready: bool,
    /// Until this node holds the address; of several, any.
    #[arg(long, group = "condition")]
    pub(crate) active: bool,
    /// Until the pair is healthy.
    #[arg(long, group = "condition")]
    pub(crate) healthy: bool,
    #[command(flatten)]
    pub(crate) of: OfAddress,
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// Print the versioned JSON document.
    #[arg(long, conflicts_with = "export")]
    pub(crate) json: bool,
    /// Write what the core was told to a file, `-` for the output: `pair-sim replay` plays it again.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "with"])]
    pub(crate) export: Option<PathBuf>,
    /// Tell what this export or record says, without asking the daemon.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Merge with the export of the other node, on one time line.
    #[arg(long, value_name = "FILE")]
    pub(crate) with: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) of: OfAddress,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print the versioned JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Examine by this configuration file, without asking the daemon.
    #[arg(long, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// Examine as this node, without asking the daemon; by default the node whose address this host has.
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Go on with what happens, until interrupted.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Print a line of JSON for each.
    #[arg(long)]
    pub(crate) json: bool,
    /// Only what happened since then: a length such as `2h`, or a time in RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    pub(crate) since: Option<Since>,
    #[command(flatten)]
    pub(crate) of: OfAddress,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Prints a new key as a line for the key file, the same on both nodes.
    Generate {
        /// The number that names the key in a datagram, another one for each key of a file.
        #[arg(long, value_name = "0-255", default_value_t = 1)]
        id: u8,
    },
    /// Takes the next of three steps from one key to another, once both nodes are ready for it: run it on both in turn.
    Rotate {
        /// Accept the key in this file, `-` for the input, that the other node made in its first step.
        #[arg(long, value_name = "FILE")]
        add: Option<PathBuf>,
    },
}

fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (MIN_TIMEOUT..=MAX_TIMEOUT).contains(&timeout) {
        Ok(timeout)
    } else {
        Err("it must be between 10ms and 10min".to_owned())
    }
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    let interval = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    if (MIN_INTERVAL..=MAX_INTERVAL).contains(&interval) {
        Ok(interval)
    } else {
        Err("it must be between 0.1 and 3600".to_owned())
    }
}

fn hold(text: &str) -> Result<Duration, String> {
    let length = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (MIN_HOLD..=LONGEST_HOLD).contains(&length) {
        Ok(length)
    } else {
        Err("it must be between 1s and 24h".to_owned())
    }
}

fn reason(text: &str) -> Result<String, String> {
    if text.len() <= LONGEST_REASON && !text.contains(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("it must be one line of at most {LONGEST_REASON} bytes"))
    }
}

const LONGEST_REASON: usize = 200;
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(3600);
const MIN_HOLD: Duration = Duration::from_secs(1);
const MIN_TIMEOUT: Duration = Duration::from_millis(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
