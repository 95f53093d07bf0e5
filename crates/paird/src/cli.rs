//! The command line of `paird`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::config::DEFAULT_PATH;

/// Moves a pair's Elastic IP to the node that can serve it.
#[derive(Debug, Parser)]
#[command(name = "paird", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the agent in the foreground, as the service manager does.
    Run(Node),
    /// Check the configuration and the key file, and list everything that is wrong at once.
    Check(Node),
    /// Write the first configuration of this node, from its instance metadata and what is said here.
    Init(Box<Init>),
    /// Examine this node: everything that a takeover needs, without an agent, which may run or not.
    Doctor(Doctor),
    /// Be a witness for pairs that share a key, on a third host: pass their questions on, and the answers back.
    Witness(Witness),
}

/// Which configuration, and which node of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Node {
    /// The configuration, the same on both nodes.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    pub config: PathBuf,
    /// The name of this node; by default the node whose address this host has.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
}

/// Where to listen, and for whom.
#[derive(Debug, clap::Args)]
pub struct Witness {
    /// Address and UDP port to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:7695")]
    pub listen: SocketAddr,
    /// File with the key shared with the pairs, made by `pairctl key generate`.
    #[arg(long, value_name = "FILE", default_value = "/etc/paird/witness-key")]
    pub key_file: PathBuf,
}

/// What to examine, and how to tell.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Which node.
    #[command(flatten)]
    pub node: Node,
    /// Print the versioned JSON document.
    #[arg(long)]
    pub json: bool,
}

/// What a first configuration says beside what the instance knows of itself. Run on either node, it writes the same file.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Name of the pair.
    #[arg(long, value_name = "NAME")]
    pub pair: String,
    /// The Elastic IP: its allocation id, or the address itself, which EC2 is then asked about; with --discover it is by default
    /// found by the same tag.
    #[arg(long, value_name = "ALLOCATION|IP", required_unless_present = "discover")]
    pub address: Option<String>,
    /// Primary private IP of the other node.
    #[arg(long, value_name = "IP", required_unless_present = "discover")]
    pub peer: Option<Ipv4Addr>,
    /// Let the nodes be found by this tag in place of --peer: where instances are replaced, their addresses change.
    #[arg(
        long, value_name = "TAG", num_args = 0..=1, default_missing_value = "paird:pair",
        requires = "peer_zone", conflicts_with_all = ["peer", "peer_private_ip"]
    )]
    pub discover: Option<String>,
    /// Availability zone of the other node; that of this node is read from the instance metadata.
    #[arg(long, value_name = "ZONE", requires = "discover")]
    pub peer_zone: Option<String>,
    /// Private IP of a found node on which the Elastic IP lands: 0 its primary one, 1 the lowest of the others, and so on.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "discover")]
    pub private_ip_index: usize,
    /// Name of this node; without names, the node with the lower address, or zone, is "a" and the other one "b".
    #[arg(long, value_name = "NAME", requires = "peer_name")]
    pub name: Option<String>,
    /// Name of the other node.
    #[arg(long, value_name = "NAME", requires = "name")]
    pub peer_name: Option<String>,
    /// Private IP of the other node on which the Elastic IP lands, if that is not its primary one.
    #[arg(long, value_name = "IP")]
    pub peer_private_ip: Option<Ipv4Addr>,
    /// The same of this node; by default its only secondary private IP, if --peer-private-ip is given.
    #[arg(long, value_name = "IP", requires = "peer_private_ip")]
    pub private_ip: Option<Ipv4Addr>,
    /// Node that claims the address first when nobody holds it; by default the first by name.
    #[arg(long, value_name = "NAME")]
    pub preferred: Option<String>,
    /// Port of the service that is checked on this node and probed on the other.
    #[arg(long, value_name = "PORT", default_value_t = 80)]
    pub port: u16,
    /// Path that is asked there.
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub path: String,
    /// HAProxy's runtime socket.
    #[arg(long, value_name = "FILE", default_value = "/run/haproxy/paird.sock")]
    pub haproxy_socket: PathBuf,
    /// Check the port only: the service is not HAProxy.
    #[arg(long, conflicts_with = "haproxy_socket")]
    pub no_haproxy: bool,
    /// File with the shared key, made by `pairctl key generate`.
    #[arg(long, value_name = "FILE", default_value = "/etc/paird/key")]
    pub key_file: PathBuf,
    /// How soon a silent peer is presumed dead: default, fast or calm.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// URL of the EC2 API, such as that of an interface endpoint without private DNS.
    #[arg(long, value_name = "URL")]
    pub ec2_endpoint: Option<String>,
    /// URL of the instance metadata service.
    #[arg(long, value_name = "URL")]
    pub imds_endpoint: Option<String>,
    /// How long a metadata service that does not answer is asked again: at a boot it may be slow.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub imds_patience: Duration,
    /// The file to write.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    pub config: PathBuf,
    /// Replace a configuration that is there.
    #[arg(long, conflicts_with = "print")]
    pub force: bool,
    /// Print it and write nothing.
    #[arg(long)]
    pub print: bool,
}
