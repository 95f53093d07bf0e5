//! A witness on the third host, and a pair that asks it (F-20).

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::bed::Testbed;
use super::contender::Contender;
use super::network::{NODE_A, NODE_B, ORIGIN};
use super::paird;
use crate::process::Process;

/// A witness that runs; dropped, it is dead.
pub(super) struct Witness {
    _process: Process,
}

impl Witness {
    /// Starts it, and the agents anew with a configuration that names it. They were content, and are again when this returns.
    pub(super) fn join(bed: &mut Testbed) -> Result<Self> {
        let Contender::Paird(profile) = bed.contender() else {
            bail!("there is no paird here");
        };
        let at = SocketAddr::from((ORIGIN.address, PORT));
        let key = paird::new_key(bed)?;
        paird::ask_witness(bed, profile, at, &key)?;
        let key_file = Path::new("/run/lab/witness-key");
        fs::write(key_file, &key).context("cannot write the key of the witness")?;
        fs::set_permissions(key_file, fs::Permissions::from_mode(0o600))
            .context("cannot close the key of the witness")?;
        let mut command = Command::new(bed.programs().own("paird"));
        command
            .args(["witness", "--listen", &at.to_string(), "--key-file"])
            .arg(key_file);
        let process = bed
            .third()
            .run(move || Process::start(command, Path::new("/run/lab/witness.log")))?;
        for (at, host) in [NODE_A, NODE_B].into_iter().enumerate() {
            bed.node_mut(host.name)?.kill_agent();
            bed.start_agent(at)?;
        }
        bed.settle()?;
        Ok(Self { _process: process })
    }

    /// Whether both nodes know that the witness has answered, or that it does not.
    pub(super) fn is_known(bed: &Testbed, answers: bool) -> bool {
        bed.nodes().iter().all(|node| {
            let status = paird::status(node);
            status.is_some_and(|status| status["witnesses"][0]["answers"] == answers)
        })
    }
}

const PORT: u16 = 7695;
