//! A listening port that a fault can shut and open again.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::ground::{Endpoint, Ground};

/// An open port; dropped, it closes and its connections end.
#[derive(Debug)]
pub(crate) struct Door {
    addr: SocketAddr,
    task: AbortHandle,
}

impl Door {
    /// Listens where `ground` has this endpoint.
    ///
    /// `is_shut` is asked again after each change: while it says yes, connecting is refused, as by a host where
    /// nothing listens, and connections that are open end.
    pub(crate) fn open<Shut, Serve, Served>(
        ground: Arc<dyn Ground>,
        endpoint: Endpoint,
        changes: watch::Receiver<()>,
        is_shut: Shut,
        serve: Serve,
    ) -> io::Result<Self>
    where
        Shut: Fn() -> bool + Send + 'static,
        Serve: Fn(TcpStream) -> Served + Send + 'static,
        Served: Future<Output = ()> + Send + 'static,
    {
        let reservation = ground.open(&endpoint, ground.addr(&endpoint))?;
        let addr = reservation.local_addr()?;
        let listen = move || ground.open(&endpoint, addr)?.listen(BACKLOG);
        // Listening before anybody learns the address: the first caller finds the door as it is said to be.
        let first = if is_shut() { None } else { Some(listen()?) };
        let task = tokio::spawn(keep(reservation, first, listen, changes, is_shut, serve)).abort_handle();
        Ok(Self { addr, task })
    }

    /// Gives the address, the same for as long as the door exists.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens and shuts the port for as long as the task lives, and holds it while nothing listens.
async fn keep<Listen, Shut, Serve, Served>(
    _reservation: TcpSocket,
    mut listener: Option<TcpListener>,
    listen: Listen,
    mut changes: watch::Receiver<()>,
    is_shut: Shut,
    serve: Serve,
) -> io::Result<()>
where
    Listen: Fn() -> io::Result<TcpListener>,
    Shut: Fn() -> bool,
    Serve: Fn(TcpStream) -> Served,
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        match &listener {
            Some(open) => tokio::select! {
                accepted = open.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(serve(stream))),
                    // Out of descriptors, most likely: accepting again at once would only spin.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
            },
            None => {
                if changes.changed().await.is_err() {
                    return Ok(());
                }
            }
        }
        match (is_shut(), listener.is_some()) {
            (true, true) => {
                listener = None;
                connections.shutdown().await;
            }
            (false, false) => listener = Some(listen()?),
            (true, false) | (false, true) => {}
        }
    }
}

/// More connections than a lab ever has waiting.
const BACKLOG: u32 = 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
