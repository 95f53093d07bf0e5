//! The stage: the cloud with two machines, what is done on them, and what is found to hold. All of it is printed as it happens.

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
pub(crate) struct Stage {
    // Fields end in this order: machines that ask before the cloud that answers.
    machines: [Machine; 2],
    cloud: Cloud,
    interrupt: Interrupt,
    began: Instant,
    held: u32,
}

/// Which of the two machines.
pub(crate) type At = usize;

impl Stage {
    /// Puts two machines, which are off, on the stage.
    pub(crate) fn new(cloud: Cloud, machines: [Machine; 2], interrupt: Interrupt) -> Self {
        Self {
            machines,
            cloud,
            interrupt,
            began: Instant::now(),
            held: 0,
        }
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

    /// Fails unless the node has taken the address because its peer wanted that, and not because the peer was silent.
    pub(crate) fn was_handed_over(&mut self, to: At) -> Result<()> {
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
    pub(crate) fn both_are_healthy(&mut self) -> Result<()> {
        for at in [A, B] {
            self.show(at, "pairctl wait --healthy --timeout 10m")?;
        }
        for at in [A, B] {
            self.show(at, "pairctl status")?;
        }
        Ok(())
    }

    /// Waits until EC2 has the address on this node, and a client of the address is answered by it.
    pub(crate) fn is_served_by(&mut self, at: At) -> Result<()> {
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

    /// Fails unless the address has been put somewhere so many times since then.
    pub(crate) fn has_moved(&mut self, since: usize, times: usize) -> Result<()> {
        let moves = self.cloud.moves() - since;
        ensure!(moves == times, "the address has moved {moves} times, not {times}");
        self.holds(match times {
            0 => "the address has not moved",
            _ => "the address has moved once",
        });
        Ok(())
    }

    /// How often the address has been put somewhere.
    pub(crate) fn moves(&self) -> usize {
        self.cloud.moves()
    }

    /// Which machine EC2 has the address on.
    pub(crate) fn holder(&self) -> Result<At> {
        let holder = self.cloud.holder().context("nobody holds the address")?;
        let at = [A, B].into_iter().find(|&at| self.name(at) == holder);
        at.with_context(|| format!("{holder} is no machine"))
    }

    /// The process of the agent, as systemd has it.
    pub(crate) fn agent_process(&mut self, at: At) -> Result<String> {
        self.ask(at, "systemctl show --property MainPID paird.service")
    }

    /// Waits until what a command prints has a text in it; how it ends does not matter.
    pub(crate) fn await_in(&mut self, at: At, command: &str, text: &str) -> Result<()> {
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
    pub(crate) fn show(&mut self, at: At, command: &str) -> Result<()> {
        let said = self.look(at, command)?;
        ensure!(said.is_success(), "on {}: {command}: {said}", self.name(at));
        self.held += 1;
        Ok(())
    }

    /// Runs a command and shows what it prints, however it ends.
    pub(crate) fn look(&mut self, at: At, command: &str) -> Result<Said> {
        println!("{}# {command}", self.name(at));
        let said = self.machines[at].run(command, COMMAND_PATIENCE)?;
        for line in said.text.lines() {
            println!("      {line}");
        }
        Ok(said)
    }

    /// Runs a command and gives what it prints, which is not shown.
    pub(crate) fn ask(&mut self, at: At, command: &str) -> Result<String> {
        let said = self.machines[at].run(command, STEP_PATIENCE)?;
        ensure!(said.is_success(), "on {}: {command}: {said}", self.name(at));
        Ok(said.text)
    }

    /// Begins a step.
    pub(crate) fn chapter(&self, title: &str) {
        println!("\n== {title} ({})", self.time());
    }

    /// Writes down that something was found to hold.
    pub(crate) fn holds(&mut self, statement: &str) {
        self.held += 1;
        println!("  ok  {statement}");
    }

    /// How much was found to hold.
    pub(crate) fn held(&self) -> u32 {
        self.held
    }

    /// How long it has lasted, in minutes and seconds.
    pub(crate) fn time(&self) -> String {
        let seconds = self.began.elapsed().as_secs();
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }

    /// The machine itself.
    pub(crate) fn machine(&mut self, at: At) -> &mut Machine {
        &mut self.machines[at]
    }

    /// Its name.
    pub(crate) fn name(&self, at: At) -> &'static str {
        self.machines[at].name()
    }
}

/// The other one.
pub(crate) fn other(at: At) -> At {
    1 - at
}

pub(crate) const A: At = 0;
pub(crate) const B: At = 1;

/// How long one command may take; longer than any time-out that a command is given.
const COMMAND_PATIENCE: Duration = Duration::from_secs(12 * 60);

/// How long something may take that a real machine does in seconds.
const STEP_PATIENCE: Duration = Duration::from_secs(5 * 60);
