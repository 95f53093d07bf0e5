//! The heartbeat socket: connected UDP, so that the kernel drops strangers and reports unreachable ports.
//!
//! What arrives while the socket is full, the kernel drops and counts (socket(7), `SO_RXQ_OVFL`); the count comes with the
//! next datagram.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::RxqOvfl};
use pair_wire::datagram::MAX_DATAGRAM;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// The DSCP class CS6, network control (RFC 4594, section 3.2), in the upper six bits of the traffic class.
const TRAFFIC_CLASS: u32 = 48 << 2;

/// Room for what arrives while this node is paused: some thousand heartbeats.
const RECEIVE_BUFFER: usize = 1 << 20;

/// What a waiting datagram takes from the receive buffer at least: the kernel charges its own books (an `sk_buff` and a
/// `skb_shared_info`, 576 bytes on 64-bit Linux) and a little memory for the bytes.
const SMALLEST_CHARGE: usize = 512;

/// The two ends of the heartbeat path.
#[derive(Debug)]
pub struct HeartbeatSocket {
    socket: UdpSocket,
    capacity: usize,
    /// Room for the kernel's count of what it dropped.
    control: Vec<u8>,
    /// What the kernel had dropped when the last datagram arrived; it counts modulo 2³².
    dropped: u32,
}

/// What one look into the socket found.
#[derive(Debug)]
pub enum Received {
    /// A datagram.
    Datagram {
        /// How many bytes it has.
        length: usize,
        /// How many the kernel has dropped before it, since the datagram read before.
        overflow: u32,
    },
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
        // Without it, the status lacks a count and nothing else.
        let _ = setsockopt(&socket, RxqOvfl, &1);
        Ok(Self {
            capacity: socket.recv_buffer_size()? / SMALLEST_CHARGE + 1,
            socket: UdpSocket::from_std(socket.into())?,
            control: cmsg_space!(u32),
            dropped: 0,
        })
    }

    /// How many datagrams can wait at most: who has taken so many has heard all that waited when it began.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Waits until something can be received.
    ///
    /// # Errors
    /// Those of the reactor: the daemon cannot go on.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Whether something can be received; if not, the task of this context is woken once it can.
    ///
    /// # Errors
    /// As [`Self::readable`].
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_recv_ready(context)
    }

    /// Takes what waits, without waiting. The buffer has one byte more than a datagram, so that a longer one is noticed.
    ///
    /// # Errors
    /// A fault of the socket other than a refused or empty one.
    pub fn try_receive(&mut self, buffer: &mut [u8; MAX_DATAGRAM + 1]) -> io::Result<Received> {
        let Self {
            socket,
            control,
            dropped,
            ..
        } = self;
        let descriptor = socket.as_raw_fd();
        let received = socket.try_io(Interest::READABLE, || {
            let mut into = [IoSliceMut::new(buffer)];
            let message = recvmsg::<()>(descriptor, &mut into, Some(control), MsgFlags::empty())?;
            let before = *dropped;
            for note in message.cmsgs()? {
                if let ControlMessageOwned::RxqOvfl(count) = note {
                    *dropped = count;
                }
            }
            Ok(Received::Datagram {
                length: message.bytes,
                overflow: dropped.wrapping_sub(before),
            })
        });
        received.or_else(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Ok(Received::Empty),
            io::ErrorKind::ConnectionRefused => Ok(Received::Refused),
            _ => Err(error),
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::{Ipv4Addr, UdpSocket as StdSocket};

    /// A port that is free at both addresses, and the two ends.
    fn pair_of_sockets() -> (HeartbeatSocket, StdSocket) {
        let (own, peer) = (Ipv4Addr::new(127, 0, 7, 1), Ipv4Addr::new(127, 0, 7, 2));
        let peers = StdSocket::bind((peer, 0)).unwrap();
        let port = peers.local_addr().unwrap().port();
        let socket = HeartbeatSocket::open(own.into(), peer.into(), port).unwrap();
        peers.connect((own, port)).unwrap();
        (socket, peers)
    }

    /// Takes so many at most, and gives how many there were and how many the kernel had dropped.
    fn take(socket: &mut HeartbeatSocket, at_most: usize) -> (usize, u32) {
        let mut buffer = [0; MAX_DATAGRAM + 1];
        let (mut taken, mut dropped) = (0, 0);
        for _ in 0..at_most {
            match socket.try_receive(&mut buffer).unwrap() {
                Received::Datagram { overflow, .. } => {
                    taken += 1;
                    dropped += overflow;
                }
                Received::Refused | Received::Empty => break,
            }
        }
        (taken, dropped)
    }

    /// What waited when a pause ended must be heard before the core is woken (F-4), be the socket as full as it can be.
    #[tokio::test]
    async fn as_many_as_its_capacity_are_all_that_waited() {
        let (mut socket, peer) = pair_of_sockets();
        for _ in 0..2 * socket.capacity() {
            peer.send(b"").unwrap();
        }
        socket.readable().await.unwrap();
        let capacity = socket.capacity();
        let (taken, _) = take(&mut socket, usize::MAX);
        assert!(taken > 100, "{taken} are no full socket");
        assert!(
            taken <= capacity,
            "{taken} waited, and its capacity is said to be {capacity}"
        );
    }

    #[tokio::test]
    async fn what_the_kernel_dropped_is_told_once_with_the_next_datagram() {
        let (mut socket, peer) = pair_of_sockets();
        let sent = 2 * socket.capacity();
        for _ in 0..sent {
            peer.send(b"a heartbeat").unwrap();
        }
        socket.readable().await.unwrap();
        let (taken, told_early) = take(&mut socket, usize::MAX);
        peer.send(b"one more").unwrap();
        socket.readable().await.unwrap();
        let (one, told) = take(&mut socket, usize::MAX);
        assert_eq!(one, 1);
        assert_eq!(taken + (told_early + told) as usize, sent);
        peer.send(b"and another").unwrap();
        socket.readable().await.unwrap();
        assert_eq!(take(&mut socket, usize::MAX), (1, 0));
    }
}
