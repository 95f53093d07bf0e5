//! A program that this daemon has started, with whatever that starts in turn: its group is ended with it.

use std::fs;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, setpriority_process};
use tokio::process::{self, Command};
use tokio::time::timeout;
use tracing::debug;

/// A running program, the first of a process group of its own. Dropped, it alone is killed.
#[derive(Debug)]
pub struct Child {
    /// The program itself.
    pub process: process::Child,
    group: Option<Pid>,
}

impl Child {
    /// Starts a program with an environment of its own, in which nothing of the daemon's is left.
    ///
    /// # Errors
    /// Why it could not be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        command
            .current_dir("/")
            .env("PATH", SEARCH_PATH)
            .process_group(0)
            .kill_on_drop(true);
        let process = command.spawn()?;
        let group = process
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(group) = group {
            make_ordinary(group);
        }
        Ok(Self { process, group })
    }

    /// Asks the program and all that it has started to end, then insists.
    pub async fn end(mut self) {
        self.signal(Signal::TERM);
        let is_gone = timeout(GRACE, self.process.wait()).await.is_ok();
        // Also what the program itself did not take along.
        self.signal(Signal::KILL);
        if !is_gone {
            // It cannot refuse this one; how it ended does not matter.
            let _ = self.process.wait().await;
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Whoever is gone already has done what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

/// A command that inherits nothing but what it is given.
#[must_use]
pub fn command(program: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// How a program ended that did not end with 0, in words.
#[must_use]
pub fn end_of(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it ended with exit status {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => format!("it ended with {status}"),
    }
}

/// Such a program is ordinary work: it inherits neither the daemon's priority nor its exemption when memory runs out.
fn make_ordinary(process: Pid) {
    if let Err(error) = setpriority_process(Some(process), 0) {
        debug!(%error, "a program keeps the priority of the daemon");
    }
    if let Err(error) = fs::write(format!("/proc/{}/oom_score_adj", process.as_raw_nonzero()), "0") {
        debug!(%error, "a program keeps the exemption of the daemon when memory runs out");
    }
}

/// Where programs find others: what root's shell has on Debian and on Amazon Linux.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a program that was asked to end may take.
const GRACE: Duration = Duration::from_secs(2);
