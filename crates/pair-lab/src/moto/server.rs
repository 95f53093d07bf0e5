//! A moto server as a child process.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::oneshot;

use crate::query_client::{QueryClient, QueryError};
use crate::upstream::ADMIN_KEY;

/// A running moto server; dropped, it is killed by its process id and waited for.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    child: Child,
}

/// A moto server that did not start; no process is left.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The program could not be run.
    #[error("could not run {program:?}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended, or said nothing for a minute, before it said where it listens.
    #[error("{program:?} did not say where it listens")]
    Silent {
        /// The program.
        program: PathBuf,
    },
    /// It listens and does not answer as EC2.
    #[error("moto does not answer")]
    Call(#[source] QueryError),
}

/// Finds `moto_server`: where `PAIRD_MOTO` says, else in the virtual environment `~/.cache/paird/venv`.
pub fn find() -> Option<PathBuf> {
    let named = env::var_os("PAIRD_MOTO").map(PathBuf::from);
    let usual = || env::home_dir().map(|home| home.join(".cache/paird/venv/bin/moto_server"));
    named.or_else(usual).filter(|program| program.is_file())
}

impl Server {
    /// Starts the program on an ephemeral port of 127.0.0.1 and returns once its EC2 has answered a first, slow call.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn start(program: &Path) -> Result<Self, ServerError> {
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| ServerError::Spawn {
                program: program.to_owned(),
                source,
            })?;
        let stderr = child.stderr.take().expect("stderr was asked to be piped");
        let (found, address) = oneshot::channel();
        std::thread::spawn(move || read_to_the_end(stderr, found));
        let announced = tokio::time::timeout(START_LIMIT, address).await;
        // Whatever happens from here on, dropping the server ends the process.
        let mut server = Self {
            addr: ([127, 0, 0, 1], 0).into(),
            child,
        };
        let Ok(Ok(addr)) = announced else {
            return Err(ServerError::Silent {
                program: program.to_owned(),
            });
        };
        server.addr = addr;
        let first_call = QueryClient::new(addr, ADMIN_KEY);
        first_call
            .call("DescribeAddresses", &[])
            .await
            .map_err(ServerError::Call)?;
        Ok(server)
    }

    /// Gives the address of its EC2 endpoint.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either fails only if the process has already ended and been waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads what moto logs, so that it never waits for a reader, and passes on where it listens.
fn read_to_the_end(stderr: ChildStderr, found: oneshot::Sender<SocketAddr>) {
    let mut found = Some(found);
    for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let Some(addr) = line
            .split_once("Running on http://")
            .and_then(|(_, addr)| addr.trim().parse().ok())
        else {
            continue;
        };
        if let Some(found) = found.take() {
            // Nobody waits any more after a timeout.
            found.send(addr).ok();
        }
    }
}

/// A first start on a busy machine compiles moto's Python sources.
const START_LIMIT: Duration = Duration::from_secs(60);
