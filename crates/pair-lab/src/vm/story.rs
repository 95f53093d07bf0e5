//! The story, step by step, and what must hold after each. All of it is printed as it happens.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::cloud::Cloud;
use super::console;
use super::guest_agent::Said;
use super::machine::Machine;
use crate::testbed::network::ELASTIC_IP;
use crate::wait::Interrupt;

/// Two machines in a cloud, and how often something was found to hold.
#[derive(Debug)]
pub(crate) struct Story {
    // Fields end in this order: machines that ask before the cloud that answers.
    machines: [Machine; 2],
    cloud: Cloud,
    nonce: String,
    interrupt: Interrupt,
    began: Instant,
    held: u32,
}

/// Which of the two machines.
type At = usize;

impl Story {
    /// Opens the story: both machines are off.
    pub(crate) fn begin(cloud: Cloud, machines: [Machine; 2], nonce: String, interrupt: Interrupt) -> Self {
        Self {
            machines,
            cloud,
            nonce,
            interrupt,
            began: Instant::now(),
            held: 0,
        }
    }

    /// Tells it to the end, or to what does not hold.
    ///
    /// # Errors
    /// What did not hold.
    pub(crate) fn tell(&mut self) -> Result<()> {
        println!("nonce of this run: {}", self.nonce);
        self.first_boot()?;
        let holder = self.they_form_a_pair()?;
        let holder = self.power_fails(holder)?;
        self.the_agent_is_stopped(holder)?;
        self.the_agent_is_restarted(holder)?;
        let holder = self.the_host_reboots(holder)?;
        self.the_package_is_upgraded(holder)?;
        self.the_package_is_removed(holder)?;
        println!(
            "\nthe story of nonce {} is told in {}: {} held, nothing failed",
            self.nonce,
            self.time(),
            self.held
        );
        Ok(())
    }

    /// Copies what the consoles have shown into a folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn keep_consoles(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for machine in &self.machines {
            for (number, file) in (1..).zip(machine.console_files()) {
                let kept = folder.join(format!("{}-{number}.log", machine.name()));
                fs::copy(&file, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
            }
        }
        Ok(())
    }

    fn first_boot(&mut self) -> Result<()> {
        self.chapter("both machines are switched on for the first time");
        for machine in &mut self.machines {
            machine.switch_on()?;
        }
        for at in [A, B] {
            self.machines[at].await_agent(BOOT_PATIENCE)?;
            let outcome = self.machines[at].run("cloud-init status --wait --long", BOOT_PATIENCE)?;
            let console = self.machines[at].console();
            for (what, line) in [
                ("systemd[1]", console::first_line(&console, "systemd[1]")),
                (
                    "the nonce",
                    console::last_line(&console, &format!("nonce: {}", self.nonce)),
                ),
                (
                    "the last line of cloud-init",
                    console::last_line(&console, "finished at"),
                ),
            ] {
                let line = line.with_context(|| format!("{what} is not on the console:\n{console}"))?;
                self.holds(&format!("the console of {} has {what}", self.name(at)));
                println!("      {}", line.trim());
            }
            let name = self.name(at);
            ensure!(
                outcome.text.contains("status: done"),
                "cloud-init on {name}: {outcome}\n{console}"
            );
            self.holds(&format!("cloud-init is done on {name}"));
            self.show(at, "cat /proc/1/comm /sys/devices/virtual/dmi/id/product_name")?;
            self.show(at, "dpkg --status paird | sed '/^Description/,$d'")?;
            self.show(at, "systemctl is-active haproxy.service paird.service")?;
        }
        Ok(())
    }

    fn they_form_a_pair(&mut self) -> Result<At> {
        self.chapter("they form a pair");
        self.both_are_healthy()?;
        let holder = self.holder()?;
        self.is_served_by(holder)?;
        Ok(holder)
    }

    fn power_fails(&mut self, holder: At) -> Result<At> {
        let (name, other) = (self.name(holder), other(holder));
        self.chapter(&format!("the power of {name}, which holds the address, fails"));
        let moves = self.cloud.moves();
        let qemu = self.machines[holder].pull_the_plug()?;
        println!("      qemu of {name} is killed: pid {}", qemu.as_raw_nonzero());
        self.show(other, "pairctl wait --active --timeout 10m")?;
        self.is_served_by(other)?;
        self.has_moved(moves, 1)?;
        // Degraded: there is no standby.
        self.look(other, "pairctl status")?;
        self.show(other, "pairctl why | tail -n 12")?;

        self.chapter(&format!("{name} is switched on again"));
        self.machines[holder].switch_on()?;
        self.machines[holder].await_agent(BOOT_PATIENCE)?;
        self.both_are_healthy()?;
        self.has_moved(moves, 1)?;
        self.is_served_by(other)?;
        Ok(other)
    }

    fn the_agent_is_stopped(&mut self, holder: At) -> Result<()> {
        let name = self.name(holder);
        self.chapter(&format!("systemctl stop paird on {name}, which holds the address"));
        let moves = self.cloud.moves();
        self.show(holder, "systemctl stop paird.service")?;
        self.show(holder, "systemctl is-active paird-leave.service haproxy.service")?;
        self.await_in(other(holder), "pairctl status", "silent-but-serving")?;
        self.look(other(holder), "pairctl status")?;
        self.has_moved(moves, 0)?;
        self.is_served_by(holder)?;
        self.show(holder, "systemctl start paird.service")?;
        self.both_are_healthy()?;
        self.has_moved(moves, 0)
    }

    fn the_agent_is_restarted(&mut self, holder: At) -> Result<()> {
        let name = self.name(holder);
        self.chapter(&format!("systemctl restart paird on {name}, which holds the address"));
        let moves = self.cloud.moves();
        let before = self.agent_process(holder)?;
        self.show(holder, "systemctl restart paird.service")?;
        ensure!(self.agent_process(holder)? != before, "it is the same process");
        self.holds("it is another process");
        self.both_are_healthy()?;
        self.has_moved(moves, 0)?;
        self.is_served_by(holder)
    }

    fn the_host_reboots(&mut self, holder: At) -> Result<At> {
        let (name, other) = (self.name(holder), other(holder));
        self.chapter(&format!("systemctl reboot on {name}, which holds the address"));
        let moves = self.cloud.moves();
        let boot = self.ask(holder, "cat /proc/sys/kernel/random/boot_id")?;
        println!("{name}# systemctl reboot");
        self.machines[holder].start("systemctl reboot")?;
        self.show(other, "pairctl wait --active --timeout 10m")?;
        self.is_served_by(other)?;
        self.was_handed_over(other)?;
        let deadline = Instant::now() + BOOT_PATIENCE;
        loop {
            self.machines[holder].await_agent(BOOT_PATIENCE)?;
            // It may be going down still, and not answer to the end.
            let now = self.machines[holder].run("cat /proc/sys/kernel/random/boot_id", STEP_PATIENCE);
            if now.is_ok_and(|now| now.is_success() && now.text != boot) {
                break;
            }
            ensure!(Instant::now() < deadline, "{name} has not booted again");
        }
        self.holds(&format!("{name} has booted again"));
        self.both_are_healthy()?;
        self.has_moved(moves, 1)?;
        self.is_served_by(other)?;
        Ok(other)
    }

    fn the_package_is_upgraded(&mut self, holder: At) -> Result<()> {
        let name = self.name(holder);
        self.chapter(&format!("the package is upgraded on {name}, which holds the address"));
        let moves = self.cloud.moves();
        let before = self.agent_process(holder)?;
        let files = self.ask(holder, "sha256sum /etc/paird/paird.toml /etc/paird/key")?;
        self.show(holder, NEXT_VERSION)?;
        self.show(holder, "dpkg --install /var/tmp/next.deb")?;
        self.show(holder, "dpkg-query --show paird")?;
        ensure!(self.agent_process(holder)? != before, "the old process still runs");
        self.holds("the agent runs anew");
        let now = self.ask(holder, "sha256sum /etc/paird/paird.toml /etc/paird/key")?;
        ensure!(now == files, "configuration or key has changed:\n{files}{now}");
        self.holds("configuration and key are as they were");
        self.both_are_healthy()?;
        self.has_moved(moves, 0)?;
        self.is_served_by(holder)
    }

    fn the_package_is_removed(&mut self, holder: At) -> Result<()> {
        let (name, other) = (self.name(holder), other(holder));
        self.chapter(&format!("the package is removed from {name}, which holds the address"));
        let moves = self.cloud.moves();
        self.show(holder, "dpkg --remove paird")?;
        self.is_served_by(other)?;
        self.has_moved(moves, 1)?;
        self.was_handed_over(other)?;
        self.show(holder, "! pgrep --exact --list-full paird")?;
        self.show(holder, "! systemctl is-active paird.service paird-leave.service")?;
        self.show(
            holder,
            "test ! -e /usr/bin/paird && ls -l /etc/paird/paird.toml /etc/paird/key",
        )?;
        self.await_in(other, "pairctl status", "peer-silent")?;
        self.show(holder, "dpkg --purge paird")?;
        self.show(holder, "test ! -e /etc/paird && test ! -e /var/lib/paird")?;
        self.is_served_by(other)?;
        self.has_moved(moves, 1)
    }

    /// Whether the node has taken the address because its peer wanted that, and not because the peer was silent.
    fn was_handed_over(&mut self, to: At) -> Result<()> {
        self.show(to, "pairctl why | tail -n 12")?;
        let why = self.ask(to, "pairctl why")?;
        let last = console::last_line(&why, "takeover").unwrap_or_default();
        ensure!(
            last.ends_with("by rule F-6b"),
            "the last takeover was no hand-over: {last}"
        );
        self.holds("it was handed over, by rule F-6b");
        Ok(())
    }

    /// Waits until both nodes call the pair healthy, and shows what they say.
    fn both_are_healthy(&mut self) -> Result<()> {
        for at in [A, B] {
            self.show(at, "pairctl wait --healthy --timeout 10m")?;
        }
        for at in [A, B] {
            self.show(at, "pairctl status")?;
        }
        Ok(())
    }

    /// Waits until EC2 has the address on this node, and a client of the address is answered by it.
    fn is_served_by(&mut self, at: At) -> Result<()> {
        let name = self.name(at);
        let cloud = &self.cloud;
        self.interrupt
            .until(&format!("{name} serves the address"), STEP_PATIENCE, || {
                let is_there = cloud.holder().as_deref() == Some(name);
                let answers = cloud.answering_node();
                Ok((is_there && answers.as_deref() == Some(name)).then_some(()))
            })?;
        self.holds(&format!(
            "EC2 has {ELASTIC_IP} on {name}, whose HAProxy answers a client of it"
        ));
        Ok(())
    }

    fn has_moved(&mut self, since: usize, times: usize) -> Result<()> {
        let moves = self.cloud.moves() - since;
        ensure!(moves == times, "the address has moved {moves} times, not {times}");
        self.holds(match times {
            0 => "the address has not moved",
            _ => "the address has moved once",
        });
        Ok(())
    }

    fn holder(&self) -> Result<At> {
        let holder = self.cloud.holder().context("nobody holds the address")?;
        let at = [A, B].into_iter().find(|&at| self.name(at) == holder);
        at.with_context(|| format!("{holder} is no machine"))
    }

    /// The process of the agent, as systemd has it.
    fn agent_process(&mut self, at: At) -> Result<String> {
        self.ask(at, "systemctl show --property MainPID paird.service")
    }

    /// Waits until what a command prints has a text in it; how it ends does not matter.
    fn await_in(&mut self, at: At, command: &str, text: &str) -> Result<()> {
        let deadline = Instant::now() + STEP_PATIENCE;
        loop {
            let said = self.machines[at].run(command, STEP_PATIENCE)?;
            if said.text.contains(text) {
                break;
            }
            if Instant::now() > deadline {
                bail!("{command:?} on {} does not say {text:?}: {said}", self.name(at));
            }
        }
        self.holds(&format!("{command} on {} says {text}", self.name(at)));
        Ok(())
    }

    /// Runs a command, shows what it prints, and fails if it does not succeed.
    fn show(&mut self, at: At, command: &str) -> Result<()> {
        let said = self.look(at, command)?;
        ensure!(said.is_success(), "on {}: {command}: {said}", self.name(at));
        self.held += 1;
        Ok(())
    }

    /// Runs a command and shows what it prints, however it ends.
    fn look(&mut self, at: At, command: &str) -> Result<Said> {
        println!("{}# {command}", self.name(at));
        let said = self.machines[at].run(command, COMMAND_PATIENCE)?;
        for line in said.text.lines() {
            println!("      {line}");
        }
        Ok(said)
    }

    /// Runs a command and gives what it prints, which is not shown.
    fn ask(&mut self, at: At, command: &str) -> Result<String> {
        let said = self.machines[at].run(command, STEP_PATIENCE)?;
        ensure!(said.is_success(), "on {}: {command}: {said}", self.name(at));
        Ok(said.text)
    }

    fn chapter(&self, title: &str) {
        println!("\n== {title} ({})", self.time());
    }

    fn holds(&mut self, statement: &str) {
        self.held += 1;
        println!("  ok  {statement}");
    }

    fn time(&self) -> String {
        let seconds = self.began.elapsed().as_secs();
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }

    fn name(&self, at: At) -> &'static str {
        self.machines[at].name()
    }
}

fn other(at: At) -> At {
    1 - at
}

const A: At = 0;
const B: At = 1;

/// The package of the seed again, with a version that is the next one.
const NEXT_VERSION: &str = "set -e
rm -rf /var/tmp/next
dpkg-deb --raw-extract /seed/paird.deb /var/tmp/next
sed -i '/^Version:/s/$/+next/' /var/tmp/next/DEBIAN/control
dpkg-deb -Znone --build /var/tmp/next /var/tmp/next.deb";

/// How long a machine may take to boot and to become a node: some minutes on a host that has other things to do.
const BOOT_PATIENCE: Duration = Duration::from_secs(20 * 60);

/// How long one command may take; longer than any time-out that a command is given.
const COMMAND_PATIENCE: Duration = Duration::from_secs(12 * 60);

/// How long something else may take that a real machine does in seconds.
const STEP_PATIENCE: Duration = Duration::from_secs(5 * 60);
