//! A peer that the test itself plays: it speaks as node `b`, from its address, with the real core and the real wire.
//!
//! What it sends is recorded, so that a test can play it back after the peer's death.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as StdInstant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use pair_core::{
    Config, Fitness, Identity, Input, InstanceId, Instant, InterfaceId, Member, Node, Output, Version, Zone,
};
use pair_wire::datagram::{MAX_DATAGRAM, Receiver, Sender, WIRE_VERSION};
use pair_wire::key::KeyRing;
use sha2::Sha256;

use crate::config::{HEARTBEAT_PORT, PAIR_NAME};
use crate::pair::Pair;
use crate::wait::eventually;

/// Node `b`, alive until [`Speaker::die`].
#[derive(Debug)]
pub struct Speaker {
    from: SocketAddr,
    to: SocketAddr,
    ended: Arc<AtomicBool>,
    said: Arc<AtomicUsize>,
    life: JoinHandle<Vec<Vec<u8>>>,
}

/// What a node `b` said in its life.
#[derive(Debug)]
pub struct Recording {
    from: SocketAddr,
    to: SocketAddr,
    datagrams: Vec<Vec<u8>>,
}

impl Speaker {
    /// Begins to speak as a healthy node `b` whose metadata service says that it holds the address.
    ///
    /// # Panics
    /// If the agent of `b` runs: its socket is taken.
    #[must_use]
    pub fn begin(pair: &Pair) -> Self {
        Self::speak(pair, Tongue::Ours)
    }

    /// The same, in the heartbeats of the next version: what is behind the prefix is for nobody who reads this one.
    ///
    /// # Panics
    /// If the agent of `b` runs: its socket is taken.
    #[must_use]
    pub fn begin_as_successor(pair: &Pair) -> Self {
        Self::speak(pair, Tongue::Next)
    }

    fn speak(pair: &Pair, tongue: Tongue) -> Self {
        let (own, peer) = (pair.place("b").private_ip, pair.place("a").private_ip);
        let (from, to) = (
            SocketAddr::from((own, HEARTBEAT_PORT)),
            SocketAddr::from((peer, HEARTBEAT_PORT)),
        );
        let machine = pair.lab().node("b").expect("the lab has both nodes");
        let identity = Identity {
            instance: InstanceId::of(&machine.instance_id),
            zone: Zone::cut(&machine.availability_zone),
            interface: Some(InterfaceId::of(&machine.network_interface_id)),
        };
        let ended = Arc::new(AtomicBool::new(false));
        let body = Body {
            node: Node::new(config(peer.into(), own.into()), seed(), Instant::ZERO),
            ring: KeyRing::parse(&pair.key("b")).expect("pairctl made the key"),
            identity,
            socket: connected(from, to),
            begun: StdInstant::now(),
            tongue,
            key: pair.key("b"),
        };
        let said = Arc::new(AtomicUsize::new(0));
        let (until, count) = (Arc::clone(&ended), Arc::clone(&said));
        let life = thread::spawn(move || body.live(&until, &count));
        Self {
            from,
            to,
            ended,
            said,
            life,
        }
    }

    /// How many datagrams it has sent so far.
    #[must_use]
    pub fn said(&self) -> usize {
        self.said.load(Ordering::Relaxed)
    }

    /// Falls silent, and gives what was said.
    ///
    /// # Panics
    /// If it had died of something else.
    #[must_use]
    pub fn die(self) -> Recording {
        self.ended.store(true, Ordering::Relaxed);
        let datagrams = self.life.join().expect("it lives until it is told to die");
        Recording {
            from: self.from,
            to: self.to,
            datagrams,
        }
    }
}

impl Recording {
    /// Says everything once more, in order.
    ///
    /// # Panics
    /// If somebody else speaks from the address of `b`.
    pub fn play(&self) {
        let socket = connected(self.from, self.to);
        for datagram in &self.datagrams {
            // An error is the refusal of an earlier datagram: that nobody listens is no matter.
            socket.send(datagram).ok();
        }
    }
}

/// A living node `b`.
struct Body {
    node: Node,
    ring: KeyRing,
    identity: Identity,
    socket: UdpSocket,
    begun: StdInstant,
    tongue: Tongue,
    /// The key file.
    key: String,
}

/// Which version of the heartbeats is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tongue {
    Ours,
    Next,
}

impl Body {
    fn live(mut self, ended: &AtomicBool, count: &AtomicUsize) -> Vec<Vec<u8>> {
        let sender = Sender::new(PAIR_NAME, &self.ring);
        let mut receiver = Receiver::new(PAIR_NAME, Member::Second, self.node.incarnation(), &self.ring);
        let mut said = Vec::new();
        self.node.handle(self.now(), Input::Identity(self.identity.clone()));
        self.node.handle(
            self.now(),
            Input::Health {
                fitness: Fitness::Fit,
                saturated: false,
            },
        );
        self.node.handle(self.now(), Input::Readiness(true));
        self.node.handle(
            self.now(),
            Input::Imds {
                mine: true,
                asked_at: self.now(),
            },
        );
        while !ended.load(Ordering::Relaxed) {
            self.socket
                .set_read_timeout(Some(TURN))
                .expect("a turn is longer than nothing");
            let mut datagram = [0; MAX_DATAGRAM + 1];
            if let Ok(length) = self.socket.recv(&mut datagram)
                && let Ok(heartbeat) = receiver.open(&datagram[..length])
            {
                self.node.handle(self.now(), Input::Heartbeat(heartbeat));
            }
            self.node.handle(
                self.now(),
                Input::Imds {
                    mine: true,
                    asked_at: self.now(),
                },
            );
            self.node.handle(self.now(), Input::Wakeup);
            while let Some(output) = self.node.poll_output() {
                // It asks nothing of EC2 and probes nobody: no answer ever comes, as in a node that is cut off there.
                if let Output::Send(heartbeat) = output {
                    let mut datagram = [0; MAX_DATAGRAM];
                    let length = sender.encode(&heartbeat, &mut datagram);
                    let said_now = match self.tongue {
                        Tongue::Ours => datagram[..length].to_vec(),
                        Tongue::Next => in_the_next_version(&datagram[..length], &self.key),
                    };
                    self.socket.send(&said_now).ok();
                    said.push(said_now);
                    count.store(said.len(), Ordering::Relaxed);
                }
            }
        }
        said
    }

    fn now(&self) -> Instant {
        Instant::from_origin(self.begun.elapsed())
    }
}

/// The same header and prefix under the next version, with a report that nobody knows, signed anew.
fn in_the_next_version(datagram: &[u8], key: &str) -> Vec<u8> {
    let mut signed = datagram[..PREFIX_END].to_vec();
    signed[VERSION_AT] = WIRE_VERSION + 1;
    signed.extend_from_slice(b"what a later version has to say");
    let secret = key
        .split_whitespace()
        .nth(1)
        .expect("a key file has an id and a secret");
    let secret: Vec<u8> = (0..secret.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&secret[at..at + 2], 16).expect("a secret is hexadecimal"))
        .collect();
    let mac = Hmac::<Sha256>::new_from_slice(&secret).expect("HMAC takes a key of any length");
    let tag = mac.chain_update(&signed).finalize().into_bytes();
    signed.extend_from_slice(&tag);
    signed
}

/// Where header and prefix end, and where the version is, in every version (`docs/PROTOCOL.md`).
const PREFIX_END: usize = 56;
const VERSION_AT: usize = 4;

fn connected(from: SocketAddr, to: SocketAddr) -> UdpSocket {
    // A process that another test is just starting holds a copy of every socket for a moment, the last one here included.
    let socket = eventually("nobody else speaks for b", || UdpSocket::bind(from).ok());
    socket.connect(to).expect("a loopback address can be connected to");
    socket
}

fn config(first: IpAddr, second: IpAddr) -> Config {
    Config {
        me: Member::Second,
        preferred: Member::First,
        private_ips: [first, second],
        interval: Duration::from_millis(200),
        holdtime: Duration::from_secs(1),
        probe_timeout: None,
        lost_contact_takeover: Duration::from_secs(60),
        unfit_delay: Duration::from_secs(1),
        refit: Duration::from_secs(60),
        call_timeout: Duration::from_secs(2),
        preempt_delay: None,
        strict: false,
        restart_grace: Duration::from_secs(10),
        witnesses: pair_core::Witnessing::default(),
        version: Version::cut("0.0.0-e2e"),
    }
}

fn seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    u64::from_le_bytes(bytes)
}

/// How long it waits for a datagram before it looks at the clock.
const TURN: Duration = Duration::from_millis(10);
