//! One machine: a qemu process with a disk, a seed, a leg of the router, and a serial console whose words are kept.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::Pid;

use super::console;
use super::guest_agent::{GuestAgent, Said};
use super::image::Image;
use crate::process::Process;
use crate::testbed::network::Host;
use crate::testbed::place::Place;
use crate::wait::Interrupt;

/// What a machine is put together from.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Its leg of the router.
    pub(crate) host: Host,
    /// The hardware address of its interface.
    pub(crate) mac: String,
    /// The program that emulates it.
    pub(crate) qemu: PathBuf,
    /// What is on its disk at first, and its kernel.
    pub(crate) image: Image,
    /// Where its files are; its seed is there already.
    pub(crate) folder: PathBuf,
}

/// A machine; dropped, its qemu is killed.
#[derive(Debug)]
pub(crate) struct Machine {
    parts: Parts,
    router: Arc<Place>,
    agent: GuestAgent,
    process: Option<Process>,
    /// How often it was switched on: each time has a console of its own.
    starts: u32,
}

impl Machine {
    /// Puts a machine together; it is off.
    ///
    /// # Errors
    /// If there is no room for its disk.
    pub(crate) fn assemble(parts: Parts, router: &Arc<Place>, interrupt: &Interrupt) -> Result<Self> {
        parts.image.copy_disk(&parts.folder.join(DISK))?;
        Ok(Self {
            agent: GuestAgent::by(&parts.folder.join(AGENT), interrupt),
            parts,
            router: Arc::clone(router),
            process: None,
            starts: 0,
        })
    }

    /// Switches it on.
    ///
    /// # Errors
    /// If qemu cannot be started.
    pub(crate) fn switch_on(&mut self) -> Result<()> {
        self.starts += 1;
        let log = self.parts.folder.join("qemu");
        let command = self.command();
        // Born at the router, where its leg is.
        let process = self.router.run(move || Process::start(command, &log))?;
        self.agent.hang_up();
        self.process = Some(process);
        Ok(())
    }

    /// Pulls the plug: qemu is killed by its pid, which is returned, and nothing in the machine learns of it.
    ///
    /// # Errors
    /// If it is off.
    pub(crate) fn pull_the_plug(&mut self) -> Result<Pid> {
        // Dropped at the end of this: that kills it.
        let process = self.process.take().context("the machine is off already")?;
        Ok(process.id())
    }

    /// Waits until the system has come up far enough to be asked.
    ///
    /// # Errors
    /// If it does not in time, with the end of what is on the console.
    pub(crate) fn await_agent(&mut self, patience: Duration) -> Result<()> {
        let outcome = self.agent.greet(patience);
        self.explained(outcome)
    }

    /// Runs a script of the shell as root to its end.
    ///
    /// # Errors
    /// If it does not end in time, with the end of what is on the console.
    pub(crate) fn run(&mut self, script: &str, patience: Duration) -> Result<Said> {
        let outcome = self.agent.run(script, patience);
        self.explained(outcome)
    }

    /// Starts a script of the shell as root, and does not wait.
    ///
    /// # Errors
    /// If the machine does not answer.
    pub(crate) fn start(&mut self, script: &str) -> Result<()> {
        let outcome = self.agent.start(script).map(drop);
        self.explained(outcome)
    }

    /// What its console has shown since it was last switched on.
    pub(crate) fn console(&self) -> String {
        let raw = fs::read(self.console_file(self.starts)).unwrap_or_default();
        console::plain(&String::from_utf8_lossy(&raw))
    }

    /// Where the console of each time that it was on is kept.
    pub(crate) fn console_files(&self) -> impl Iterator<Item = PathBuf> {
        (1..=self.starts).map(|start| self.console_file(start))
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.parts.host.name
    }

    /// Adds to an error what else is known: what qemu said if it has ended, else the end of the console.
    fn explained<T>(&mut self, outcome: Result<T>) -> Result<T> {
        let name = self.parts.host.name;
        outcome.map_err(|error| match &mut self.process {
            None => error.context(format!("machine {name} is off")),
            Some(process) => match process.check_alive("qemu") {
                Err(dead) => error.context(format!("machine {name}: {dead}")),
                Ok(()) => error.context(format!(
                    "machine {name}, whose console ends with\n{}",
                    self.console_end()
                )),
            },
        })
    }

    fn console_end(&self) -> String {
        let text = self.console();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(CONSOLE_LINES)..].join("\n")
    }

    fn console_file(&self, start: u32) -> PathBuf {
        self.parts.folder.join(format!("console-{start}"))
    }

    fn command(&self) -> Command {
        let Parts { host, mac, folder, .. } = &self.parts;
        let disk = |name: &str, options: &str| {
            let file = folder.join(name);
            format!("file={},format=raw,if=virtio,{options}", file.display())
        };
        let mut command = Command::new(&self.parts.qemu);
        command
            .args(["-name", host.name, "-no-user-config", "-nodefaults", "-display", "none"])
            .args(["-machine", "q35", "-accel", "tcg,tb-size=256", "-cpu", "max", "-smp", "1", "-m", MEMORY])
            .arg("-kernel")
            .arg(self.parts.image.kernel())
            .arg("-initrd")
            .arg(self.parts.image.initrd())
            .args(["-append", KERNEL_OPTIONS])
            // A killed qemu leaves what it has written, since the host lives on.
            .args(["-drive", &disk(DISK, "cache=unsafe")])
            .args(["-drive", &disk(SEED, "readonly=on")])
            .args(["-netdev", &format!("tap,id=net,ifname={},script=no,downscript=no", host.name)])
            .args(["-device", &format!("virtio-net-pci,netdev=net,mac={mac}")])
            .args(["-chardev", &format!("socket,id=agent,path={},server=on,wait=off", folder.join(AGENT).display())])
            .args(["-device", "virtio-serial-pci"])
            .args(["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"])
            .args(["-device", "virtio-rng-pci"])
            .args(["-serial", &format!("file:{}", self.console_file(self.starts).display())]);
        command
    }
}

/// The seed of a machine in its folder.
pub(crate) const SEED: &str = "seed";
const DISK: &str = "disk";
const AGENT: &str = "agent";

/// In MiB. Debian boots with less, but Python and the package manager run beside HAProxy in it.
const MEMORY: &str = "512";

/// The console is serial, and systemd says there what it starts. One network device has one name.
const KERNEL_OPTIONS: &str = "root=/dev/vda rw console=ttyS0 net.ifnames=0 systemd.show_status=1 mitigations=off";

/// How much of a console is shown when something went wrong.
const CONSOLE_LINES: usize = 40;
