//! Locked memory: a heartbeat never waits for a page that was swapped out.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use tracing::{debug, warn};

/// Locks pages as they are touched, if no limit on locked memory applies: the unit lifts it, and who may lock what they like
/// (`CAP_IPC_LOCK`), such as root in most containers, has none.
///
/// Below a limit nothing is locked: the kernel would refuse later allocations that exceed it, and that is worse than a slow
/// page (mlockall(2), `MCL_FUTURE`).
pub fn lock() {
    if getrlimit(Resource::Memlock).current.is_some() && !is_privileged() {
        debug!("memory is not locked: there is a limit on locked memory");
        return;
    }
    // On fault only: locking everything at once would make stacks and reserves resident that are never used.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    match mlockall(flags) {
        Ok(()) => debug!("memory is locked as it is touched"),
        Err(Errno::PERM | Errno::NOSYS) => debug!("memory is not locked: not allowed"),
        Err(error) => warn!(%error, "memory is not locked"),
    }
}

/// Whether the limit does not apply to this process (mlock(2), "Limits and permissions").
fn is_privileged() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK))
}
