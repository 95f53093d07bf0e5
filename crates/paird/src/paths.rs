//! The paths of heartbeats: one socket for each pair of addresses, and how each of them is.
//!
//! ```text
//!            ┌─ own 0 ◄──► peer 0 ─┐
//!  send ────►┤                     ├────► first arrival: the core    copies: health of the path, nothing else
//!            └─ own 1 ◄──► peer 1 ─┘
//! ```
//!
//! Each datagram is sent on all paths. The core knows nothing of them: it hears each heartbeat once, by the path that was quicker, and is
//! told that the peer's port is unreachable when no path says otherwise.
//!
//! By which paths a node hears its peer it tells in each datagram, so that a path which is cut one way is shown at both of its ends.

mod health;

use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::task::Poll;
use std::time::Duration;

use pair_core::{Instant, Prefix};
use pair_wire::datagram::{HeardPaths, MAX_DATAGRAM};
use tracing::debug;

use crate::config::{AddressIndex, NOWHERE};
use crate::socket::{HeartbeatSocket, Received};

pub use health::{Change, PathState};

use health::Health;

/// How long a path whose own address was not on this host waits until it is tried again: an interface may come up late.
const REOPEN: Duration = Duration::from_secs(5);

/// All paths to the peer.
#[derive(Debug)]
pub struct Paths {
    paths: Vec<Path>,
    port: u16,
    reopen_at: Instant,
    /// By which paths the peer hears this node, in its own words.
    heard_by_peer: HeardPaths,
}

/// One path.
#[derive(Debug)]
pub struct Path {
    /// The address of this node at its one end.
    pub own: IpAddr,
    /// The address of the peer at the other end.
    pub peer: IpAddr,
    /// `None` while it cannot be opened.
    socket: Option<HeartbeatSocket>,
    /// Whether the last thing heard there was that nobody listens.
    is_refused: bool,
    health: Health,
}

impl Paths {
    /// Opens a path for each pair of addresses. One that cannot be opened is tried again later.
    ///
    /// # Errors
    /// Why the first one cannot be opened, if none can.
    pub fn open(ends: impl IntoIterator<Item = (IpAddr, IpAddr)>, port: u16) -> io::Result<Self> {
        let mut first_error = None;
        let mut paths = Vec::new();
        for (own, peer) in ends {
            let opened = HeartbeatSocket::open(own, peer, port);
            let socket = opened
                .map_err(|error| {
                    debug!(%error, %own, "heartbeat path not opened");
                    first_error.get_or_insert(error);
                })
                .ok();
            paths.push(Path {
                own,
                peer,
                socket,
                is_refused: false,
                health: Health::default(),
            });
        }
        match first_error.filter(|_| paths.iter().all(|path| path.socket.is_none())) {
            Some(error) => Err(error),
            None => Ok(Self {
                paths,
                port,
                reopen_at: Instant::ZERO,
                heard_by_peer: HeardPaths::default(),
            }),
        }
    }

    /// Opens the one path there is to a peer that [is found](HeartbeatSocket::open_shared), and may be another one later.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open_shared(own: IpAddr, peer: Option<IpAddr>, port: u16) -> io::Result<Self> {
        let path = Path {
            own,
            peer: peer.unwrap_or(IpAddr::V4(NOWHERE)),
            socket: Some(HeartbeatSocket::open_shared(own, peer, port)?),
            is_refused: false,
            health: Health::default(),
        };
        Ok(Self {
            paths: vec![path],
            port,
            reopen_at: Instant::ZERO,
            heard_by_peer: HeardPaths::default(),
        })
    }

    /// Leads the one path there is to another peer.
    ///
    /// # Errors
    /// If it cannot be opened; it is the one before then.
    pub fn lead_to(&mut self, peer: IpAddr) -> io::Result<()> {
        for path in &mut self.paths {
            if let Some(socket) = &mut path.socket {
                socket.lead_to(peer)?;
            }
            path.peer = peer;
            path.health = Health::default();
        }
        self.heard_by_peer = HeardPaths::default();
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.paths.len()
    }

    /// Each of them, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter()
    }

    /// How many datagrams can wait at most on this path.
    #[must_use]
    pub fn capacity(&self, path: usize) -> usize {
        self.socket(path).map_or(0, HeartbeatSocket::capacity)
    }

    /// Waits until something can be received on any path.
    ///
    /// # Errors
    /// Those of the reactor: the daemon cannot go on.
    pub async fn readable(&self) -> io::Result<()> {
        poll_fn(|context| {
            let sockets = self.paths.iter().filter_map(|path| path.socket.as_ref());
            for socket in sockets {
                if let Poll::Ready(outcome) = socket.poll_readable(context) {
                    return Poll::Ready(outcome);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Takes what waits on this path, without waiting.
    ///
    /// # Errors
    /// A fault of the socket other than a refused or empty one.
    pub fn try_receive(&mut self, path: usize, buffer: &mut [u8; MAX_DATAGRAM + 1]) -> io::Result<Received> {
        let Some(path) = self.paths.get_mut(path) else {
            return Ok(Received::Empty);
        };
        let Some(socket) = &mut path.socket else {
            return Ok(Received::Empty);
        };
        let received = socket.try_receive(buffer);
        match &received {
            Ok(Received::Datagram { .. }) => path.is_refused = false,
            Ok(Received::Refused) => path.is_refused = true,
            Ok(Received::Empty) | Err(_) => {}
        }
        received
    }

    /// Sends a datagram on all paths.
    pub fn send(&self, datagram: &[u8]) {
        for path in &self.paths {
            let Some(socket) = &path.socket else { continue };
            if let Err(error) = socket.send(datagram) {
                debug!(%error, own = %path.own, "heartbeat not sent");
            }
        }
    }

    /// Takes in that a heartbeat about this address came by this path, be it the first copy or not.
    pub fn hear(&mut self, now: Instant, path: usize, address: AddressIndex, prefix: &Prefix) {
        if let Some(path) = self.paths.get_mut(path) {
            path.health.hear(now, address, prefix);
        }
    }

    /// Takes in by which paths the peer says that it hears this node.
    pub const fn hear_of_peer(&mut self, heard: HeardPaths) {
        self.heard_by_peer = heard;
    }

    /// By which paths this node hears its peer.
    #[must_use]
    pub fn heard(&self) -> HeardPaths {
        HeardPaths::of(self.paths.iter().map(|path| path.state() == PathState::Alive))
    }

    /// Whether the peer says that it hears this node by a path; `None` if it has not said.
    #[must_use]
    pub fn is_heard_by_peer(&self, path: usize) -> Option<bool> {
        self.heard_by_peer.is_heard_by(path)
    }

    /// Whether no path speaks against it that nobody listens at the peer: each was refused, or has been silent for that long.
    #[must_use]
    pub fn are_refused(&self, now: Instant, holdtime: Duration) -> bool {
        let mut paths = self.paths.iter();
        paths.all(|path| path.is_refused || path.health.is_silent(now, holdtime))
    }

    /// Follows how each path is, and names those that have fallen silent for that long, or speak again.
    pub fn follow(&mut self, now: Instant, holdtime: Duration) -> Vec<(usize, Change)> {
        if now >= self.reopen_at {
            self.reopen_at = now + REOPEN;
            self.reopen();
        }
        let paths = self.paths.iter_mut().enumerate();
        paths
            .filter_map(|(index, path)| path.health.follow(now, holdtime).map(|change| (index, change)))
            .collect()
    }

    fn reopen(&mut self) {
        for path in self.paths.iter_mut().filter(|path| path.socket.is_none()) {
            path.socket = HeartbeatSocket::open(path.own, path.peer, self.port).ok();
        }
    }

    fn socket(&self, path: usize) -> Option<&HeartbeatSocket> {
        self.paths.get(path)?.socket.as_ref()
    }
}

impl Path {
    /// How it is.
    #[must_use]
    pub fn state(&self) -> PathState {
        if self.socket.is_none() {
            PathState::Closed
        } else {
            self.health.state()
        }
    }

    /// When something was last heard on it.
    #[must_use]
    pub fn heard_at(&self) -> Option<Instant> {
        self.health.heard_at()
    }

    /// How many of the last heartbeats it has lost, in percent.
    #[must_use]
    pub fn loss_percent(&self) -> Option<u32> {
        self.health.loss_percent()
    }

    /// Its ends, in words.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} to {}", self.own, self.peer)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv6Addr, UdpSocket as StdSocket};

    use super::*;

    const HOLDTIME: Duration = Duration::from_secs(1);

    /// Paths between 127.0.9.N and 127.0.10.N for each N, and the sockets at their other ends.
    fn paths(numbers: &[u8]) -> (Paths, Vec<StdSocket>) {
        let ends = |number: u8| -> (IpAddr, IpAddr) { ([127, 0, 9, number].into(), [127, 0, 10, number].into()) };
        let first = StdSocket::bind((ends(numbers[0]).1, 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        let others = numbers[1..]
            .iter()
            .map(|number| StdSocket::bind((ends(*number).1, port)).unwrap());
        let peers: Vec<StdSocket> = std::iter::once(first).chain(others).collect();
        let paths = Paths::open(numbers.iter().map(|number| ends(*number)), port).unwrap();
        for (peer, number) in peers.iter().zip(numbers) {
            peer.connect((ends(*number).0, port)).unwrap();
        }
        (paths, peers)
    }

    /// Sends until something comes by this path: what is sent before the reactor knows the sockets is lost, as any heartbeat may be.
    async fn exchange(paths: &mut Paths, path: usize, mut answer: impl FnMut()) -> Received {
        let mut buffer = [0; MAX_DATAGRAM + 1];
        loop {
            paths.send(b"beat");
            answer();
            // What the outcome is, the look into the socket tells.
            let _ = tokio::time::timeout(Duration::from_millis(10), paths.readable()).await;
            match paths.try_receive(path, &mut buffer).unwrap() {
                Received::Empty => {}
                received => return received,
            }
        }
    }

    #[tokio::test]
    async fn what_is_sent_goes_out_on_all_paths_and_what_comes_on_any_is_heard() {
        let (mut paths, peers) = paths(&[1, 2]);
        for peer in &peers {
            peer.set_nonblocking(true).unwrap();
        }
        for path in [0, 1] {
            let mut heard = [false; 2];
            let received = exchange(&mut paths, path, || {
                for (peer, heard) in peers.iter().zip(&mut heard) {
                    *heard |= peer.recv(&mut [0; 8]).is_ok();
                }
                if heard == [true; 2] {
                    peers[path].send(b"back").unwrap();
                }
            });
            assert!(matches!(received.await, Received::Datagram { length: 4, .. }));
        }
    }

    #[tokio::test]
    async fn a_path_that_is_refused_says_nothing_while_another_one_speaks() {
        let (mut paths, _peers) = paths(&[3, 4]);
        let now = Instant::from_origin(HOLDTIME * 10);
        let prefix = Prefix {
            sender: pair_core::Member::Second,
            incarnation: pair_core::Incarnation(1),
            sequence: pair_core::Sequence(1),
            echo: None,
        };
        paths.hear(now, 0, AddressIndex(0), &prefix);
        paths.hear(now, 1, AddressIndex(0), &prefix);
        paths.paths[0].is_refused = true;
        assert!(!paths.are_refused(now, HOLDTIME));
        paths.paths[1].is_refused = true;
        assert!(paths.are_refused(now, HOLDTIME));
        paths.paths[1].is_refused = false;
        assert!(
            paths.are_refused(now + HOLDTIME * 2, HOLDTIME),
            "the other one is silent by then"
        );
    }

    #[tokio::test]
    async fn a_path_whose_address_is_missing_keeps_nobody_from_the_others() {
        let elsewhere: IpAddr = [203, 0, 113, 1].into();
        let here = |number| IpAddr::from([127, 0, 9, number]);
        let ends = [(elsewhere, here(6)), (here(7), here(8))];
        let mut paths = Paths::open(ends, 7694).unwrap();
        assert_eq!(paths.iter().next().map(Path::state), Some(PathState::Closed));
        paths.send(b"beat");
        paths.follow(Instant::from_origin(REOPEN), HOLDTIME);
        assert!(Paths::open([ends[0]], 7694).is_err());
    }

    #[tokio::test]
    async fn a_path_of_ipv6_is_a_path() {
        let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
        // Its two ends are one socket, which hears what it says.
        let mut paths = Paths::open([(loopback, loopback)], 7695).unwrap();
        let received = exchange(&mut paths, 0, || ()).await;
        assert!(matches!(received, Received::Datagram { length: 4, .. }));
    }
}
