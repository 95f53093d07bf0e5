//! Descriptors of which only what comes is waited for.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers a descriptor for what comes alone: that there is room again for what goes would wake the thread after each datagram that it
/// sends. Must be called within a runtime.
///
/// # Errors
/// If the system refuses.
#[expect(
    deprecated,
    reason = "what follows it is unsafe for types that change their descriptor, and these are owned"
)]
pub fn register<T: AsFd + AsRawFd>(descriptor: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}
