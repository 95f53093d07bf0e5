//! Opens a connection to a service, an interval after the one before at most, and closes it without a word.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::{LATE, Pace, TcpTarget};
use crate::probe::{KernelAnswer, Outcome, unconnected};

/// What came of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// It was accepted; by the kernel, so nothing is learned about a process that hangs.
    Accepted,
    /// Nobody listens.
    Refused,
    /// Nothing came within the time.
    Nothing,
    /// It could not be tried for a reason on this host.
    NotAsked {
        /// What the operating system said.
        error: String,
    },
}

/// Connects to `target` at this pace, until nobody listens to the samples any more.
pub(super) async fn watch(target: TcpTarget, pace: Pace, samples: mpsc::Sender<super::Sample>) {
    loop {
        let asked = Instant::now();
        let sample = connect(target.address, target.timeout).await;
        // A process that was paused meanwhile finds its own timeout expired, or what was true before (F-16).
        let is_own_delay = asked.elapsed() > target.timeout + LATE;
        if !is_own_delay && samples.send(super::Sample::Tcp(sample)).await.is_err() {
            return;
        }
        pace.wait(asked).await;
    }
}

async fn connect(address: SocketAddr, limit: Duration) -> Sample {
    match timeout(limit, TcpStream::connect(address)).await {
        Err(_elapsed) => Sample::Nothing,
        Ok(Ok(_closed_at_once)) => Sample::Accepted,
        Ok(Err(error)) => match unconnected(&error) {
            Outcome::Kernel(KernelAnswer::Refused) => Sample::Refused,
            Outcome::NotAsked { error } => Sample::NotAsked { error },
            Outcome::Kernel(KernelAnswer::Closed | KernelAnswer::Silent)
            | Outcome::Served { .. }
            | Outcome::BadStatus(_)
            | Outcome::Nothing => Sample::Nothing,
        },
    }
}
