//! A third host that is a witness for a pair.

use std::net::Ipv4Addr;
use std::path::Path;

use crate::binaries::binary;
use crate::process::Process;

/// The port of every witness.
pub(crate) const WITNESS_PORT: u16 = 7695;

/// The name of the file with the key that a pair shares with its witness.
pub(crate) const WITNESS_KEY: &str = "witness-key";

/// Starts `paird witness`; does not wait for anything.
pub(crate) fn start(at: Ipv4Addr, key_file: &Path, log: &Path) -> Process {
    let mut witness = binary("paird");
    let listen = format!("{at}:{WITNESS_PORT}");
    witness
        .args(["witness", "--listen", &listen, "--key-file"])
        .arg(key_file);
    Process::start("paird witness", &mut witness, log)
}
