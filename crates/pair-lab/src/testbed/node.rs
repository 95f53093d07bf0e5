//! A node of the pair: HAProxy and an agent, in a place of their own.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Signal, kill_process};

use super::files::Files;
use super::haproxy::{Haproxy, To};
use super::network::{self, Host};
use super::place::Place;
use super::programs::Programs;
use crate::process::Process;

/// A node; dropped, its processes are killed.
#[derive(Debug)]
pub(crate) struct Node {
    host: Host,
    place: Arc<Place>,
    files: Files,
    programs: Programs,
    haproxy: Option<Haproxy>,
    agent: Option<Process>,
}

impl Node {
    /// Makes a node on its legs of the router, with nothing running. `mac` is what its metadata service tells.
    pub(crate) fn found(router: &Place, host: Host, mac: &str, programs: &Programs) -> Result<Self> {
        let files = Files::make(host.name)?;
        let theirs = files.clone();
        let place = Arc::new(Place::found(host.name, move || theirs.move_in())?);
        network::connect(router, &place, host, Some(mac))?;
        place.ip(format!("addr add {}/24 dev eth0", host.second()))?;
        network::connect_second(router, &place, host)?;
        Ok(Self {
            host,
            place,
            files,
            programs: programs.clone(),
            haproxy: None,
            agent: None,
        })
    }

    /// Starts HAProxy unless it runs.
    pub(crate) fn start_haproxy(&mut self) -> Result<()> {
        if self.haproxy.is_none() {
            self.haproxy = Some(Haproxy::start(self)?);
        }
        Ok(())
    }

    /// Starts an agent in place of one that may run.
    pub(crate) fn start_agent(&mut self, command: Command) -> Result<()> {
        self.agent = None;
        self.agent = Some(self.start(command, AGENT)?);
        Ok(())
    }

    /// Kills HAProxy and agent, both before either is waited for.
    pub(crate) fn kill(&mut self) {
        if let Some(haproxy) = &self.haproxy {
            // It may have ended by itself.
            haproxy.signal(Signal::KILL, To::All).ok();
        }
        if let Some(agent) = &mut self.agent {
            let children = agent.children();
            agent.strike();
            for child in children {
                kill_process(child, Signal::KILL).ok();
            }
        }
        (self.haproxy, self.agent) = (None, None);
    }

    /// Kills HAProxy alone.
    pub(crate) fn kill_haproxy(&mut self) -> Result<()> {
        if let Some(haproxy) = self.haproxy.take() {
            haproxy.signal(Signal::KILL, To::All)?;
        }
        Ok(())
    }

    /// Kills the agent alone.
    pub(crate) fn kill_agent(&mut self) {
        self.agent = None;
    }

    /// Sends a signal to the agent.
    pub(crate) fn signal_agent(&self, signal: Signal) -> Result<()> {
        let agent = self.agent.as_ref().context("no agent runs")?;
        kill_process(agent.id(), signal).with_context(|| format!("cannot send {signal:?} to the agent"))
    }

    /// Forgets what an agent has kept on disk.
    pub(crate) fn wipe_state(&self) -> Result<()> {
        self.place.run(|| {
            for entry in std::fs::read_dir("/var/lib/paird")? {
                let path = entry?.path();
                if path.is_dir() {
                    std::fs::remove_dir_all(path)?;
                } else {
                    std::fs::remove_file(path)?;
                }
            }
            Ok(())
        })
    }

    /// Leaves no byte on the disk that has the state of an agent.
    pub(crate) fn fill_disk(&self) -> Result<()> {
        let written = self.place.run(|| {
            let mut file = File::create("/var/lib/paird/filler")?;
            std::io::copy(&mut std::io::repeat(0), &mut file)
        });
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
            Err(error) => Err(error).context("cannot fill the disk"),
            Ok(_) => bail!("the disk has no end"),
        }
    }

    /// How many connections HAProxy has, as it says itself.
    pub(crate) fn connections(&self) -> Result<u64> {
        let answer = self.place.run(|| -> std::io::Result<String> {
            let mut socket = UnixStream::connect("/run/haproxy/admin.sock")?;
            socket.set_read_timeout(Some(ANSWER_PATIENCE))?;
            socket.write_all(b"show info\n")?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer)?;
            Ok(answer)
        });
        let answer = answer.context("HAProxy does not say how many connections it has")?;
        let count = answer.lines().find_map(|line| line.strip_prefix("CurrConns: "));
        count
            .and_then(|count| count.trim().parse().ok())
            .context("HAProxy tells no CurrConns")
    }

    /// Whether an agent runs; one that has ended is forgotten.
    pub(crate) fn has_agent(&mut self) -> bool {
        if self
            .agent
            .as_mut()
            .is_some_and(|agent| agent.check_alive(AGENT).is_err())
        {
            self.agent = None;
        }
        self.agent.is_some()
    }

    /// Fails with what it printed if something of the node has ended by itself.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        let name = self.host.name;
        if let Some(haproxy) = &mut self.haproxy {
            haproxy.check_alive().with_context(|| format!("on node {name}"))?;
        }
        match &mut self.agent {
            Some(agent) => agent.check_alive(&format!("the agent of node {name}")),
            None => Ok(()),
        }
    }

    /// Starts a program on the node; what it prints is kept under this name.
    pub(crate) fn start(&self, command: Command, log: &str) -> Result<Process> {
        // Opened here, since the node sees other files under this path.
        let log = self.files.log(log);
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        self.place.run(move || Process::start_into(command, out, &log))
    }

    /// Runs a program on the node to its end.
    pub(crate) fn output(&self, command: Command) -> Result<Output> {
        self.place.output(command)
    }

    /// Runs `pairctl` on the node to its end.
    pub(crate) fn pairctl(&self, args: &[&str]) -> Result<Output> {
        let mut command = Command::new(self.programs.own("pairctl"));
        command.args(args);
        self.output(command)
    }

    /// What the agent has printed since its start.
    pub(crate) fn agent_log(&self) -> String {
        self.agent.as_ref().map(Process::printed).unwrap_or_default()
    }

    /// Where what the agent prints is kept, also when it is dead.
    pub(crate) fn agent_log_file(&self) -> PathBuf {
        self.files.log(AGENT)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.host.name
    }

    pub(crate) fn host(&self) -> Host {
        self.host
    }

    pub(crate) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// The agent that runs.
    pub(crate) fn agent(&self) -> Result<&Process> {
        self.agent.as_ref().context("no agent runs")
    }

    /// The HAProxy that runs.
    pub(crate) fn haproxy(&self) -> Result<&Haproxy> {
        self.haproxy.as_ref().context("no HAProxy runs")
    }
}

/// How long HAProxy may take to answer on its socket.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);

/// What the agent's output is kept under.
const AGENT: &str = "agent";
