//! The enclosure: fresh namespaces around the whole lab, so that it leaves nothing behind however it ends.
//!
//! ```text
//!   pair-lab lab                     waits, passes signals on, returns the exit status
//!      │ lifeline (a pipe)
//!      └─ … --inside keeper          process 1 of a process namespace, in a network and a file system view of its own
//!            └─ … --inside lab       the lab itself
//!                  └─ HAProxy, agents, …     end with process 1, as the kernel has it
//! ```
//!
//! The keeper is there because process 1 inherits whoever loses its parent, such as HAProxy's workers, and somebody has to see
//! them off: a program that is dead and not waited for still counts as running.
//!
//! The ordinary end: the lab is done, and the keeper exits with its status. The odd ones: Ctrl-C is passed on, and the lab reports
//! what it has measured; whoever waits outside is killed, and the keeper notices that the lifeline has ended and exits; the keeper is
//! killed, and everything in its namespace with it. Devices, namespaces and the files on tmpfs go when their last process goes.

use std::env;
use std::fs;
use std::io;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::thread;

use anyhow::{Context as _, Result};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, getegid, geteuid, getrlimit, kill_process, setrlimit, wait,
};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};

/// Who of the enclosure a process is; whoever is none of them starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    Keeper,
    Lab,
}

/// Enters the enclosure. Returns nothing within, where the lab may go on, and everywhere else how it ended.
pub(crate) fn enter(role: Option<Role>) -> Result<Option<ExitCode>> {
    match role {
        None => start().map(Some),
        Some(Role::Keeper) => keep().map(Some),
        Some(Role::Lab) => Ok(None),
    }
}

/// Makes the namespaces, starts the keeper in them and waits for it.
fn start() -> Result<ExitCode> {
    enclose().context(NEEDS)?;
    runtime()?.block_on(async {
        let mut requests = Requests::listen()?;
        let mut keeper = tokio::process::Command::from(again(Role::Keeper)?)
            .stdin(Stdio::piped())
            // A Ctrl-C reaches this process alone, which passes it on once.
            .process_group(0)
            .spawn()
            .context("cannot start the lab in its enclosure")?;
        let id = keeper.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let _lifeline = keeper.stdin.take();
        loop {
            tokio::select! {
                ended = keeper.wait() => return Ok(code(ended.context("cannot wait for the lab")?)),
                request = requests.next() => pass_on(request, id),
            }
        }
    })
}

/// Furnishes the enclosure, starts the lab in it, and sees off whoever ends, until the lab has.
fn keep() -> Result<ExitCode> {
    thread::spawn(|| {
        // Nobody writes: it ends when whoever started the lab has ended, however that came.
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        std::process::exit(1);
    });
    furnish()?;
    runtime()?.block_on(async {
        let mut requests = Requests::listen()?;
        let mut ends = signal(SignalKind::child())?;
        let lab = again(Role::Lab)?
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start the lab")?;
        let lab = Pid::from_child(&lab);
        loop {
            tokio::select! {
                _ = ends.recv() => {}
                request = requests.next() => pass_on(request, Some(lab)),
            }
            while let Ok(Some((ended, status))) = wait(WaitOptions::NOHANG) {
                if ended == lab {
                    return Ok(status.exit_status().and_then(exit_code).unwrap_or(ExitCode::FAILURE));
                }
            }
        }
    })
}

/// What somebody may want of a lab.
struct Requests {
    interrupt: Arrivals,
    terminate: Arrivals,
}

impl Requests {
    /// Before the start of whom they are for: one that comes early is passed on, too.
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::INT,
            _ = self.terminate.recv() => Signal::TERM,
        }
    }
}

fn pass_on(request: Signal, to: Option<Pid>) {
    if let Some(to) = to {
        // It may have ended this moment.
        kill_process(to, request).ok();
    }
}

/// This program with the same arguments, in another role.
fn again(role: Role) -> Result<Command> {
    let program = env::current_exe().context("cannot find out where this program is")?;
    let mut command = Command::new(program);
    let role = match role {
        Role::Keeper => "keeper",
        Role::Lab => "lab",
    };
    // Without the role that this process has itself.
    let own = env::args_os().skip(1).take_while(|argument| argument != INSIDE);
    command.args(own).args([INSIDE, role]);
    Ok(command)
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

/// Furnishes the enclosure from within: a list of its processes, room for files, and for connections.
fn furnish() -> Result<()> {
    const NOTHING: Option<&str> = None;
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)
        .context("cannot take the file system for this process alone")?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), NOTHING).context("cannot list the processes")?;
    mount(Some("lab"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
        .context("cannot make room for files")?;
    // As many connections as the hard limit has room for.
    let limit = getrlimit(Resource::Nofile);
    let more = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, more).context("cannot open many files")
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn code(status: ExitStatus) -> ExitCode {
    status.code().and_then(exit_code).unwrap_or(ExitCode::FAILURE)
}

fn exit_code(code: i32) -> Option<ExitCode> {
    u8::try_from(code).ok().map(ExitCode::from)
}

/// The option that tells a process its role.
const INSIDE: &str = "--inside";

const NEEDS: &str = "the lab needs network namespaces: run it as root (in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN), \
                     or let users make namespaces (sysctl kernel.unprivileged_userns_clone=1)";
