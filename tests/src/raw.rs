//! UDP datagrams by raw sockets: sent from an address and port that somebody else has, and heard on their way to him.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::config::HEARTBEAT_PORT;

/// Sends datagrams to one node as if another had sent them.
#[derive(Debug)]
pub(crate) struct Forger {
    socket: Socket,
    packet: Vec<u8>,
}

impl Forger {
    /// Pretends to be the agent at `from`, towards the agent at `to`.
    ///
    /// # Panics
    /// Without the right to open raw sockets.
    pub(crate) fn new(from: Ipv4Addr, to: Ipv4Addr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(IPPROTO_RAW))).expect("root may");
        socket
            .connect(&SockAddr::from(SocketAddr::from((to, 0))))
            .expect("a loopback address can be connected to");
        // IPv4 with five words of header; what stays zero, the kernel fills in (raw(7)). No checksum in the UDP header.
        let mut packet = vec![0; HEADERS];
        packet[0] = 0x45;
        packet[8] = 64;
        packet[9] = IPPROTO_UDP;
        packet[12..16].copy_from_slice(&from.octets());
        packet[16..20].copy_from_slice(&to.octets());
        packet[20..22].copy_from_slice(&HEARTBEAT_PORT.to_be_bytes());
        packet[22..24].copy_from_slice(&HEARTBEAT_PORT.to_be_bytes());
        Self { socket, packet }
    }

    /// Sends one, and says whether it was sent.
    pub(crate) fn send(&mut self, datagram: &[u8]) -> bool {
        self.packet.truncate(HEADERS);
        self.packet.extend_from_slice(datagram);
        let length = u16::try_from(UDP_HEADER + datagram.len()).expect("a datagram is shorter than 64 KiB");
        self.packet[24..26].copy_from_slice(&length.to_be_bytes());
        self.socket.send(&self.packet).is_ok()
    }
}

/// Hears what one node says to another, without taking it away.
#[derive(Debug)]
pub(crate) struct Tap {
    socket: Socket,
}

impl Tap {
    /// Listens to what the agent at `from` sends to the one at `to`.
    ///
    /// # Panics
    /// Without the right to open raw sockets.
    pub(crate) fn new(from: Ipv4Addr, to: Ipv4Addr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP)).expect("root may");
        let address = |ip| SockAddr::from(SocketAddr::from((ip, 0)));
        socket.bind(&address(to)).expect("a loopback address can be bound");
        socket
            .connect(&address(from))
            .expect("a loopback address can be connected to");
        socket
            .set_read_timeout(Some(PATIENCE))
            .expect("it is longer than nothing");
        Self { socket }
    }

    /// Waits a short time for the next datagram.
    pub(crate) fn next(&self) -> Option<Vec<u8>> {
        let mut packet = [0; HEADERS + 1024];
        let length = io::Read::read(&mut &self.socket, &mut packet).ok()?;
        packet[..length].get(HEADERS..).map(<[u8]>::to_vec)
    }
}

const IPPROTO_RAW: i32 = 255;
const IPPROTO_UDP: u8 = 17;
const UDP_HEADER: usize = 8;
/// Of IPv4, without options, and UDP.
const HEADERS: usize = 20 + UDP_HEADER;
/// How long a tap waits before its owner may look whether it is over.
const PATIENCE: Duration = Duration::from_millis(50);
