//! Opens a connection to a service at every interval, and closes it without a word.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::{LATE, Rhythm, TcpTarget};
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

/// Connects to `target` once per `interval`, until nobody listens to the samples any more.
pub(super) async fn watch(target: TcpTarget, interval: Duration, rhythm: Rhythm, samples: mpsc::Sender<super::Sample>) {
    loop {
        let asked = Instant::now();
        let sample = connect(target.address, target.timeout).await;
        // A process that was paused meanwhile finds its own timeout expired, whatever the service did.
        let is_own_delay = sample == Sample::Nothing && asked.elapsed() > target.timeout + LATE;
        if !is_own_delay && samples.send(super::Sample::Tcp(sample)).await.is_err() {
            return;
        }
        rhythm.wait(asked + interval, interval / 2).await;
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
