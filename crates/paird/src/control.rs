//! The control socket: one request and one response per connection, bounded in size, time and number.
//!
//! Every local user may connect, and the event loop decides by [`Asker`] what it does for whom. Those whom it trusts have
//! places of their own: whoever may only read can keep others from reading, and nobody from giving an order.

use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pair_wire::control::{Command, LineError, REQUEST_LIMIT, Request, Response, decode_line, encode_line};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::asker::Asker;

/// Clients of each kind, trusted and others, that are served at the same time; the next one is turned away.
const CLIENTS: usize = 16;

/// How long a client may take to send its request, or to take its response.
const CLIENT_PATIENCE: Duration = Duration::from_secs(5);

/// Everybody may connect; what is done for whom is decided by the credentials of the peer.
const MODE: u32 = 0o666;

/// A request that waits for the event loop.
#[derive(Debug)]
pub struct Pending {
    /// Who asks.
    pub asker: Asker,
    /// What is asked.
    pub command: Command,
    /// About which address of the pair, as whoever asks calls it.
    pub address: Option<String>,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Response>,
}

/// Opens the socket, in place of one that a dead daemon left behind.
///
/// # Errors
/// If another daemon answers there, or the file cannot be made.
pub fn open(path: &Path) -> io::Result<UnixListener> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => {
            let message = format!("another paird answers on {}", path.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
    Ok(listener)
}

/// Serves clients for ever.
pub async fn serve(listener: UnixListener, requests: mpsc::Sender<Pending>) {
    let [for_trusted, for_others] = [(); 2].map(|()| Arc::new(Semaphore::new(CLIENTS)));
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let asker = match Asker::of(&client) {
                    Ok(asker) => asker,
                    Err(error) => {
                        warn!(%error, "the kernel does not tell who asks");
                        continue;
                    }
                };
                let places = if asker.is_trusted { &for_trusted } else { &for_others };
                let Ok(place) = Arc::clone(places).try_acquire_owned() else {
                    turn_away(client);
                    continue;
                };
                let requests = requests.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve_one(client, asker, requests).await {
                        debug!(%error, "control client failed");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: others may end meanwhile.
                warn!(%error, "control socket does not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Tells a client that there is no place for it, as far as that takes no time.
fn turn_away(client: UnixStream) {
    let response = Response::error("too many clients are served already: try again in some seconds");
    let told = encode_line(&response)
        .map_err(io::Error::other)
        .and_then(|line| client.into_std()?.write_all(&line));
    if let Err(error) = told {
        debug!(%error, "control client turned away unheard");
    }
}

async fn serve_one(mut client: UnixStream, asker: Asker, requests: mpsc::Sender<Pending>) -> io::Result<()> {
    let request = match timeout(CLIENT_PATIENCE, receive(&mut client)).await {
        Ok(Ok(request)) => request,
        Ok(Err(LineError::Io(error))) => return Err(error),
        Ok(Err(error)) => return send(&mut client, &Response::error(error.to_string())).await,
        Err(_) => return send(&mut client, &Response::error("no request came in time")).await,
    };
    let (answer, answered) = oneshot::channel();
    let pending = Pending {
        asker,
        command: request.command,
        address: request.address,
        answer,
    };
    let response = match requests.send(pending).await {
        Ok(()) => answered.await.ok(),
        Err(_) => None,
    };
    send(
        &mut client,
        &response.unwrap_or_else(|| Response::error("the daemon is stopping")),
    )
    .await
}

async fn receive(client: &mut UnixStream) -> Result<Request, LineError> {
    let mut line = Vec::new();
    let mut chunk = [0; 1024];
    while !line.ends_with(b"\n") {
        let count = client.read(&mut chunk).await.map_err(LineError::Io)?;
        if count == 0 {
            return Err(LineError::Cut { received: line.len() });
        }
        line.extend_from_slice(&chunk[..count]);
        if line.len() > REQUEST_LIMIT {
            return Err(LineError::TooLong { limit: REQUEST_LIMIT });
        }
    }
    decode_line(&line)
}

async fn send(client: &mut UnixStream, response: &Response) -> io::Result<()> {
    let line = encode_line(response).map_err(io::Error::other)?;
    timeout(CLIENT_PATIENCE, client.write_all(&line))
        .await
        .map_err(io::Error::from)?
}

#[cfg(test)]
mod tests {
    use pair_wire::control::Outcome;

    use super::*;

    #[tokio::test]
    async fn a_client_that_says_nothing_is_dropped_and_one_too_many_turned_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let (ask, _requests) = mpsc::channel(1);
        let served = tokio::spawn(serve(open(&path).unwrap(), ask));
        let mut silent = Vec::new();
        for _ in 0..CLIENTS {
            silent.push(UnixStream::connect(&path).await.unwrap());
        }
        let mut surplus = UnixStream::connect(&path).await.unwrap();
        assert!(heard(&mut surplus).await.starts_with("too many clients"));
        for mut client in silent {
            assert_eq!(heard(&mut client).await, "no request came in time");
        }
        served.abort();
    }

    #[tokio::test]
    async fn everybody_may_connect() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        let _listener = open(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o666);
    }

    async fn heard(client: &mut UnixStream) -> String {
        let mut line = Vec::new();
        client.read_to_end(&mut line).await.unwrap();
        match decode_line::<Response>(&line).unwrap().outcome {
            Outcome::Error { message } => message,
            other => panic!("{other:?}"),
        }
    }
}
