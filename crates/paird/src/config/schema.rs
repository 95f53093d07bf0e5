//! Every key of `paird.toml`: its place, type, bounds, default and meaning.
//!
//! This one table is what the reader looks keys up in, what "did you mean" searches, and what the rows of
//! `docs/CONFIGURATION.md` are compared with.

use std::time::Duration;

use super::duration;
use super::syntax::Syntax;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where it stands, parts joined by dots; a key of every `[[node]]` is `node.…`.
    pub path: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What holds when it is absent.
    pub fallback: Fallback,
    /// Whether both nodes must agree on it: such keys make the digest two nodes compare.
    pub scope: Scope,
    /// When a change of it takes effect.
    pub effect: Effect,
    /// What it means, in one sentence.
    pub doc: &'static str,
}

/// The type and the bounds of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table of further keys.
    Table,
    /// A table written several times, `[[…]]`.
    Tables {
        /// How many there must be at least.
        min: usize,
        /// How many there can be.
        max: usize,
    },
    /// A text.
    Text(Syntax),
    /// A list of texts, bounds included.
    Texts {
        /// What each of them looks like.
        syntax: Syntax,
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A text for each node, keyed by the node's name.
    TextPerNode(Syntax),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A text with a unit, bounds included.
    Duration {
        /// The shortest, in milliseconds.
        min_ms: u64,
        /// The longest, in milliseconds.
        max_ms: u64,
    },
    /// A whole number, bounds included.
    Integer {
        /// The smallest.
        min: u16,
        /// The largest.
        max: u16,
    },
    /// `true` or `false`.
    Flag,
}

/// What holds when a key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Nothing: the key must be there (if the table it stands in is).
    Required,
    /// This TOML value.
    Value(&'static str),
    /// What these words say; computed from other keys or found out at run time.
    Derived(&'static str),
}

/// Whom a setting concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Both nodes must agree on it.
    Pair,
    /// It may differ from node to node.
    Node,
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// When the daemon is told to read its files again, and nothing moves by that.
    AtReload,
    /// When the daemon starts: a run of it is about this.
    AtRestart,
}

/// How many addresses a pair can serve: each costs heartbeats, readings and memory of its own.
pub const MOST_ADDRESSES: usize = 8;

/// How many paths there may be between the nodes: each carries every heartbeat. A node has two interfaces, or each of two families.
pub const MOST_PATHS: usize = 4;

/// How many witnesses a pair can ask: one in each zone of a region, and a few.
pub const MOST_WITNESSES: usize = 8;

const PORT: Kind = Kind::Integer { min: 1, max: u16::MAX };

const fn duration(min_ms: u64, max_ms: u64) -> Kind {
    Kind::Duration { min_ms, max_ms }
}

const fn key(path: &'static str, kind: Kind, fallback: Fallback, doc: &'static str) -> Key {
    Key {
        path,
        kind,
        fallback,
        scope: Scope::Pair,
        effect: Effect::AtReload,
        doc,
    }
}

const fn local(path: &'static str, kind: Kind, fallback: Fallback, doc: &'static str) -> Key {
    Key {
        path,
        kind,
        fallback,
        scope: Scope::Node,
        effect: Effect::AtReload,
        doc,
    }
}

const fn at_restart(key: Key) -> Key {
    Key {
        effect: Effect::AtRestart,
        ..key
    }
}

use Fallback::{Derived, Required, Value};

/// Every key, tables before their contents.
pub const KEYS: &[Key] = &[
    at_restart(key(
        "pair",
        Kind::Text(Syntax::PairName),
        Required,
        "Name of the pair; datagrams of another pair are dropped.",
    )),
    at_restart(key("node", Kind::Tables { min: 2, max: 2 }, Required, "The two nodes.")),
    at_restart(key(
        "node.name",
        Kind::Text(Syntax::NodeName),
        Required,
        "Name of the node, unique in the pair.",
    )),
    at_restart(key(
        "node.addresses",
        Kind::Texts {
            syntax: Syntax::HostAddress,
            min: 1,
            max: MOST_PATHS,
        },
        Derived("required, unless `[discovery]` finds them"),
        "Addresses the node's heartbeats come from and go to, and by which it knows itself, the private one of its service first. Those in the same place on both nodes are the ends of a path, and each heartbeat is sent on all paths.",
    )),
    at_restart(key(
        "node.zone",
        Kind::Text(Syntax::Zone),
        Derived("only with `[discovery]`, and required there"),
        "Availability zone in which the node is found, whichever instance it is, and by which it knows itself.",
    )),
    at_restart(key(
        "discovery",
        Kind::Table,
        Derived("both nodes are at their `addresses`"),
        "Find the nodes as the instances that bear a tag, one in each node's zone.",
    )),
    at_restart(key(
        "discovery.tag",
        Kind::Text(Syntax::Tag),
        Required,
        "Tag of both instances; without a value, its value is the name of the pair.",
    )),
    at_restart(key(
        "address",
        Kind::Tables {
            min: 1,
            max: MOST_ADDRESSES,
        },
        Required,
        "The Elastic IPs the pair serves, in any order; each fails over by itself.",
    )),
    at_restart(key(
        "address.name",
        Kind::Text(Syntax::AddressName),
        Derived("none, for one address at most"),
        "What the address is called, unique in the pair; give one to each address that is added, and leave the first one as it is.",
    )),
    at_restart(key(
        "address.allocation_id",
        Kind::Text(Syntax::AllocationId),
        Derived("required, unless `address.tag` finds it"),
        "Allocation id of the Elastic IP.",
    )),
    at_restart(key(
        "address.tag",
        Kind::Text(Syntax::Tag),
        Derived("found by `address.allocation_id`"),
        "Tag by which the Elastic IP is found at the start; without a value, its value is the name of the pair.",
    )),
    at_restart(key(
        "address.private_ips",
        Kind::TextPerNode(Syntax::PrivateIp),
        Derived("the primary private IP of each node, for one address at most"),
        "Private IP the Elastic IP lands on, for each node by name and of no other address; it must be configured in the operating system.",
    )),
    at_restart(key(
        "address.private_ip_index",
        Kind::Integer { min: 0, max: 49 },
        Derived("with `[discovery]`: 0"),
        "Private IP of a found node's first interface the Elastic IP lands on: 0 the primary one, 1 the lowest of the others, and so on.",
    )),
    key(
        "address.preferred",
        Kind::Text(Syntax::NodeName),
        Derived("the first `[[node]]`"),
        "Node that claims an address nobody holds without waiting for the other.",
    ),
    key(
        "heartbeat",
        Kind::Table,
        Derived("all defaults"),
        "How the nodes hear each other.",
    ),
    // The digest counts what the profile sets, not its name.
    local(
        "heartbeat.profile",
        Kind::Choice(&["default", "fast", "calm"]),
        Value("\"default\""),
        "Sets interval and holdtime together: default 200ms and 1s, fast 50ms and 300ms, calm 500ms and 3s.",
    ),
    key(
        "heartbeat.interval",
        duration(10, 10_000),
        Derived("by the profile"),
        "Time between two heartbeats.",
    ),
    key(
        "heartbeat.holdtime",
        duration(30, 60_000),
        Derived("by the profile"),
        "Silence after which the peer is presumed dead; at least 3 intervals.",
    ),
    at_restart(key(
        "heartbeat.port",
        PORT,
        Value("7694"),
        "UDP port of the heartbeats, on both nodes.",
    )),
    key(
        "check",
        Kind::Table,
        Required,
        "How a node measures whether its own service is fit; needs `haproxy`, `http`, `tcp`, `command`, several of them, or `none = true`.",
    ),
    key(
        "check.haproxy",
        Kind::Table,
        Derived("not asked"),
        "Ask HAProxy on its runtime socket.",
    ),
    local(
        "check.haproxy.socket",
        Kind::Text(Syntax::SocketPath),
        Required,
        "Path of HAProxy's runtime socket (`stats socket`), level user or higher.",
    ),
    local(
        "check.haproxy.config",
        Kind::Text(Syntax::FilePath),
        Value("\"/etc/haproxy/haproxy.cfg\""),
        "HAProxy's configuration, a file or a folder of `.cfg` files, which both nodes compare by its digest.",
    ),
    key(
        "check.http",
        Kind::Table,
        Derived("not asked"),
        "Ask the node's own service with an HTTP GET.",
    ),
    key(
        "check.http.port",
        PORT,
        Required,
        "Port asked, on the node's own private address.",
    ),
    key(
        "check.http.path",
        Kind::Text(Syntax::UrlPath),
        Value("\"/\""),
        "Path asked; a status from 200 to 399 is fit.",
    ),
    key(
        "check.http.timeout",
        duration(10, 10_000),
        Derived("a fifth of the holdtime, at least 200ms"),
        "Time within which the answer must have come.",
    ),
    key(
        "check.tcp",
        Kind::Table,
        Derived("not asked"),
        "Open a connection to a port of the node's own service.",
    ),
    key(
        "check.tcp.port",
        PORT,
        Required,
        "Port that has to accept connections, on the node's own private address; the kernel accepts for a service that hangs, too.",
    ),
    key(
        "check.tcp.timeout",
        duration(10, 10_000),
        Derived("a fifth of the holdtime, at least 200ms"),
        "Time within which a connection must have been accepted.",
    ),
    key(
        "check.command",
        Kind::Table,
        Derived("not run"),
        "Run a program that tells by its exit status.",
    ),
    key(
        "check.command.program",
        Kind::Text(Syntax::FilePath),
        Required,
        "Path of the program, run without arguments by the daemon's user; exit status 0 is fit.",
    ),
    key(
        "check.command.timeout",
        duration(10, 60_000),
        Value("\"1s\""),
        "Time within which it must have ended, else it is ended and the node counts as unfit.",
    ),
    key(
        "check.command.interval",
        duration(100, 600_000),
        Value("\"2s\""),
        "Time between two runs of the program.",
    ),
    key(
        "check.interval",
        duration(10, 5_000),
        Derived("`heartbeat.interval`, at least 300ms"),
        "The most time between two checks: along with a heartbeat they come up to half of it earlier, and no more than `heartbeat.interval`. The bound keeps HAProxy from closing an idle runtime connection. While HAProxy answers on its socket and by HTTP, HTTP is asked every two seconds.",
    ),
    key(
        "check.none",
        Kind::Flag,
        Value("false"),
        "Written down as `true`, the node counts as fit for as long as paird runs.",
    ),
    key(
        "probe",
        Kind::Table,
        Required,
        "How the peer's service is asked whether it still serves; needs `http` or `none = true`.",
    ),
    key(
        "probe.http",
        Kind::Table,
        Derived("not asked"),
        "Ask the peer's service with an HTTP GET.",
    ),
    key(
        "probe.http.port",
        PORT,
        Required,
        "Port asked, on the peer's private address and on the Elastic IP; this node's own service must listen on it, too.",
    ),
    key(
        "probe.http.path",
        Kind::Text(Syntax::UrlPath),
        Value("\"/\""),
        "Path asked.",
    ),
    key(
        "probe.http.timeout",
        duration(10, 30_000),
        Derived("half the holdtime"),
        "Time within which the answer must have come; at most the holdtime less 2 intervals.",
    ),
    key(
        "probe.http.expect",
        Kind::Text(Syntax::Status),
        Value("\"200-399\""),
        "Status, or range of them, that proves the service; any other answer counts for `takeover.lost_contact_takeover` only.",
    ),
    key(
        "probe.none",
        Kind::Flag,
        Value("false"),
        "Written down as `true`, a silent peer that still serves cannot be told from a dead one.",
    ),
    key(
        "takeover",
        Kind::Table,
        Derived("all defaults"),
        "When a takeover may happen.",
    ),
    key(
        "takeover.lost_contact_takeover",
        duration(1_000, 3_600_000),
        Value("\"60s\""),
        "How long a peer that is silent but was seen serving keeps the address after the last proof; at least the holdtime.",
    ),
    key(
        "takeover.unfit_delay",
        duration(0, 60_000),
        Value("\"1s\""),
        "How long the holder must have been unfit before the peer takes over; a dead service process is not waited for.",
    ),
    key(
        "takeover.refit",
        duration(1_000, 3_600_000),
        Value("\"60s\""),
        "How long a node that was unfit while holding must have been fit to claim again; doubles per repeat.",
    ),
    key(
        "takeover.restart_grace",
        duration(1_000, 60_000),
        Value("\"10s\""),
        "How long the peer waits for this node's agent when it said that it restarts; the service goes on meanwhile.",
    ),
    key(
        "takeover.strict",
        Kind::Flag,
        Value("false"),
        "Release exactly the association that was read, then take the address from nobody: one call and one permission more.",
    ),
    key(
        "takeover.preempt_delay",
        duration(1_000, 86_400_000),
        Derived("never: the address stays where it is"),
        "How long both nodes must have been well before the preferred one takes the address back by itself.",
    ),
    key(
        "security",
        Kind::Table,
        Required,
        "How datagrams are authenticated; needs `key_file` or `insecure_no_key = true`.",
    ),
    local(
        "security.key_file",
        Kind::Text(Syntax::FilePath),
        Derived("none"),
        "File with the shared key, made by `pairctl key generate`, mode 0640 or stricter.",
    ),
    key(
        "security.insecure_no_key",
        Kind::Flag,
        Value("false"),
        "Written down as `true`, anybody who can send a datagram can keep a dead peer alive.",
    ),
    key(
        "witness",
        Kind::Table,
        Derived("no witness is asked, and nobody is served as one"),
        "Third hosts that are asked about a silent peer; a node with this table is itself a witness for whoever shares the key.",
    ),
    at_restart(key(
        "witness.addresses",
        Kind::Texts {
            syntax: Syntax::Endpoint,
            min: 0,
            max: MOST_WITNESSES,
        },
        Value("[]"),
        "Where the witnesses are: `paird` of other pairs, or `paird witness` on any third host.",
    )),
    at_restart(key(
        "witness.port",
        PORT,
        Value("7695"),
        "UDP port on the own address from which witnesses are asked, and on which the peer's questions and those of others arrive.",
    )),
    at_restart(local(
        "witness.key_file",
        Kind::Text(Syntax::FilePath),
        Required,
        "File with the key shared with the witnesses, made by `pairctl key generate`, mode 0640 or stricter; another one than the pair's.",
    )),
    key(
        "witness.required",
        Kind::Flag,
        Value("false"),
        "A silent peer loses an address only while a witness answers.",
    ),
    key(
        "witness.isolation_grace",
        duration(1_000, 3_600_000),
        Value("\"10s\""),
        "How long no address is taken when the witnesses that answered before fall silent with the peer; at least the holdtime.",
    ),
    key("ec2", Kind::Table, Derived("all defaults"), "How EC2 is called."),
    at_restart(key(
        "ec2.region",
        Kind::Text(Syntax::Region),
        Derived("from IMDS"),
        "AWS region of the pair.",
    )),
    at_restart(local(
        "ec2.endpoint",
        Kind::Text(Syntax::Url),
        Derived("that of the region"),
        "URL of the EC2 API, such as that of an interface endpoint without private DNS; wins over the environment.",
    )),
    at_restart(local(
        "ec2.imds_endpoint",
        Kind::Text(Syntax::Url),
        Derived("169.254.169.254"),
        "URL of the instance metadata service; wins over the environment.",
    )),
    key(
        "ec2.call_timeout",
        duration(100, 30_000),
        Value("\"3s\""),
        "Time within which one EC2 call must have been answered.",
    ),
    local(
        "readiness",
        Kind::Table,
        Derived("all defaults"),
        "How a node proves that it could take the address over.",
    ),
    local(
        "readiness.interval",
        duration(5_000, 86_400_000),
        Value("\"15m\""),
        "Time between two proofs, and up to a quarter more; each rehearses a takeover by three EC2 calls, for each address. While one fails, 20s.",
    ),
    local(
        "notices",
        Kind::Table,
        Derived("all defaults"),
        "What this node does when AWS tells it that its host ends.",
    ),
    local(
        "notices.spot",
        RESPONSE,
        Value("\"leave\""),
        "When its spot instance is interrupted: hand over and take nothing that is given away, or only say so, or do not ask.",
    ),
    local(
        "notices.autoscaling",
        RESPONSE,
        Value("\"leave\""),
        "The same, when its autoscaling group terminates it, or puts it into a warm pool.",
    ),
    local(
        "notices.maintenance",
        RESPONSE,
        Value("\"leave\""),
        "The same, when maintenance reboots, stops or retires it; other maintenance is only told.",
    ),
    local(
        "notices.maintenance_lead",
        duration(0, 86_400_000),
        Value("\"15m\""),
        "How long before the earliest begin of the maintenance it hands over.",
    ),
    local(
        "notices.rebalance",
        RESPONSE,
        Value("\"report\""),
        "The same, when AWS recommends to replace its spot instance, which may then run for hours.",
    ),
    local(
        "notices.none",
        Kind::Flag,
        Value("false"),
        "Written down as `true`, none of them is read, whatever else stands here.",
    ),
    at_restart(local(
        "control",
        Kind::Table,
        Derived("all defaults"),
        "How `pairctl` reaches the daemon.",
    )),
    at_restart(local(
        "control.socket",
        Kind::Text(Syntax::SocketPath),
        Value("\"/run/paird/control.sock\""),
        "Path of the control socket.",
    )),
    at_restart(local(
        "state",
        Kind::Table,
        Derived("all defaults"),
        "What survives a restart of the daemon.",
    )),
    at_restart(local(
        "state.directory",
        Kind::Text(Syntax::FilePath),
        Value("\"/var/lib/paird\""),
        "Directory for what a restart must not forget: holds and leaves, for records of transitions (at most 5 MiB for each address), and for the journal (at most 32 MiB). Nothing there is needed to be safe.",
    )),
    local(
        "metrics",
        Kind::Table,
        Derived("all defaults"),
        "Where Prometheus and load balancers ask.",
    ),
    local(
        "metrics.listen",
        Kind::Text(Syntax::Listener),
        Derived("`\"127.0.0.1:9694\"`"),
        "Address and TCP port that serve `/metrics`, `/healthz`, `/readyz` and `/active`, to whoever can reach them.",
    ),
    local(
        "metrics.none",
        Kind::Flag,
        Value("false"),
        "Written down as `true`, nothing listens there.",
    ),
    local(
        "hooks",
        Kind::Table,
        Derived("all defaults"),
        "Programs of the operator that are told how the pair is.",
    ),
    local(
        "hooks.directory",
        Kind::Text(Syntax::FilePath),
        Value("\"/etc/paird/hooks.d\""),
        "Directory of executables, run one after the other in the order of their names; one that does not exist has none.",
    ),
    local(
        "hooks.timeout",
        duration(100, 600_000),
        Value("\"10s\""),
        "How long one of them may run before it is ended, with all that it has started.",
    ),
    local("log", Kind::Table, Derived("all defaults"), "What is logged and how."),
    at_restart(local(
        "log.format",
        Kind::Choice(&["auto", "journald", "text", "json"]),
        Value("\"auto\""),
        "Form of the log; auto is journald under systemd, else text on standard error.",
    )),
    local(
        "log.level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        Value("\"info\""),
        "Least severe level that is logged.",
    ),
];

/// What can be done about a notice of AWS.
const RESPONSE: Kind = Kind::Choice(&["leave", "report", "ignore"]);

/// The key at `path`, if there is one.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The path of the key `name` in the table at `table`, which is empty for the top of the file.
#[must_use]
pub fn join(table: &str, name: &str) -> String {
    if table.is_empty() {
        name.to_owned()
    } else {
        format!("{table}.{name}")
    }
}

/// The names of the keys that stand directly in the table at `table`.
pub fn names_in(table: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |key| key.table() == table).map(Key::name)
}

impl Key {
    /// The path of the table it stands in; empty for the top of the file.
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Its own name, the last part of its path.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// Whether it holds a value, not further keys.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        !matches!(self.kind, Kind::Table | Kind::Tables { .. })
    }

    /// Its row in the table of `docs/CONFIGURATION.md`.
    #[must_use]
    pub fn markdown_row(&self) -> String {
        let default = match self.fallback {
            Required => "**required**".to_owned(),
            Value(toml) => format!("`{toml}`"),
            Derived(words) => words.to_owned(),
        };
        let effect = match self.effect {
            Effect::AtReload => "reload",
            Effect::AtRestart => "restart",
        };
        format!(
            "| `{}` | {} | {default} | {effect} | {} |",
            self.path,
            self.kind.describe(),
            self.doc
        )
    }
}

impl Kind {
    /// The type and its bounds in words.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Table => "table".to_owned(),
            Self::Tables { min, max } if min == max => format!("table, exactly {min}"),
            Self::Tables { min, max } => format!("table, {min} to {max}"),
            Self::Text(syntax) => syntax.describe().to_owned(),
            Self::Texts { syntax, min: 0, max } => format!("list of at most {max}: {}", syntax.describe()),
            Self::Texts { syntax, min, max } => format!("list of {min} to {max}: {}", syntax.describe()),
            Self::TextPerNode(syntax) => format!("one per node: {}", syntax.describe()),
            Self::Choice(words) => words
                .iter()
                .map(|word| format!("\"{word}\""))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Duration { min_ms, max_ms } => {
                let written = |ms| duration::format(Duration::from_millis(ms));
                format!("duration, {} to {}", written(min_ms), written(max_ms))
            }
            Self::Integer { min, max } => format!("whole number, {min} to {max}"),
            Self::Flag => "true or false".to_owned(),
        }
    }
}
