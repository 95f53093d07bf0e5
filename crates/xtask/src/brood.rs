//! Every process that a task starts, down to the daemon that a test's daemon forked.
//!
//! A test binary that is interrupted runs no destructor, and its daemons live on. So this process becomes the *subreaper*
//! of what it starts (`prctl(2)`): an orphan among its descendants becomes its child, instead of init's, and can be found
//! and ended. Temporary files go to one folder that is deleted at the end.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

/// The processes below this one, and the folder for their temporary files.
pub(crate) struct Brood {
    scratch: TempDir,
    interrupted: Arc<AtomicBool>,
}

impl Brood {
    /// Makes this process answer for all of its descendants; an interrupt, a hang-up or a request to end ends them.
    ///
    /// # Errors
    /// If the kernel refuses, or there is no place for temporary files.
    pub(crate) fn adopt() -> Result<Self> {
        set_child_subreaper(Some(getpid())).context("cannot become the subreaper")?;
        let scratch = tempfile::Builder::new()
            .prefix("paird-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot watch for signals")?;
        let flag = Arc::clone(&interrupted);
        thread::spawn(move || {
            for _signal in signals.forever() {
                flag.store(true, Ordering::SeqCst);
                end_descendants();
            }
        });
        Ok(Self { scratch, interrupted })
    }

    /// Makes the command put its temporary files where they are deleted with the brood.
    pub(crate) fn house<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("TMPDIR", self.scratch.path())
    }

    /// Ends whatever is left and returns the names of the programs that were.
    pub(crate) fn end(&self) -> Vec<String> {
        end_descendants()
    }

    /// Returns whether somebody asked this task to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}

impl Drop for Brood {
    fn drop(&mut self) {
        end_descendants();
    }
}

/// Asks every descendant to end, then insists; returns the names of those that were there.
fn end_descendants() -> Vec<String> {
    let found = descendants();
    let asked = Instant::now();
    loop {
        let left = descendants();
        if left.is_empty() || asked.elapsed() > GIVE_UP {
            break;
        }
        let signal = if asked.elapsed() < PATIENCE {
            Signal::TERM
        } else {
            Signal::KILL
        };
        for process in left {
            // A process that is already gone is what was wanted.
            let _ = kill_process(process.id, signal);
        }
        thread::sleep(POLL);
    }
    found.into_iter().map(|process| process.name).collect()
}

/// Returns the living descendants of this process.
fn descendants() -> Vec<Process> {
    let processes: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| Process::read(&entry.ok()?.path()))
        .collect();
    let mut family = vec![getpid()];
    let mut at = 0;
    while let Some(&parent) = family.get(at) {
        family.extend(
            processes
                .iter()
                .filter(|process| process.parent == Some(parent))
                .map(|process| process.id),
        );
        at += 1;
    }
    let alive = |process: &Process| process.is_alive && family[1..].contains(&process.id);
    processes.into_iter().filter(alive).collect()
}

/// What `/proc/<pid>/stat` says (`proc(5)`).
struct Process {
    id: Pid,
    parent: Option<Pid>,
    name: String,
    /// Not a zombie: those wait for their parent and do nothing.
    is_alive: bool,
}

impl Process {
    /// Reads one folder of `/proc`; `None` if it is no process, or the process is gone.
    fn read(folder: &Path) -> Option<Self> {
        let id = folder.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        // "4711 (name) S 4710 …", and a name may hold spaces and parentheses.
        let (head, tail) = stat.rsplit_once(')')?;
        let mut fields = tail.split_ascii_whitespace();
        let is_alive = !matches!(fields.next()?, "Z" | "X");
        let parent = fields.next()?.parse().ok().and_then(Pid::from_raw);
        let name = head.split_once('(')?.1.to_owned();
        Some(Self {
            id,
            parent,
            name,
            is_alive,
        })
    }
}

/// How long a process may take to end by itself: a daemon's own shutdown is bounded well below.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the kernel may take to end what was killed, uninterruptible disk writes included.
const GIVE_UP: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn orphans_are_ended_even_if_they_ignore_requests() {
        let brood = Brood::adopt().unwrap();
        let script = "(trap '' TERM; sleep 600; sleep 600) >/dev/null & exit 0";
        let status = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        let left = brood.end();
        assert!(
            left.iter().any(|name| name == "sh"),
            "the orphan was not found among {left:?}"
        );
        assert!(descendants().is_empty());
    }
}
