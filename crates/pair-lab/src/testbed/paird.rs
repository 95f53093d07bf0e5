//! paird as a contender: configured as its documentation says, and asked by `pairctl`.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::bed::Testbed;
use super::contender::{Contender, Profile};
use super::network::{Host, NODE_A, NODE_B};
use super::node::Node;
use super::place::ran;

/// Writes the same configuration and key on both nodes.
pub(super) fn prepare(bed: &Testbed, profile: Profile) -> Result<()> {
    let config = config(bed.lab().allocation_id(), profile);
    let key = new_key(bed)?;
    for node in bed.nodes() {
        node.files().write("paird.toml", &config, 0o644)?;
        node.files().write("key", &key, 0o600)?;
    }
    Ok(())
}

/// Writes a configuration with this table of a second address, or without one again; agents have to be restarted.
pub(super) fn prepare_second(bed: &Testbed, allocation_id: Option<&str>) -> Result<()> {
    let Contender::Paird(profile) = bed.contender() else {
        bail!("nobody but paird serves two addresses here");
    };
    let second = allocation_id.map(|allocation_id| {
        let (a, b) = (NODE_A.second(), NODE_B.second());
        format!(
            "[[address]]\nname = \"second\"\nallocation_id = \"{allocation_id}\"\n\
             private_ips = {{ a = \"{a}\", b = \"{b}\" }}\npreferred = \"b\"\n"
        )
    });
    let config = config(bed.lab().allocation_id(), profile) + &second.unwrap_or_default();
    for node in bed.nodes() {
        node.files().write("paird.toml", &config, 0o644)?;
    }
    Ok(())
}

/// Writes a configuration with a second path for heartbeats; agents have to be restarted.
pub(super) fn prepare_two_paths(bed: &Testbed) -> Result<()> {
    let Contender::Paird(profile) = bed.contender() else {
        bail!("nobody but paird has several paths here");
    };
    let ends = |host: Host| vec![host.address, host.on_second_leg()];
    let config = config_between(ends, bed.lab().allocation_id(), profile);
    for node in bed.nodes() {
        node.files().write("paird.toml", &config, 0o644)?;
    }
    Ok(())
}

/// Makes a key.
pub(super) fn new_key(bed: &Testbed) -> Result<String> {
    let key = ran(Command::new(bed.programs().own("pairctl")).args(["key", "generate"]))?.stdout;
    String::from_utf8(key).context("a key is a line of text")
}

/// Has both nodes ask a witness from their next start on, and probe nothing: no other than the witness can tell a living peer from a
/// dead one.
pub(super) fn ask_witness(bed: &Testbed, profile: Profile, witness: SocketAddr, key: &str) -> Result<()> {
    let config = config(bed.lab().allocation_id(), profile).replace(PROBE, "[probe]\nnone = true");
    let config = format!("{config}[witness]\naddresses = [\"{witness}\"]\nkey_file = \"/run/witness-key\"\n");
    for node in bed.nodes() {
        node.files().write("witness-key", key, 0o600)?;
        node.files().write("paird.toml", &config, 0o644)?;
    }
    Ok(())
}

/// Writes a configuration that finds its members, and one key, on both nodes and on the instance that comes after `b`.
pub(super) fn prepare_to_find(bed: &Testbed) -> Result<()> {
    let Contender::Paird(profile) = bed.contender() else {
        bail!("there is no paird here");
    };
    let (key, _) = TAG;
    let places = format!(
        "[[node]]\nname = \"a\"\nzone = \"us-east-1a\"\n[[node]]\nname = \"b\"\nzone = \"us-east-1b\"\n\
         [discovery]\ntag = \"{key}\"\n[[address]]\ntag = \"{key}\"\n"
    );
    let config = config_of(&places, profile);
    let mut command = Command::new("cat");
    command.arg("/run/key");
    let key = String::from_utf8(bed.nodes()[0].output(command)?.stdout).context("a key is a line of text")?;
    for node in bed.nodes().iter().chain([bed.successor()]) {
        node.files().write("paird.toml", &config, 0o644)?;
        node.files().write("key", &key, 0o600)?;
    }
    Ok(())
}

fn config(allocation_id: &str, profile: Profile) -> String {
    config_between(|host| vec![host.address], allocation_id, profile)
}

/// The configuration with heartbeats between these addresses of each node.
fn config_between(ends: fn(Host) -> Vec<Ipv4Addr>, allocation_id: &str, profile: Profile) -> String {
    let nodes = [NODE_A, NODE_B].map(|host| {
        let addresses: Vec<String> = ends(host).iter().map(|end| format!("\"{end}\"")).collect();
        let (name, addresses) = (host.name, addresses.join(", "));
        format!("[[node]]\nname = \"{name}\"\naddresses = [{addresses}]\n")
    });
    let nodes = nodes.concat();
    config_of(
        &format!("{nodes}[[address]]\nallocation_id = \"{allocation_id}\"\n"),
        profile,
    )
}

/// The configuration with nodes and address at these places.
fn config_of(places: &str, profile: Profile) -> String {
    format!(
        "pair = \"lab\"\n{places}\
         [heartbeat]\nprofile = \"{profile}\"\n\
         [check]\nhaproxy = {{ socket = \"/run/haproxy/paird.sock\" }}\nhttp = {{ port = 8404, path = \"/health\" }}\n\
         {PROBE}\n\
         [security]\nkey_file = \"/run/key\"\n[log]\nformat = \"json\"\n",
        profile = profile.name(),
    )
}

/// The daemon, with EC2 elsewhere and IMDS where it always is; as nice as its unit lets it be.
pub(super) fn command(bed: &Testbed, node: &Node) -> Result<Command> {
    let mut command = Command::new("nice");
    command
        .args(["-n", "-10"])
        .arg(bed.programs().own("paird"))
        .args(["run", "--config", "/run/paird.toml"])
        .env_clear()
        .env("PATH", SEARCH_PATH)
        .env("AWS_ENDPOINT_URL_EC2", bed.lab().ec2_endpoint_of(node.name())?);
    Ok(command)
}

/// Has both agents prove at once that they could take the address, by a reload that changes how they call EC2.
pub(super) fn order_rehearsal(bed: &Testbed) -> Result<()> {
    reconfigure(bed, "[ec2]\ncall_timeout = \"2900ms\"\n")
}

/// Adds this to the configuration, whatever was added before, and has both agents read it.
pub(super) fn reconfigure(bed: &Testbed, more: &str) -> Result<()> {
    let Contender::Paird(profile) = bed.contender() else {
        bail!("there is no paird here");
    };
    let config = config(bed.lab().allocation_id(), profile) + more;
    for node in bed.nodes() {
        node.files().write("paird.toml", &config, 0o644)?;
        let output = node.pairctl(&["reload"])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "no reload on {}: {said}", node.name());
    }
    Ok(())
}

/// Whether both nodes call the pair healthy.
pub(super) fn is_settled(bed: &Testbed) -> bool {
    let is_healthy = |node: &Node| node.pairctl(&["status"]).is_ok_and(|out| out.status.success());
    bed.nodes().iter().all(is_healthy)
}

/// The status document of a node, if its agent answers.
pub(super) fn status(node: &Node) -> Option<Value> {
    let out = node.pairctl(&["status", "--json"]).ok()?;
    serde_json::from_slice(&out.stdout).ok()
}

/// The tag of members and address, in the scenarios in which they are found.
pub(super) const TAG: (&str, &str) = ("paird:pair", "lab");

const PROBE: &str = "[probe]\nhttp = { port = 8404, path = \"/health\" }";
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
