//! The files of a pair: `paird.toml` for each node, and the keys.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::binaries;
use crate::quarter::Quarter;

/// The name of every pair, unless a test gives a node another.
pub const PAIR_NAME: &str = "e2e";

/// The tag by which members and address are found, where they are.
pub const TAG: (&str, &str) = ("paird:pair", PAIR_NAME);

/// The port of the services, on the private addresses and the published one.
pub const PORT: u16 = 8080;

/// The port of the heartbeats, unless a test configures another.
pub(crate) const HEARTBEAT_PORT: u16 = 7694;

/// The port of the metrics, on the private addresses: on hosts of their own both would take the default.
pub(crate) const METRICS_PORT: u16 = 9694;

/// What one node's file is made of. The two files of a pair differ in sockets, and in what a test wants to differ.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) pair: String,
    pub(crate) check: String,
    pub(crate) probe: String,
    pub(crate) key_file: PathBuf,
    pub(crate) control_socket: PathBuf,
    /// Where EC2 and IMDS are, unless the environment says.
    pub(crate) endpoints: Option<[String; 2]>,
    /// The ends of more paths at each node.
    pub(crate) more_ends: [Vec<IpAddr>; 2],
    /// Whole tables.
    pub(crate) more: String,
    /// Whether nodes and address are found by their tag.
    pub(crate) is_found: bool,
}

impl Config {
    /// Writes the file of the node at `index`.
    pub(crate) fn write(&self, index: u8, quarter: &Quarter, allocation_id: &str, file: &Path) {
        let Self {
            pair,
            check,
            probe,
            key_file,
            control_socket,
            endpoints,
            more_ends,
            more,
            is_found,
        } = self;
        let addresses = |index: u8| {
            let first = IpAddr::V4(quarter.private_ip(index));
            let all = std::iter::once(&first).chain(&more_ends[usize::from(index)]);
            all.map(|address| format!("\"{address}\""))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let endpoints = endpoints.as_ref().map_or_else(String::new, |[ec2, imds]| {
            format!("[ec2]\nendpoint = \"{ec2}\"\nimds_endpoint = \"{imds}\"\n")
        });
        let places = if *is_found {
            let (key, _) = TAG;
            format!(
                "[[node]]\nname = \"a\"\nzone = \"us-east-1a\"\n[[node]]\nname = \"b\"\nzone = \"us-east-1b\"\n\
                 [discovery]\ntag = \"{key}\"\n[[address]]\ntag = \"{key}\"\n"
            )
        } else {
            let [a, b] = [0, 1].map(addresses);
            format!(
                "[[node]]\nname = \"a\"\naddresses = [{a}]\n[[node]]\nname = \"b\"\naddresses = [{b}]\n\
                 [[address]]\nallocation_id = \"{allocation_id}\"\n"
            )
        };
        let text = format!(
            "pair = \"{pair}\"\n\
             {places}\
             [check]\n{check}\n\
             [probe]\n{probe}\n\
             [security]\nkey_file = \"{key_file}\"\n\
             [control]\nsocket = \"{control_socket}\"\n\
             [state]\ndirectory = \"{state}\"\n\
             [metrics]\nlisten = \"{metrics}:{METRICS_PORT}\"\n\
             [log]\nformat = \"text\"\n\
             {endpoints}{more}\n",
            metrics = quarter.private_ip(index),
            key_file = key_file.display(),
            control_socket = control_socket.display(),
            state = control_socket.with_extension("state").display(),
        );
        fs::write(file, text).expect("a file can be written to a temporary folder");
    }
}

/// The table of a second address, which prefers the second node.
pub(crate) fn second_address(quarter: &Quarter, allocation_id: &str) -> String {
    let [a, b] = [0, 1].map(|index| quarter.second_private_ip(index));
    format!(
        "[[address]]\nname = \"second\"\nallocation_id = \"{allocation_id}\"\n\
         private_ips = {{ a = \"{a}\", b = \"{b}\" }}\npreferred = \"b\"\n"
    )
}

/// Writes a key file with a new key.
pub(crate) fn new_key(file: &Path) {
    let made = binaries::pairctl(&["key", "generate"]);
    assert_eq!(made.code, Some(0), "pairctl key generate: {made:?}");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(file)
        .and_then(|mut file| file.write_all(made.stdout.as_bytes()))
        .expect("a file can be written to a temporary folder");
}
