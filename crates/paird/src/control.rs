//! The control socket: one request and one response per connection, bounded in size, time and number.

use std::io;
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

/// Clients that are served at the same time; the next one waits.
const CLIENTS: usize = 32;

/// How long a client may take to send its request, or to take its response.
const CLIENT_PATIENCE: Duration = Duration::from_secs(5);

/// The owner and the group may ask and order, nobody else.
const MODE: u32 = 0o660;

/// A request that waits for the event loop.
#[derive(Debug)]
pub struct Pending {
    /// What is asked.
    pub command: Command,
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
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((client, _)) => {
                let requests = requests.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve_one(client, requests).await {
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

async fn serve_one(mut client: UnixStream, requests: mpsc::Sender<Pending>) -> io::Result<()> {
    let request = match timeout(CLIENT_PATIENCE, receive(&mut client)).await {
        Ok(Ok(request)) => request,
        Ok(Err(LineError::Io(error))) => return Err(error),
        Ok(Err(error)) => return send(&mut client, &Response::error(error.to_string())).await,
        Err(_) => return send(&mut client, &Response::error("no request came in time")).await,
    };
    let (answer, answered) = oneshot::channel();
    let pending = Pending {
        command: request.command,
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
