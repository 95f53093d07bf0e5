//! The heartbeat socket: connected UDP, so that the kernel drops strangers and reports unreachable ports.
//!
//! What arrives while the socket is full, the kernel drops and counts (socket(7), `SO_RXQ_OVFL`); the count comes with the
//! next datagram.

use std::cell::Cell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};

use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::RxqOvfl};
use pair_wire::datagram::MAX_DATAGRAM;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::incoming;

/// The DSCP class CS6, network control (RFC 4594, section 3.2), in the upper six bits of the traffic class.
const TRAFFIC_CLASS: u32 = 48 << 2;

/// Room for what arrives while this node is paused: some thousand heartbeats.
const RECEIVE_BUFFER: usize = 1 << 20;

/// What a waiting datagram takes from the receive buffer at least: the kernel charges its own books (an `sk_buff` and a
/// `skb_shared_info`, 576 bytes on 64-bit Linux) and a little memory for the bytes.
const SMALLEST_CHARGE: usize = 512;

/// Where heartbeats go out and come in.
#[derive(Debug)]
pub struct HeartbeatSocket {
    own: SocketAddr,
    /// Whether a second socket listens on the same port for those who are not the peer.
    is_shared: bool,
    /// `None` while it is not known where the peer is.
    path: Option<Path>,
}

/// The two ends of the heartbeat path.
#[derive(Debug)]
struct Path {
    socket: AsyncFd<Socket>,
    capacity: usize,
    /// Room for the kernel's count of what it dropped.
    control: Vec<u8>,
    /// A refusal that sending has met and receiving has not told yet: the kernel tells of one only once.
    is_refused: Cell<bool>,
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
        let own = SocketAddr::new(own, port);
        Ok(Self {
            own,
            is_shared: false,
            path: Some(Path::open(own, peer, false)?),
        })
    }

    /// The same beside a [second socket](bind_shared) on this port, for a peer that comes and goes; `None` while there is none:
    /// nothing is sent then, and nothing comes.
    ///
    /// # Errors
    /// As for [`HeartbeatSocket::open`].
    pub fn open_shared(own: IpAddr, peer: Option<IpAddr>, port: u16) -> io::Result<Self> {
        let own = SocketAddr::new(own, port);
        let path = peer.map(|peer| Path::open(own, peer, true)).transpose()?;
        Ok(Self {
            own,
            is_shared: true,
            path,
        })
    }

    /// Sends to and hears another peer from here on.
    ///
    /// # Errors
    /// As for [`HeartbeatSocket::open`]; the path is the one before then.
    pub fn lead_to(&mut self, peer: IpAddr) -> io::Result<()> {
        self.path = Some(Path::open(self.own, peer, self.is_shared)?);
        Ok(())
    }

    /// How many datagrams can wait at most: who has taken so many has heard all that waited when it began.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.path.as_ref().map_or(1, |path| path.capacity)
    }

    /// Waits until something can be received.
    ///
    /// # Errors
    /// Those of the reactor: the daemon cannot go on.
    pub async fn readable(&self) -> io::Result<()> {
        match &self.path {
            Some(path) => path.socket.readable().await.map(drop),
            None => std::future::pending().await,
        }
    }

    /// Whether something can be received; if not, the task of this context is woken once it can.
    ///
    /// # Errors
    /// As [`Self::readable`].
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.path {
            Some(path) => path.socket.poll_read_ready(context).map_ok(drop),
            None => Poll::Pending,
        }
    }

    /// Takes what waits, without waiting. The buffer has one byte more than a datagram, so that a longer one is noticed.
    ///
    /// # Errors
    /// A fault of the socket other than a refused or empty one.
    pub fn try_receive(&mut self, buffer: &mut [u8; MAX_DATAGRAM + 1]) -> io::Result<Received> {
        let Some(Path {
            socket,
            control,
            dropped,
            is_refused,
            ..
        }) = &mut self.path
        else {
            return Ok(Received::Empty);
        };
        if is_refused.take() {
            return Ok(Received::Refused);
        }
        let descriptor = socket.as_raw_fd();
        let received = socket.try_io(Interest::READABLE, |_| {
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
        let Some(Path { socket, is_refused, .. }) = &self.path else {
            return Ok(());
        };
        let socket = socket.get_ref();
        match socket.send(datagram) {
            Ok(_) => Ok(()),
            Err(error) => match error.kind() {
                // The refusal of an earlier datagram, kept for the receiving side; this one goes out.
                io::ErrorKind::ConnectionRefused => {
                    is_refused.set(true);
                    socket.send(datagram).map(drop).or(Ok(()))
                }
                io::ErrorKind::WouldBlock => Ok(()),
                _ => Err(error),
            },
        }
    }
}

impl Path {
    fn open(own: SocketAddr, peer: IpAddr, is_shared: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(own), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if own.is_ipv4() {
            let _ = socket.set_tos_v4(TRAFFIC_CLASS);
        } else {
            let _ = socket.set_tclass_v6(TRAFFIC_CLASS);
        }
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        socket.set_reuse_port(is_shared)?;
        socket.bind(&SockAddr::from(own))?;
        socket.connect(&SockAddr::from(SocketAddr::new(peer, own.port())))?;
        // Without it, the status lacks a count and nothing else.
        let _ = setsockopt(&socket, RxqOvfl, &1);
        Ok(Self {
            capacity: socket.recv_buffer_size()? / SMALLEST_CHARGE + 1,
            socket: incoming::register(socket)?,
            control: cmsg_space!(u32),
            is_refused: Cell::new(false),
            dropped: 0,
        })
    }
}

/// Binds a second socket to the address of a shared heartbeat socket. Being connected to nobody, it gets what does not come from the
/// peer: of several sockets on a port, the kernel chooses the connected one for what comes from its other end.
///
/// # Errors
/// If the address is not on this host, or a process of another user has the port.
pub fn bind_shared(own: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(own), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&SockAddr::from(own))?;
    Ok(socket)
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

    /// The kernel tells of a refusal once, and it is sending that asks first: nothing but the refusal would wake a receiver.
    #[tokio::test]
    async fn a_refusal_that_meets_a_datagram_on_its_way_out_is_told() {
        let (mut socket, peer) = pair_of_sockets();
        drop(peer);
        let mut buffer = [0; MAX_DATAGRAM + 1];
        // On loopback the refusal is there when the call returns.
        socket.send(b"nobody hears this").unwrap();
        socket.send(b"nor this").unwrap();
        let told = socket.try_receive(&mut buffer).unwrap();
        assert!(matches!(told, Received::Refused), "{told:?}");
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

    #[tokio::test]
    async fn what_comes_from_the_peer_and_what_comes_from_others_are_kept_apart() {
        let [own, first, second] = [[127, 0, 8, 1], [127, 0, 8, 2], [127, 0, 8, 3]].map(Ipv4Addr::from);
        let peers = StdSocket::bind((first, 0)).unwrap();
        let port = peers.local_addr().unwrap().port();
        let others = StdSocket::bind((second, port)).unwrap();
        let mut socket = HeartbeatSocket::open_shared(own.into(), None, port).unwrap();
        let beside = StdSocket::from(bind_shared((own, port).into()).unwrap());
        beside.set_nonblocking(false).unwrap();
        let mut buffer = [0; MAX_DATAGRAM + 1];
        let mut heard_beside = || {
            let (length, from) = beside.recv_from(&mut buffer).unwrap();
            (length, from.ip())
        };
        // Nobody is the peer.
        peers.send_to(b"1", (own, port)).unwrap();
        assert_eq!(heard_beside(), (1, first.into()));
        assert_eq!(take(&mut socket, usize::MAX), (0, 0));
        socket.send(b"to nobody").unwrap();
        for (peer, (from, other)) in [(first, (&peers, &others)), (second, (&others, &peers))] {
            socket.lead_to(peer.into()).unwrap();
            other.send_to(b"22", (own, port)).unwrap();
            assert_eq!(heard_beside(), (2, other.local_addr().unwrap().ip()));
            from.send_to(b"333", (own, port)).unwrap();
            socket.readable().await.unwrap();
            assert_eq!(take(&mut socket, usize::MAX), (1, 0));
            socket.send(b"4444").unwrap();
            let mut answer = [0; 8];
            assert_eq!(from.recv_from(&mut answer).unwrap(), (4, (own, port).into()));
        }
    }
}
