//! The service behind the address: answers any request and says which node it is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, StatusCode};
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::http::{self, HungUp, Reply};

/// The header in which a service names its node.
pub const NODE_HEADER: &str = "x-node";

/// A small HTTP/1.1 server: status 200 on every path, the node's name in [`NODE_HEADER`] and in the body. Dropped, it
/// closes and its connections end.
#[derive(Debug)]
pub struct Service {
    addr: SocketAddr,
    task: AbortHandle,
}

impl Service {
    /// Listens at `listen` (port 0 for an ephemeral one) in the name of `node`.
    ///
    /// # Errors
    /// The error of the socket; [`io::ErrorKind::InvalidInput`] if the name cannot stand in a header.
    pub async fn start(listen: SocketAddr, node: &str) -> io::Result<Self> {
        let name = HeaderValue::from_str(node).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(serve_all(listener, Arc::new(name))).abort_handle();
        Ok(Self { addr, task })
    }

    /// Gives the address it listens at.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve_all(listener: TcpListener, node: Arc<HeaderValue>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(http::serve(stream, Arc::clone(&node), answer))),
                // Out of descriptors, most likely: accepting again at once would only spin.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(node: Arc<HeaderValue>, _: Request<Incoming>) -> Result<Reply, HungUp> {
    let mut body = node.as_bytes().to_vec();
    body.push(b'\n');
    let mut reply = http::reply(StatusCode::OK, "text/plain", body);
    reply.headers_mut().insert(NODE_HEADER, (*node).clone());
    Ok(reply)
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
