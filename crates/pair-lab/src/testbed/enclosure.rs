//! The enclosure: fresh namespaces around the whole lab, so that it leaves nothing behind however it ends.
//!
//! ```text
//!   pair-lab lab                waits, passes signals on, returns the exit status
//!      │ lifeline (a pipe)
//!      └─ pair-lab lab --inside     process 1 of a process namespace, in a network and a file system view of its own
//!            └─ HAProxy, agents, …      end with process 1, as the kernel has it
//! ```
//!
//! The ordinary end: the lab is done and process 1 exits. The odd ones: Ctrl-C is passed on, and the lab reports what it has
//! measured; whoever waits outside is killed, and process 1 notices that the lifeline has ended and exits; process 1 is killed,
//! and everything in its namespace with it. Devices, namespaces and the files on tmpfs go when their last process goes.

use std::env;
use std::fs;
use std::io;
use std::process::{ExitCode, Stdio};
use std::thread;

use anyhow::{Context as _, Result};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::process::{Pid, Resource, Rlimit, Signal, getegid, geteuid, getrlimit, kill_process, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// Runs this program again, in an enclosure, and returns how it ended.
pub(crate) fn enter() -> Result<ExitCode> {
    enclose().context(NEEDS)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the start: a signal that comes early is passed on, too.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let program = env::current_exe().context("cannot find out where this program is")?;
        let mut inside = tokio::process::Command::new(program)
            .args(env::args_os().skip(1))
            .arg(INSIDE)
            .stdin(Stdio::piped())
            // A Ctrl-C reaches this process alone, which passes it on once.
            .process_group(0)
            .spawn()
            .context("cannot start the lab in its enclosure")?;
        let id = inside.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let _lifeline = inside.stdin.take();
        loop {
            let passed_on = tokio::select! {
                ended = inside.wait() => {
                    let code = ended.context("cannot wait for the lab")?.code();
                    let code = code.and_then(|code| u8::try_from(code).ok());
                    return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
                }
                _ = interrupt.recv() => Signal::INT,
                _ = terminate.recv() => Signal::TERM,
            };
            if let Some(id) = id {
                // It may have ended this moment.
                kill_process(id, passed_on).ok();
            }
        }
    })
}

/// Makes the namespaces. Only children are born in the process namespace, and no thread can be started after this.
fn enclose() -> Result<()> {
    let spaces = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID;
    if geteuid().is_root() {
        return unshare(spaces).context("root may not make namespaces here");
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(spaces | CloneFlags::CLONE_NEWUSER).context("users may not make namespaces here")?;
    // In this order (user_namespaces(7)): a group map is refused until groups cannot be dropped any more.
    fs::write("/proc/self/setgroups", "deny").context("cannot give up setting groups")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1")).context("cannot become root in a namespace")?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1")).context("cannot become root in a namespace")
}

/// Furnishes the enclosure from within: the lifeline, a list of processes, and room for files.
pub(crate) fn furnish() -> Result<()> {
    thread::spawn(|| {
        // Nobody writes: it ends when whoever started the lab has ended, however that came.
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        std::process::exit(1);
    });
    // As many connections as the hard limit has room for.
    let limit = getrlimit(Resource::Nofile);
    let more = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, more).context("cannot open many files")?;
    const NOTHING: Option<&str> = None;
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)
        .context("cannot take the file system for this process alone")?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), NOTHING).context("cannot list the processes")?;
    mount(Some("lab"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755")).context("cannot make room for files")
}

/// The option that tells a lab that it is inside.
const INSIDE: &str = "--inside";

const NEEDS: &str = "the lab needs network namespaces: run it as root (in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN), \
                     or let users make namespaces (sysctl kernel.unprivileged_userns_clone=1)";
