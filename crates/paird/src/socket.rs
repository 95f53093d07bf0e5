//! The heartbeat socket: connected UDP, so that the kernel drops strangers and reports unreachable ports.

use std::io;
use std::net::{IpAddr, SocketAddr};

use pair_wire::datagram::MAX_DATAGRAM;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;

/// The DSCP class CS6, network control (RFC 4594, section 3.2), in the upper six bits of the traffic class.
const TRAFFIC_CLASS: u32 = 48 << 2;

/// Room for what arrives while this node is paused: some thousand heartbeats.
const RECEIVE_BUFFER: usize = 1 << 20;

/// The two ends of the heartbeat path.
#[derive(Debug)]
pub struct HeartbeatSocket {
    socket: UdpSocket,
}

/// What one look into the socket found.
#[derive(Debug)]
pub enum Received {
    /// A datagram of this many bytes.
    Datagram(usize),
    /// The peer's host says that nobody listens there (ICMP port unreachable).
    Refused,
    /// Nothing is waiting.
    Empty,
}

impl HeartbeatSocket {
    /// Binds `own` and connects to `peer`, both on `port`.
    ///
    /// # Errors
    /// If the address is not on this host or the port is taken. A traffic class or buffer that the system refuses is no error.
    pub fn open(own: IpAddr, peer: IpAddr, port: u16) -> io::Result<Self> {
        let local = SocketAddr::new(own, port);
        let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if own.is_ipv4() {
            let _ = socket.set_tos_v4(TRAFFIC_CLASS);
        } else {
            let _ = socket.set_tclass_v6(TRAFFIC_CLASS);
        }
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.bind(&SockAddr::from(local))?;
        socket.connect(&SockAddr::from(SocketAddr::new(peer, port)))?;
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
        })
    }

    /// Waits until something can be received.
    ///
    /// # Errors
    /// Those of the reactor: the daemon cannot go on.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Takes what waits, without waiting. The buffer has one byte more than a datagram, so that a longer one is noticed.
    ///
    /// # Errors
    /// A fault of the socket other than a refused or empty one.
    pub fn try_receive(&self, buffer: &mut [u8; MAX_DATAGRAM + 1]) -> io::Result<Received> {
        match self.socket.try_recv(buffer) {
            Ok(length) => Ok(Received::Datagram(length)),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Ok(Received::Empty),
                io::ErrorKind::ConnectionRefused => Ok(Received::Refused),
                _ => Err(error),
            },
        }
    }

    /// Sends a datagram, or drops it if the socket is full: the next one follows soon.
    ///
    /// # Errors
    /// A fault other than a full socket or a refusal that was reported late.
    pub fn send(&self, datagram: &[u8]) -> io::Result<()> {
        match self.socket.try_send(datagram) {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                // The refusal of an earlier datagram: the receiving side reports it, too; this one goes out.
                io::ErrorKind::ConnectionRefused => self.socket.try_send(datagram).map(drop).or(Ok(())),
                io::ErrorKind::WouldBlock => Ok(()),
                _ => Err(error),
            },
        }
    }
}
