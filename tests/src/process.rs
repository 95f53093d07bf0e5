//! A child process: its output in a file, its end by its id.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::eventually;

/// A running process; dropped, it is killed and waited for.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts a command whose output is added to a file.
    ///
    /// # Panics
    /// If it cannot be started.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Self {
        let open = || OpenOptions::new().create(true).append(true).open(log);
        let output = || -> File { open().unwrap_or_else(|error| panic!("cannot write {}: {error}", log.display())) };
        let child = command
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start {name}, {:?}: {error}",
                    PathBuf::from(command.get_program())
                )
            });
        Self {
            child,
            name: name.to_owned(),
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|error| panic!("cannot signal {}: {error}", self.name));
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        let what = format!("{} ends when asked to", self.name);
        eventually(&what, || self.status())
    }

    /// Gives how it ended, if it has.
    pub(crate) fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails only if the process has ended and was waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
