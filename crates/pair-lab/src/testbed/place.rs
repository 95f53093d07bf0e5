//! A place: a network namespace with its own view of the file system, and a thread that does there what it is told.
//!
//! Namespaces belong to threads. What a place's thread starts, processes and other threads alike, is born in the place and
//! stays there, so nothing has to be named, bound to a path, or removed afterwards: a place ends with the last of them.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context as _, Result, bail};
use nix::sched::{CloneFlags, unshare};
use rustix::process::getpid;
use rustix::thread::gettid;

/// A place; its thread ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    name: &'static str,
    jobs: mpsc::Sender<Job>,
    network: PathBuf,
}

type Job = Box<dyn FnOnce() + Send>;

impl Place {
    /// Makes a place with an empty network, but for its loopback device, and lets `furnish` change its view of the file system.
    pub(crate) fn found(name: &'static str, furnish: impl FnOnce() -> Result<()> + Send + 'static) -> Result<Self> {
        Self::start(name, move || {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).context("cannot make namespaces")?;
            furnish()?;
            ran(Command::new("ip").args(["link", "set", "lo", "up"])).map(drop)
        })
    }

    /// Makes another thread in the same place, for somebody who must not wait until this one is free.
    pub(crate) fn second_thread(&self) -> Result<Self> {
        let name = self.name;
        self.run(move || Self::start(name, || Ok(())))
    }

    fn start(name: &'static str, prepare: impl FnOnce() -> Result<()> + Send + 'static) -> Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (ready, prepared) = mpsc::channel();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let outcome = prepare();
            let network = format!("/proc/{}/task/{}/ns/net", getpid(), gettid());
            let is_ready = outcome.is_ok();
            // Nobody waits any more if the lab was given up meanwhile.
            ready.send(outcome.map(|()| network.into())).ok();
            if is_ready {
                queue.iter().for_each(|job| job());
            }
        })?;
        let network = prepared
            .recv()
            .with_context(|| format!("the thread of {name} ended"))?
            .with_context(|| format!("cannot make the place {name}"))?;
        Ok(Self { name, jobs, network })
    }

    /// Does something in the place and waits for its outcome.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, outcome) = mpsc::sync_channel(1);
        let job = Box::new(move || {
            done.send(job()).ok();
        });
        self.jobs.send(job).expect("the thread lives as long as its place");
        outcome.recv().expect("a job does not panic")
    }

    /// Runs a program in the place, and gives what it printed.
    pub(crate) fn output(&self, mut command: Command) -> Result<Output> {
        self.run(move || {
            command
                .stdin(Stdio::null())
                .output()
                .with_context(|| cannot_start(&command))
        })
    }

    /// Configures the network of the place: each line is a command of `ip`.
    pub(crate) fn ip(&self, lines: String) -> Result<()> {
        self.run(move || {
            for line in lines.lines() {
                ran(Command::new("ip").args(line.split_whitespace()))?;
            }
            Ok(())
        })
    }

    /// The network of the place as a file, by which `ip` can move devices into it.
    pub(crate) fn network(&self) -> &PathBuf {
        &self.network
    }
}

/// Runs a program to its end, in the calling thread's place, and fails with what it said if it did not succeed.
pub(crate) fn ran(command: &mut Command) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start {}", command.get_program().display())
}
