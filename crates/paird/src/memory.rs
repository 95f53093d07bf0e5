//! Locked memory: a heartbeat never waits for a page that was swapped out.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use tracing::{debug, warn};

/// Locks pages as they are touched, if the limit on locked memory is lifted (the unit does so).
///
/// Below a limit nothing is locked: the kernel would refuse later allocations that exceed it, and that is worse than a slow
/// page (mlockall(2), `MCL_FUTURE`).
pub fn lock() {
    if getrlimit(Resource::Memlock).current.is_some() {
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
