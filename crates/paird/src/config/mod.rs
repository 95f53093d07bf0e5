//! The configuration `paird.toml`: read strictly, every mistake reported at once with its line and its cure.
//!
//! [`schema`] lists every key; `reader` looks keys up by it; `build` adds what only several keys together show.

mod address;
mod build;
mod change;
mod digest;
pub mod duration;
mod finding;
mod key_file;
mod nearest;
mod reader;
pub mod schema;
mod syntax;
mod value;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pair_ec2::Tag;

pub use change::{Change, Reloaded};
pub use finding::{Finding, Findings};
pub use key_file::KeyFile;
pub use syntax::{StatusRange, Syntax};

use crate::notices::Policy;

/// The longest configuration file that is read; a real one has one or two kilobytes.
const FILE_MAX: u64 = 256 * 1024;

/// The folder in the state directory for the addresses that have names.
const ADDRESSES: &str = "addresses";

/// Where the configuration is unless the command line says otherwise.
pub const DEFAULT_PATH: &str = "/etc/paird/paird.toml";

/// A whole, valid configuration with every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file it was read from, as it was named.
    pub file: String,
    /// Name of the pair.
    pub pair: String,
    /// The two nodes, in the order of the file.
    pub nodes: [Node; 2],
    /// The tag of both instances, if the nodes are found by it.
    pub discovery: Option<Tag>,
    /// The Elastic IPs the pair serves, in the order of the file: at least one, and at most [`schema::MOST_ADDRESSES`].
    pub addresses: Vec<Address>,
    /// How the nodes hear each other.
    pub heartbeat: Heartbeat,
    /// How a node measures its own fitness.
    pub check: Check,
    /// How the peer's service is asked whether it still serves; `None` when the file says `none = true`.
    pub probe: Option<Probe>,
    /// When a takeover may happen.
    pub takeover: Takeover,
    /// How datagrams are authenticated.
    pub security: Security,
    /// Who else is asked about a silent peer; `None` when the file says nothing of witnesses.
    pub witness: Option<Witness>,
    /// How EC2 is called.
    pub ec2: Ec2,
    /// Time between two proofs of readiness while all is well.
    pub readiness_interval: Duration,
    /// What is done about AWS's notices; `None` when the file says `none = true`.
    pub notices: Option<Policy>,
    /// Path of the control socket.
    pub control_socket: PathBuf,
    /// Directory for what survives a restart.
    pub state_directory: PathBuf,
    /// Where metrics are served; `None` when the file says `none = true`.
    pub metrics_listen: Option<SocketAddr>,
    /// Programs that are told how the pair is.
    pub hooks: Hooks,
    /// What is logged and how.
    pub log: Log,
}

/// One node of the pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name, unique in the pair.
    pub name: String,
    /// The private address its heartbeats come from and go to; of a node that is to be found, [unspecified](NOWHERE) until it is.
    pub address: IpAddr,
    /// The ends of its further paths, as many as the other node has.
    pub more: Vec<IpAddr>,
    /// The availability zone in which it is found, with `[discovery]`.
    pub zone: Option<String>,
}

impl Node {
    /// The ends of its paths, in the order of the file.
    pub fn ends(&self) -> impl Iterator<Item = IpAddr> {
        std::iter::once(self.address).chain(self.more.iter().copied())
    }
}

/// The address of a node that is not found.
pub const NOWHERE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// Which address of the pair is meant: its place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressIndex(pub usize);

/// An Elastic IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// What it is called; one address of a pair at most has no name.
    pub name: Option<String>,
    /// `eipalloc-…`; of one that is to be found by its tag, empty until it is.
    pub allocation_id: String,
    /// The tag by which it is found.
    pub tag: Option<Tag>,
    /// The private IP it lands on, by node; `None` for each node's primary private IP. With `[discovery]`, [nowhere](NOWHERE)
    /// on a node that is not found.
    pub private_ips: Option<[Ipv4Addr; 2]>,
    /// Which private IP of a found node's first interface it lands on.
    pub private_ip_index: usize,
    /// Index of the node that goes first when nobody holds it.
    pub preferred: usize,
}

impl Address {
    /// What people call it where its Elastic IP is not known.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.allocation_id)
    }

    /// Whether the files mean the same Elastic IP, found or not.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.tag == other.tag && (self.tag.is_some() || self.allocation_id == other.allocation_id)
    }
}

/// Heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Which defaults were chosen.
    pub profile: Profile,
    /// Time between two heartbeats, 10 ms to 10 s.
    pub interval: Duration,
    /// Silence after which the peer is presumed dead, at least 3 intervals.
    pub holdtime: Duration,
    /// UDP port on both nodes.
    pub port: u16,
}

/// A named choice of interval and holdtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// 200 ms and 1 s.
    Default,
    /// 50 ms and 300 ms.
    Fast,
    /// 500 ms and 3 s.
    Calm,
}

/// The node's checks of its own service; none means that the file says `none = true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// HAProxy's runtime socket, if HAProxy is asked.
    pub haproxy_socket: Option<PathBuf>,
    /// HAProxy's configuration, if HAProxy is asked.
    pub haproxy_config: Option<PathBuf>,
    /// The HTTP check, if there is one.
    pub http: Option<HttpCheck>,
    /// The TCP check, if there is one.
    pub tcp: Option<TcpCheck>,
    /// The program that checks, if there is one.
    pub command: Option<CommandCheck>,
    /// Time between two checks.
    pub interval: Duration,
}

impl Check {
    /// Whether nothing is checked at all.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.haproxy_socket.is_none() && self.http.is_none() && self.tcp.is_none() && self.command.is_none()
    }
}

/// An HTTP GET on the node's own service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// Port on the node's own private address.
    pub port: u16,
    /// Path of the request.
    pub path: String,
    /// Time within which the answer must have come.
    pub timeout: Duration,
}

/// A TCP connection to the node's own service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpCheck {
    /// Port on the node's own private address.
    pub port: u16,
    /// Time within which it must have been accepted.
    pub timeout: Duration,
}

/// A program that tells by its exit status whether the node's own service is fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandCheck {
    /// Its path.
    pub program: PathBuf,
    /// Time within which it must have ended.
    pub timeout: Duration,
    /// Time between two runs.
    pub interval: Duration,
}

/// The probe of the peer's service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Port on the peer's private address and on the Elastic IP.
    pub port: u16,
    /// Path of the request.
    pub path: String,
    /// Time within which the answer must have come, at most the holdtime less 2 intervals.
    pub timeout: Duration,
    /// Statuses that prove the service.
    pub expect: StatusRange,
}

/// When a takeover may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// How long a silent peer that was seen serving keeps the address (rule F-7), at least the holdtime.
    pub lost_contact_takeover: Duration,
    /// How long unfitness must have lasted (rule F-6c).
    pub unfit_delay: Duration,
    /// How long a node unfit while holding must have been fit again (rule F-6c).
    pub refit: Duration,
    /// How long the peer waits for an agent that restarts (rule F-13).
    pub restart_grace: Duration,
    /// Whether the address is taken by compare-and-set (rule F-11).
    pub strict: bool,
    /// How long both must have been well before the preferred node takes the address back (rule F-6f); `None`: never.
    pub preempt_delay: Option<Duration>,
}

/// Authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// With the keys of this file.
    KeyFile(PathBuf),
    /// Not at all, which the file says in so many words.
    InsecureNoKey,
}

/// Witnesses: whom this node asks, and that it serves others as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Where they are.
    pub addresses: Vec<SocketAddr>,
    /// UDP port on each node's own address.
    pub port: u16,
    /// The key shared with them.
    pub key_file: PathBuf,
    /// Whether a silent peer loses an address only while one of them answers.
    pub required: bool,
    /// How long no address is taken when they fall silent with the peer.
    pub isolation_grace: Duration,
}

/// EC2 calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ec2 {
    /// The region; `None` to ask IMDS.
    pub region: Option<String>,
    /// Where the EC2 API is; `None` for the region's own endpoint.
    pub endpoint: Option<String>,
    /// Where IMDS is; `None` for its link-local address.
    pub imds_endpoint: Option<String>,
    /// Time within which one call must have been answered.
    pub call_timeout: Duration,
}

/// Programs of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// Where they are.
    pub directory: PathBuf,
    /// How long one may run, 100 ms to 10 min.
    pub timeout: Duration,
}

/// Logging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The form.
    pub format: LogFormat,
    /// The least severe level shown.
    pub level: LogLevel,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Journald under systemd, else text.
    Auto,
    /// Fields to journald.
    Journald,
    /// Lines on standard error.
    Text,
    /// JSON lines on standard error.
    Json,
}

/// Severity, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Somebody should be woken.
    Error,
    /// Somebody should look tomorrow.
    Warn,
    /// Role changes.
    Info,
    /// Decisions.
    Debug,
    /// Packets.
    Trace,
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// Every mistake of the file, or the one finding that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Findings> {
        let name = path.display().to_string();
        match read_bounded(path, FILE_MAX) {
            Ok(text) => Self::parse(&name, &text),
            Err(problem) => Err(unreadable(name, problem).into()),
        }
    }

    /// Checks `text`, which came from the file `name`.
    ///
    /// # Errors
    /// Every mistake of the text.
    pub fn parse(name: &str, text: &str) -> Result<Self, Findings> {
        build::build(name, text)
    }

    /// The first 8 bytes of a SHA-256 over everything both nodes must agree on, defaults filled in: two nodes with equal
    /// digests mean the same. Comments, order, and keys that may differ between nodes do not count.
    #[must_use]
    pub fn digest(&self) -> [u8; 8] {
        digest::digest(self)
    }

    /// Each key and its effective value in the order of the schema, as TOML would write it; keys that are unset are left
    /// out, keys of each `[[node]]` come once per node.
    #[must_use]
    pub fn effective(&self) -> Vec<(&'static str, String)> {
        digest::effective(self)
    }

    /// Whether something that a run needs is not in the file: EC2 has to be asked for it.
    #[must_use]
    pub fn is_to_be_found(&self) -> bool {
        self.discovery.is_some() || self.addresses.iter().any(|address| address.tag.is_some())
    }

    /// The index of the node this is: the one named by `flag` or else the one whose address is among `local_addresses`.
    ///
    /// # Errors
    /// When no node has that name, or not exactly one node's address is local.
    pub fn this_node(&self, flag: Option<&str>, local_addresses: &[IpAddr]) -> Result<usize, Finding> {
        let known = format!("\"{}\" or \"{}\"", self.nodes[0].name, self.nodes[1].name);
        if let Some(name) = flag {
            return self.node_index(name).ok_or_else(|| {
                let problem = format!("no node is named {}", value::quoted(name));
                self.finding("node.name", problem, format!("use --node with {known}"))
            });
        }
        match self
            .nodes
            .each_ref()
            .map(|node| node.ends().any(|end| local_addresses.contains(&end)))
        {
            [true, false] => Ok(0),
            [false, true] => Ok(1),
            [false, false] => Err(self.finding(
                "node.addresses",
                format!(
                    "neither {} nor {} is an address of this host",
                    self.nodes[0].address, self.nodes[1].address
                ),
                format!("correct the addresses or use --node with {known}"),
            )),
            [true, true] => Err(self.finding(
                "node.addresses",
                format!(
                    "both {} and {} are addresses of this host",
                    self.nodes[0].address, self.nodes[1].address
                ),
                format!("correct the addresses or use --node with {known}"),
            )),
        }
    }

    /// The index of the node named `name`.
    #[must_use]
    pub fn node_index(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// The address of this number.
    #[must_use]
    pub fn address(&self, index: AddressIndex) -> &Address {
        &self.addresses[index.0]
    }

    /// The private IP on which an address lands, by node.
    #[must_use]
    pub fn places(&self, address: &Address) -> [IpAddr; 2] {
        match address.private_ips {
            Some(private_ips) => private_ips.map(IpAddr::V4),
            None => self.nodes.each_ref().map(|node| node.address),
        }
    }

    /// By what name the nodes know each other's heartbeats about an address.
    ///
    /// The address without a name has the pair's own, as the only address of a pair has; any other has one that is made of the
    /// pair's name and its allocation id. So it depends on nothing but the address itself: others come, go and change places
    /// in the file, and its heartbeats go on.
    #[must_use]
    pub fn heartbeat_name(&self, address: &Address) -> String {
        match address.name {
            None => self.pair.clone(),
            Some(_) => format!("{}/{}", self.pair, address.allocation_id),
        }
    }

    /// Where it is kept what operators have ordered about an address, and what led to its transitions: as for the heartbeats, the
    /// address without a name has the place of an only one.
    #[must_use]
    pub fn folder(&self, address: &Address) -> PathBuf {
        match address.name {
            None => self.state_directory.clone(),
            Some(_) => self.state_directory.join(ADDRESSES).join(&address.allocation_id),
        }
    }

    /// What becomes of this configuration, which is in force, when the file says `file`.
    #[must_use]
    pub fn reload(&self, file: Self) -> Reloaded {
        change::reload(self, file)
    }

    fn finding(&self, key: &str, problem: String, advice: String) -> Finding {
        Finding {
            file: self.file.clone(),
            line: None,
            key: key.to_owned(),
            problem,
            advice,
        }
    }
}

impl Profile {
    fn named(name: &str) -> Option<Self> {
        [Self::Default, Self::Fast, Self::Calm]
            .into_iter()
            .find(|profile| profile.name() == name)
    }

    /// The word in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fast => "fast",
            Self::Calm => "calm",
        }
    }

    /// Its interval and holdtime.
    #[must_use]
    pub fn timing(self) -> (Duration, Duration) {
        let (interval_ms, holdtime_ms) = match self {
            Self::Default => (200, 1_000),
            Self::Fast => (50, 300),
            Self::Calm => (500, 3_000),
        };
        (Duration::from_millis(interval_ms), Duration::from_millis(holdtime_ms))
    }
}

impl LogFormat {
    fn named(name: &str) -> Option<Self> {
        [Self::Auto, Self::Journald, Self::Text, Self::Json]
            .into_iter()
            .find(|format| format.name() == name)
    }

    /// The word in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Journald => "journald",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl LogLevel {
    fn named(name: &str) -> Option<Self> {
        [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace]
            .into_iter()
            .find(|level| level.name() == name)
    }

    /// The word in the file, which is also the directive `tracing` understands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Reads a text file of at most `max` bytes; the error is the problem and the advice.
fn read_bounded(path: &Path, max: u64) -> Result<String, value::Problem> {
    let unread = |error: std::io::Error| {
        value::Problem::new(format!("cannot be read: {error}"), "check the path and its permissions")
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(max + 1).read_to_end(&mut bytes))
        .map_err(unread)?;
    if bytes.len() as u64 > max {
        return Err(value::Problem::new(
            format!("longer than {max} bytes"),
            "check that it is the right file",
        ));
    }
    String::from_utf8(bytes).map_err(|_| value::Problem::new("not UTF-8 text", "check that it is the right file"))
}

fn unreadable(file: String, problem: value::Problem) -> Finding {
    let value::Problem { problem, advice } = problem;
    Finding {
        file,
        line: None,
        key: String::new(),
        problem,
        advice,
    }
}
