//! What a node knows, as a document: `pairctl status --json` prints it.
//!
//! Ages are counted up to the moment at which the document was written. A field that is `null` is not known; fields may be
//! added without a new [`STATUS_VERSION`], so a reader ignores those that it does not know.

use std::collections::BTreeMap;

use pair_core::Source;
use serde::{Deserialize, Serialize};

/// The version of the document.
pub const STATUS_VERSION: u32 = 1;

/// What a node knows of its pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The version of this document: [`STATUS_VERSION`].
    pub version: u32,
    /// The name of the pair.
    pub pair: String,
    /// How the pair is, as this node sees it: as bad as the worst of `problems`.
    pub state: State,
    /// Everything that somebody should look at.
    pub problems: Vec<Problem>,
    /// The node that was asked.
    pub node: NodeStatus,
    /// The other node.
    pub peer: PeerStatus,
    /// The Elastic IPs of the pair, in the order of the configuration.
    pub addresses: Vec<AddressStatus>,
    /// The witnesses that the node asks about its peer, in the order of the configuration (F-20).
    #[serde(default)]
    pub witnesses: Vec<WitnessStatus>,
    /// Whether the node that was asked could take the address over; with several: all of them.
    pub ready: ReadyStatus,
    /// What the node would do, and why; with several: about the first.
    pub decision: DecisionStatus,
    /// How long a hold still keeps the address where it is, in milliseconds (F-14); `null` if none is in force. With several: the
    /// longest.
    pub hold_left_ms: Option<u64>,
    /// How many moves of the last ten minutes the budget counts (F-15). With several: of the one that moved most.
    #[serde(default)]
    pub moves_lately: u64,
    /// The last takeover that the node knows the times of: its own ones.
    pub last_takeover: Option<TakeoverStatus>,
    /// How many datagrams were dropped, by the name of the cause.
    pub drops: BTreeMap<String, u64>,
    /// The keys of the heartbeats; `null` if the pair has none.
    #[serde(default)]
    pub keys: Option<KeysStatus>,
    /// What became of the records of what the core was told.
    #[serde(default)]
    pub recorder: RecorderStatus,
    /// By what the members were found; `null` if they are configured.
    #[serde(default)]
    pub discovery: Option<DiscoveryStatus>,
    /// The daemon that wrote this document.
    pub agent: AgentStatus,
}

/// What a witness has told the node (F-20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessStatus {
    /// Where it is.
    pub address: String,
    /// Whether it answers; `null` before the first question has ended.
    pub answers: Option<bool>,
    /// How long ago it last answered, in milliseconds.
    pub answered_ago_ms: Option<u64>,
    /// How long ago it last brought an answer of the peer, in milliseconds.
    pub proved_ago_ms: Option<u64>,
    /// What the newest question got, in words.
    pub last: Option<String>,
}

/// How a pair is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// One node holds the address and serves, the other could take over.
    Healthy,
    /// It serves, but somebody should look.
    Degraded,
    /// It does not serve, or nobody can tell.
    Critical,
}

/// One thing that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its id, in kebab case; `docs/OPERATING.md` explains each.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without full stop.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The allocation id of the address that it is about, if the pair has several and it is not about the node as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The pair serves, with less in reserve.
    Degraded,
    /// The pair does not serve, or nobody can tell.
    Critical,
}

/// One node of the pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its name in the configuration.
    pub name: String,
    /// Its EC2 instance.
    pub instance_id: Option<String>,
    /// The private IP on which the address lands; with several: the first.
    pub private_ip: Option<String>,
    /// Its availability zone.
    pub zone: Option<String>,
    /// Whether it holds the address; with several: any of them.
    pub role: Role,
    /// How its service is, such as `haproxy ok`, `haproxy down: refused`, `unknown`.
    pub service: String,
    /// Whether it could take the address over.
    pub ready: Option<bool>,
    /// Whether it has left the pair, or leaves it (F-13).
    pub leaving: Option<bool>,
    /// What AWS says of the end of its host; `null` if nothing, or if that is not known.
    #[serde(default)]
    pub ending: Option<EndingStatus>,
}

/// What AWS says of the end of a host (F-13).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingStatus {
    /// What kind of notice it is.
    pub cause: EndingCause,
    /// How long the host still has, in milliseconds; `null` if that was not told.
    pub left_ms: Option<u64>,
    /// Whether the node gives away what it holds because of it; else nothing moves.
    pub hands_over: bool,
}

/// Why AWS takes a host away, or might.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndingCause {
    /// A spot instance is interrupted.
    Spot,
    /// Its autoscaling group terminates it.
    Autoscaling,
    /// Maintenance is scheduled for it.
    Maintenance,
    /// A spot instance is more likely to be interrupted than others.
    Rebalance,
}

/// What the fact about the address makes of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It holds the address.
    Active,
    /// It does not.
    Passive,
    /// Who holds the address is not known.
    #[default]
    Unknown,
}

/// The other node, as the one that was asked sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// What is known of it as of every node.
    #[serde(flatten)]
    pub node: NodeStatus,
    /// How contact with it is.
    pub link: Link,
    /// How long ago it last gave a sign of life, in milliseconds.
    pub heard_ago_ms: Option<u64>,
    /// The round-trip time of heartbeats, in milliseconds.
    pub rtt_ms: Option<f64>,
    /// How many of its heartbeats got lost of late, in percent.
    pub loss_percent: Option<f64>,
    /// What the last probe of its service got, such as `ok 3 s ago`, `silent for 12 s`.
    pub probe: Option<String>,
    /// The version of its agent.
    pub agent_version: Option<String>,
    /// The paths by which heartbeats come, in the order of the configuration.
    #[serde(default)]
    pub paths: Vec<PathStatus>,
}

/// One path of heartbeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStatus {
    /// Its end at the node that was asked.
    pub own: String,
    /// Its end at the other one.
    pub peer: String,
    /// How it is.
    pub state: PathState,
    /// How long ago something was last heard on it, in milliseconds.
    pub heard_ago_ms: Option<u64>,
    /// How many of the last heartbeats did not come by it, in percent.
    pub loss_percent: Option<u32>,
    /// Whether the other node says that heartbeats come to it by this path; `None` while it says nothing.
    #[serde(default)]
    pub peer_hears: Option<bool>,
}

/// How a path of heartbeats is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathState {
    /// Heartbeats come by it.
    Alive,
    /// None has come by it for a holdtime.
    Silent,
    /// None has come by it since this daemon started.
    NeverHeard,
    /// Its end at this node is no address of this host.
    Closed,
}

/// How contact with the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Both hear each other (F-2).
    Up,
    /// It is heard, but does not hear this node (F-2).
    OneWay,
    /// It missed two heartbeats (F-3).
    Suspect,
    /// It was silent for a holdtime (F-4).
    PresumedDead,
    /// It was not heard since this daemon started.
    NeverHeard,
}

/// One Elastic IP, as the node that was asked sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressStatus {
    /// What it is called in the configuration; `null` if it has no name.
    #[serde(default)]
    pub name: Option<String>,
    /// The address.
    pub public_ip: Option<String>,
    /// Its allocation.
    pub allocation_id: String,
    /// Its association, which is the version number of its ownership.
    pub association_id: Option<String>,
    /// Who holds it.
    pub holder: Option<HolderName>,
    /// From where the node knows that.
    pub holder_source: Option<HolderSource>,
    /// How old that knowledge is, in milliseconds.
    pub holder_age_ms: Option<u64>,
    /// The private IP that it is on, if a node of the pair holds it.
    pub target_private_ip: Option<String>,
    /// How long ago EC2 was last asked and answered, in milliseconds.
    pub ec2_checked_ago_ms: Option<u64>,
    /// Whether the node that was asked holds it.
    #[serde(default)]
    pub role: Role,
    /// The private IP on which it is, or would be, on that node.
    #[serde(default)]
    pub private_ip: Option<String>,
    /// Whether that node could take it over.
    #[serde(default)]
    pub ready: Option<ReadyStatus>,
    /// Whether the peer could, as it says; `null` while it is not heard.
    #[serde(default)]
    pub peer_ready: Option<bool>,
    /// What that node would do about it, and why.
    #[serde(default)]
    pub decision: Option<DecisionStatus>,
    /// How long a hold still keeps it where it is, in milliseconds (F-14); `null` if none is in force.
    #[serde(default)]
    pub hold_left_ms: Option<u64>,
    /// How many moves of the last ten minutes the budget counts (F-15).
    #[serde(default)]
    pub moves_lately: u64,
    /// The last takeover of it that the node knows the times of: its own ones.
    #[serde(default)]
    pub last_takeover: Option<TakeoverStatus>,
}

/// Who holds an address. In JSON a string: the name of a node, or one of the words below, which therefore cannot be names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum HolderName {
    /// A node of the pair, by its name.
    Node(String),
    /// `nobody`: it is associated with nothing.
    Nobody,
    /// `stranger`: an instance or interface outside the pair (F-9).
    Stranger,
    /// `former`: an instance that was a node of the pair until another one came to its place (F-9).
    Former,
    /// `misplaced`: a node of the pair, but on another interface or private IP than the configured one (F-1).
    Misplaced,
}

/// From where the holder of an address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HolderSource {
    /// The node's instance metadata.
    Imds,
    /// A `DescribeAddresses` of the node.
    Ec2,
    /// EC2's reply to an `AssociateAddress` of the node.
    Reply,
    /// The peer said so.
    Peer,
}

/// Whether a node could take the address over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyStatus {
    /// Whether it could.
    pub ready: bool,
    /// Why not; empty if it could.
    pub reasons: Vec<Problem>,
    /// How long ago a takeover was last rehearsed, in milliseconds.
    #[serde(default)]
    pub checked_ago_ms: Option<u64>,
}

/// What a node would do, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionStatus {
    /// What it would do, such as `stay`, `wait`, `claim`.
    pub verdict: String,
    /// The id of the rule that says so, such as `F-7`.
    pub rule: Option<String>,
    /// What the rule was applied to.
    pub evidence: Vec<String>,
}

/// One takeover and its times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeoverStatus {
    /// Who held the address before.
    pub from: Option<HolderName>,
    /// Who took it.
    pub to: String,
    /// The rule that allowed it.
    pub rule: String,
    /// When it was verified: RFC 3339, in UTC.
    pub at: String,
    /// How long ago that was, in milliseconds.
    pub ago_ms: u64,
    /// From the last sign of life to the decision, in milliseconds; `None` if nobody had to be presumed dead.
    pub detect_ms: Option<u64>,
    /// From the decision to EC2's reply, in milliseconds.
    pub api_ms: Option<u64>,
    /// From EC2's reply to the read that confirmed it, in milliseconds.
    pub verify_ms: Option<u64>,
    /// How many calls it took.
    pub attempts: u32,
}

/// The keys of a node's heartbeats, by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysStatus {
    /// The file that they are in.
    pub file: String,
    /// The key that signs.
    pub signs: u8,
    /// Every key that is accepted, the signing one first.
    pub accepts: Vec<u8>,
    /// The keys of the peer, as its last heartbeat showed them; `None` while it is not heard.
    pub peer: Option<PeerKeysStatus>,
}

/// The keys of the peer, as far as this node can know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerKeysStatus {
    /// The key that it signs with.
    pub signs: u8,
    /// Those of this node's keys that it accepts.
    pub accepts: Vec<u8>,
    /// Whether it accepts a key that this node does not have.
    pub accepts_another: bool,
}

/// How the records of what the core was told were written to disk, since the daemon started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecorderStatus {
    /// How many were.
    pub written: u64,
    /// How many could not be.
    pub failed: u64,
    /// How many lines of the journal could not be written.
    #[serde(default)]
    pub events_lost: u64,
}

/// By what the members were found, and who else was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveryStatus {
    /// The tag, as `KEY=VALUE`.
    pub tag: String,
    /// How long ago EC2 last told who bears it, in milliseconds.
    pub asked_ago_ms: u64,
    /// Which instances bear it, run, and are not used.
    pub spares: Vec<String>,
}

/// The daemon that wrote a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// How long it has been running, in milliseconds.
    pub uptime_ms: u64,
    /// When the document was written, in milliseconds of Unix time.
    pub as_of_ms: u64,
    /// How long ago the event loop last turned when the document was written, in milliseconds.
    pub written_at_loop_age_ms: u64,
    /// From which loop age on the daemon counts as stuck, in milliseconds: some of its heartbeat intervals.
    pub loop_stale_after_ms: u64,
}

impl State {
    /// The state of a pair with these problems: as bad as the worst of them.
    #[must_use]
    pub fn of<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> Self {
        match problems.into_iter().map(|problem| problem.severity).max() {
            None => Self::Healthy,
            Some(Severity::Degraded) => Self::Degraded,
            Some(Severity::Critical) => Self::Critical,
        }
    }
}

impl AddressStatus {
    /// Whether somebody means it by this: its allocation id, its public IP or its name.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        self.allocation_id == word
            || [&self.public_ip, &self.name]
                .into_iter()
                .flatten()
                .any(|name| name == word)
    }

    /// What people call it: the address itself, or its allocation while that is not known.
    #[must_use]
    pub fn label(&self) -> &str {
        self.public_ip.as_deref().unwrap_or(&self.allocation_id)
    }
}

impl AgentStatus {
    /// Whether the event loop had been standing still for so long that the document says nothing about the present.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.written_at_loop_age_ms > self.loop_stale_after_ms
    }
}

impl From<String> for HolderName {
    fn from(name: String) -> Self {
        match name.as_str() {
            "nobody" => Self::Nobody,
            "stranger" => Self::Stranger,
            "former" => Self::Former,
            "misplaced" => Self::Misplaced,
            _ => Self::Node(name),
        }
    }
}

impl From<HolderName> for String {
    fn from(holder: HolderName) -> Self {
        match holder {
            HolderName::Node(name) => name,
            HolderName::Nobody => "nobody".to_owned(),
            HolderName::Stranger => "stranger".to_owned(),
            HolderName::Former => "former".to_owned(),
            HolderName::Misplaced => "misplaced".to_owned(),
        }
    }
}

impl EndingCause {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Spot, Self::Autoscaling, Self::Maintenance, Self::Rebalance];

    /// Its name in the document.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Autoscaling => "autoscaling",
            Self::Maintenance => "maintenance",
            Self::Rebalance => "rebalance",
        }
    }
}

impl From<pair_core::EndingCause> for EndingCause {
    fn from(cause: pair_core::EndingCause) -> Self {
        match cause {
            pair_core::EndingCause::Spot => Self::Spot,
            pair_core::EndingCause::Autoscaling => Self::Autoscaling,
            pair_core::EndingCause::Maintenance => Self::Maintenance,
            pair_core::EndingCause::Rebalance => Self::Rebalance,
        }
    }
}

impl From<Source> for HolderSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Imds => Self::Imds,
            Source::Ec2 => Self::Ec2,
            Source::Reply => Self::Reply,
            Source::Peer => Self::Peer,
        }
    }
}
