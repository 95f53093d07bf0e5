//! Where the endpoints of a lab are opened: on loopback, or in network namespaces.

use core::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// One of the ports that a lab listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// EC2 for everybody.
    Ec2,
    /// EC2 for the node of this name.
    Ec2Of(String),
    /// The metadata service of the node of this name.
    ImdsOf(String),
}

/// Says where a lab listens. A socket belongs to the network namespace of the thread that opened it, so a ground can put
/// each endpoint into the network of its callers.
pub trait Ground: fmt::Debug + Send + Sync {
    /// Gives the address of an endpoint; port 0 lets the kernel choose one.
    fn addr(&self, endpoint: &Endpoint) -> SocketAddr;

    /// Opens a socket for an endpoint, bound by [`bind`] to an address that is [`Ground::addr`] or the one that the kernel
    /// chose for it. Asked more than once while a fault shuts the endpoint and opens it again.
    ///
    /// # Errors
    /// The error of the socket.
    fn open(&self, endpoint: &Endpoint, addr: SocketAddr) -> io::Result<TcpSocket>;
}

/// Every endpoint on an ephemeral port of 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Loopback;

impl Ground for Loopback {
    fn addr(&self, _endpoint: &Endpoint) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, 0).into()
    }

    fn open(&self, _endpoint: &Endpoint, addr: SocketAddr) -> io::Result<TcpSocket> {
        bind(addr)
    }
}

/// Binds a socket in the calling thread's network, without listening: connections are refused, and nobody else is given
/// the port.
///
/// # Errors
/// The error of the socket.
pub fn bind(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // What lets a listener bind beside the socket that keeps the port.
    socket.set_reuseport(true)?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}
