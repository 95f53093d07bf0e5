//! The published address: connections go to whoever holds the association, and to nobody else.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::lab::Lab;
use crate::shared::{Holder, Shared};

/// A TCP port that stands for the Elastic IP. Dropped, it closes and its connections end.
///
/// It looks at the register only, never at the nodes: a connection is closed at once while the address is held by
/// nobody or by a machine outside the pair, and one that is open ends when the address moves, as in EC2.
#[derive(Debug)]
pub struct Forwarder {
    addr: SocketAddr,
    task: AbortHandle,
}

/// The register, as far as one address goes.
#[derive(Debug, Clone)]
struct View {
    allocation_id: String,
    shared: Arc<Shared>,
    changes: watch::Receiver<()>,
}

impl View {
    fn holder(&self) -> Option<Holder> {
        self.shared.holder(&self.allocation_id)
    }
}

impl Forwarder {
    /// Listens at `listen` (port 0 for an ephemeral one) and forwards to the service of the node that holds the
    /// address in `lab`.
    ///
    /// # Errors
    /// The error of the socket.
    pub async fn start(lab: &Lab, listen: SocketAddr, services: BTreeMap<String, SocketAddr>) -> io::Result<Self> {
        Self::start_for(lab, lab.allocation_id(), listen, services).await
    }

    /// Listens in place of any address of the lab.
    ///
    /// # Errors
    /// The error of the socket.
    pub async fn start_for(
        lab: &Lab,
        allocation_id: &str,
        listen: SocketAddr,
        services: BTreeMap<String, SocketAddr>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let (shared, changes) = lab.register_view();
        let view = View {
            allocation_id: allocation_id.to_owned(),
            shared,
            changes,
        };
        let task = tokio::spawn(forward_all(listener, view, services)).abort_handle();
        Ok(Self { addr, task })
    }

    /// Gives the address that clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn forward_all(listener: TcpListener, view: View, services: BTreeMap<String, SocketAddr>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((client, _)) = accepted else {
            // Out of descriptors, most likely: accepting again at once would only spin.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let holder = view.holder();
        let service = match &holder {
            Some(Holder::Node(name)) => services.get(name).copied(),
            Some(Holder::Outside(_)) | None => None,
        };
        if let Some(service) = service {
            let moved = moved_from(holder, view.clone());
            connections.spawn(async move {
                tokio::select! {
                    () = forward(client, service) => {}
                    () = moved => {}
                }
            });
        }
    }
}

/// Copies both ways until either side closes. Any error ends the connection, which is all a client is to notice.
async fn forward(mut client: TcpStream, service: SocketAddr) {
    let Ok(mut service) = TcpStream::connect(service).await else {
        return;
    };
    client.set_nodelay(true).ok();
    service.set_nodelay(true).ok();
    tokio::io::copy_bidirectional(&mut client, &mut service).await.ok();
}

/// Returns once somebody else holds the address.
async fn moved_from(holder: Option<Holder>, mut view: View) {
    while view.holder() == holder && view.changes.changed().await.is_ok() {}
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
