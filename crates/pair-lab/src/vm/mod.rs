//! `pair-lab vm`: the package where it is to live. Two machines with a kernel, systemd and cloud-init of their own, emulated by qemu,
//! become a pair; then happens to them what happens to hosts: power that fails, an agent that is stopped or restarted, a reboot, an
//! upgrade, a removal. What is said of each in `docs/OPERATING.md` must hold.
//!
//! ```text
//!   image (cache) ─ copied ─► disk ┐
//!   seed (ISO) ── user-data, .deb ─┤ qemu ── serial console ─► a file
//!   router's tap ── 10.0.1.10 ─────┤      └─ guest agent ◄──── the story's commands
//!                                  ┘
//! ```
//!
//! The image is made outside of the lab's enclosure, since that needs a Debian mirror; everything else happens within, on a
//! network that reaches nothing, with files on a tmpfs. There is no hardware virtualization to rely on: the processors are emulated,
//! many times slower than real ones, so the pair's timings are generous and nothing is said about speed.

mod cloud;
mod console;
mod ground;
mod guest_agent;
mod image;
mod machine;
mod seed;
mod stage;
mod story;
mod tools;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};
use rustix::process::geteuid;

use cloud::Cloud;
use image::Image;
use machine::{Machine, Parts, SEED};
use seed::Seed;
use stage::Stage;
use tools::Tools;

use crate::testbed::network::{Host, NODE_A, NODE_B};
use crate::testbed::place::ran;
use crate::testbed::programs::beside_this_program;
use crate::testbed::{INTERRUPTED, enclosure};
use crate::wait::Interrupt;

/// What the machines are made of.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The Debian package that is tried.
    #[arg(long, value_name = "FILE")]
    package: PathBuf,
    /// A word that every machine says on its console at each boot, to prove which run it was; by default a random one.
    #[arg(long, value_name = "WORD")]
    nonce: Option<String>,
    /// Where the image is kept; by default ~/.cache/paird.
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Keep what the consoles have shown in this folder.
    #[arg(long, value_name = "DIR")]
    consoles: Option<PathBuf>,
    /// Set by the lab itself when it has made its namespaces.
    #[arg(long, value_enum, hide = true)]
    inside: Option<enclosure::Role>,
}

/// Tells the story. Succeeds only if everything held.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    ensure!(
        geteuid().is_root(),
        "only root can make an image and put machines on a network"
    );
    let tools = Tools::find()?;
    ensure!(
        args.package.is_file(),
        "there is no package {}: cargo xtask package",
        args.package.display()
    );
    let cache = match (&args.cache, env::var_os("HOME")) {
        (Some(cache), _) => cache.clone(),
        (None, Some(home)) => Path::new(&home).join(".cache/paird"),
        (None, None) => anyhow::bail!("HOME is not set: --cache says where to keep the image"),
    };
    let image = Image::prepare(&cache, &tools)?;
    if let Some(code) = enclosure::enter(args.inside)? {
        return Ok(code);
    }
    let interrupt = Interrupt::listen()?;
    let nonce = match &args.nonce {
        Some(nonce) => nonce.clone(),
        None => random_word()?,
    };
    let cloud = Cloud::open()?;
    let workshop = Workshop {
        image,
        tools,
        package: args.package.clone(),
        key: generated_key()?,
        nonce: nonce.clone(),
        interrupt: interrupt.clone(),
    };
    let machines = [
        workshop.assemble(NODE_A, NODE_B, &cloud)?,
        workshop.assemble(NODE_B, NODE_A, &cloud)?,
    ];
    let mut stage = Stage::new(cloud, machines, interrupt.clone());
    let outcome = story::tell(&mut stage, &nonce);
    if let Some(folder) = &args.consoles {
        stage.keep_consoles(folder)?;
    }
    match outcome {
        Err(_) if interrupt.is_raised() => {
            eprintln!("interrupted");
            Ok(ExitCode::from(INTERRUPTED))
        }
        outcome => outcome.map(|()| ExitCode::SUCCESS),
    }
}

/// What both machines are made of.
struct Workshop {
    image: Image,
    tools: Tools,
    package: PathBuf,
    key: String,
    nonce: String,
    interrupt: Interrupt,
}

impl Workshop {
    /// Makes the machine of a node, with a seed of its own.
    fn assemble(&self, host: Host, peer: Host, cloud: &Cloud) -> Result<Machine> {
        let lab = cloud.lab();
        let node = lab.node(host.name)?;
        let folder = Path::new("/run/vm").join(host.name);
        fs::create_dir_all(&folder).context("cannot make a folder for a machine")?;
        let seed = Seed {
            host,
            peer,
            instance_id: &node.instance_id,
            mac: &node.mac,
            allocation_id: lab.allocation_id(),
            region: &lab.world().region,
            ec2: &lab.ec2_endpoint_of(host.name)?,
            key: &self.key,
            nonce: &self.nonce,
            package: &self.package,
        };
        seed.write(&folder.join(SEED), &self.tools)?;
        let parts = Parts {
            host,
            mac: node.mac.clone(),
            qemu: self.tools.qemu.clone(),
            image: self.image.clone(),
            folder,
        };
        Machine::assemble(parts, cloud.router(), &self.interrupt)
    }
}

/// A key for this pair, as an operator makes one.
fn generated_key() -> Result<String> {
    let made = ran(Command::new(beside_this_program()?.join("pairctl")).args(["key", "generate"]))?;
    let key = String::from_utf8(made.stdout).context("a key is a line of text")?;
    Ok(key.trim_end().to_owned())
}

/// A word that nobody has used before.
fn random_word() -> Result<String> {
    let word = fs::read_to_string("/proc/sys/kernel/random/uuid").context("the kernel gives nothing random")?;
    Ok(word.trim_end().to_owned())
}
