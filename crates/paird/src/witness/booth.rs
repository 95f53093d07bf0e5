//! A node's socket for witnesses: it asks them, answers its peer's questions, and is a witness for others.
//!
//! It is not connected, and its own: whatever comes here fills no heartbeat's buffer, and the loop takes a bounded number of
//! datagrams from it per turn, after all heartbeats.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pair_core::{Fitness, Incarnation, Input, Instant, Member, WitnessIndex};
use pair_wire::datagram::{DropCause, Drops};
use pair_wire::key::KeyRing;
use pair_wire::witness::{Asker, Kind, MAX_LEN, NONCE_LEN, Nonce, Responder};
use socket2::SockRef;
use tokio::net::UdpSocket;
use tracing::{debug, trace, warn};

use super::desk::{Counts, Desk};
use super::porter::{Porter, Refusal};
use crate::config::AddressIndex;

/// How many datagrams a turn takes: more than any suspicion of this pair makes, and half a millisecond of work.
const PER_TURN: usize = 128;

/// What is to be told to a core, and to that of which address.
pub type Heard = (AddressIndex, Input);

/// The socket and what is behind it.
pub struct Booth {
    socket: UdpSocket,
    witnesses: Vec<SocketAddr>,
    /// Where the peer's booth is.
    peer: SocketAddr,
    asker: Asker,
    responder: Responder,
    porter: Porter,
    desk: Desk,
    drops: Drops,
    carried: u64,
    answered: u64,
    refused: u64,
}

/// What a [`Booth`] is made of.
#[derive(Debug)]
pub struct BoothParts<'a> {
    /// The name of the pair.
    pub pair: &'a str,
    /// Which of the two nodes this is.
    pub me: Member,
    /// The run of this node.
    pub incarnation: Incarnation,
    /// The own address and the peer's.
    pub own: IpAddr,
    /// The peer's.
    pub peer: IpAddr,
    /// The port of both booths.
    pub port: u16,
    /// Where the witnesses are.
    pub witnesses: Vec<SocketAddr>,
    /// The keys of the pair.
    pub pair_ring: &'a KeyRing,
    /// The keys that the witnesses have, too.
    pub witness_ring: &'a KeyRing,
}

impl Booth {
    /// Opens the socket.
    ///
    /// # Errors
    /// If the address is not on this host or the port is taken.
    pub fn open(parts: BoothParts<'_>) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind((parts.own, parts.port))?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket)?,
            witnesses: parts.witnesses,
            peer: SocketAddr::new(parts.peer, parts.port),
            asker: Asker::new(
                parts.pair,
                parts.me,
                parts.incarnation,
                parts.pair_ring,
                parts.witness_ring,
            ),
            responder: Responder::new(parts.pair, parts.me, parts.incarnation, parts.pair_ring),
            porter: Porter::new(parts.witness_ring),
            desk: Desk::default(),
            drops: Drops::default(),
            carried: 0,
            answered: 0,
            refused: 0,
        })
    }

    /// Waits until something can be received.
    ///
    /// # Errors
    /// Those of the reactor: the daemon cannot go on.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// Uses these keys of the pair from here on.
    pub fn accept_keys(&mut self, pair_ring: &KeyRing) {
        self.asker.accept_keys(pair_ring);
        self.responder.accept_keys(pair_ring);
    }

    /// Asks about the peer at this address from here on: another instance is in its place.
    pub const fn lead_to(&mut self, peer: IpAddr) {
        self.peer.set_ip(peer);
    }

    /// Asks every witness on behalf of one address. Nothing is asked about a peer that is not known yet: nobody could pass it on.
    pub fn ask(&mut self, now: Instant, by: AddressIndex, timeout: Duration) {
        if self.peer.ip().is_unspecified() {
            return;
        }
        for (index, witness) in (0..).map(WitnessIndex).zip(&self.witnesses) {
            let mut nonce = [0; NONCE_LEN];
            if let Err(error) = getrandom::fill(&mut nonce) {
                warn!(%error, "no randomness for a question to a witness");
                return;
            }
            let nonce = Nonce(nonce);
            if !self.desk.asks(now, by, index, nonce, timeout) {
                return;
            }
            // What is not sent is not answered, and ends like anything that was lost on its way.
            self.send(&self.asker.request(nonce, self.peer), *witness);
        }
    }

    /// Takes what waits, as much as a turn may, and ends what is overdue. `fitness` is what this node says of itself.
    pub fn turn(&mut self, now: Instant, fitness: Fitness) -> Vec<Heard> {
        let mut heard = Vec::new();
        let mut buffer = [0; MAX_LEN + 1];
        for _ in 0..PER_TURN {
            match self.socket.try_recv_from(&mut buffer) {
                Ok((length, from)) => match self.receive(now, from, &buffer[..length], fitness) {
                    Ok(told) => heard.extend(told),
                    Err(cause) => {
                        self.drops.count(cause);
                        trace!(%cause, %from, "datagram at the witness port dropped");
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP error to something that was sent: reading it has cleared it.
                Err(error) => debug!(%error, "witness path"),
            }
        }
        heard.extend(self.desk.end_overdue(now));
        heard
    }

    /// When the time of a question is over.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.desk.next_at()
    }

    /// How this node's questions ended so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        self.desk.counts()
    }

    /// How many questions of others it has passed on, how many of its peer it has answered, and how many requests it has refused since
    /// their source asks too often.
    #[must_use]
    pub const fn served(&self) -> [(&'static str, u64); 3] {
        [
            ("passed-on", self.carried),
            ("answered", self.answered),
            ("too-often", self.refused),
        ]
    }

    /// What was dropped so far.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    fn receive(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &[u8],
        fitness: Fitness,
    ) -> Result<Option<Heard>, DropCause> {
        match Kind::of(datagram)? {
            Kind::Request => self.carry(now, from, datagram).map(|()| None),
            Kind::Question => {
                let answer = self.responder.answer(datagram, fitness)?;
                self.answered += 1;
                self.send(&answer, from);
                Ok(None)
            }
            Kind::Answer if self.porter.knows(datagram) => {
                let to = self.porter.deliver(now, from, datagram)?;
                self.send(datagram, to);
                Ok(None)
            }
            Kind::PassedOn | Kind::Answer => Ok(self.desk.hear(self.asker.read(datagram)?)),
        }
    }

    fn carry(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Result<(), DropCause> {
        match self.porter.take(now, from, datagram) {
            Ok(round) => {
                self.carried += 1;
                self.send(&round.errand.question, round.errand.to);
                self.send(&round.passed_on, from);
                Ok(())
            }
            Err(Refusal::Busy) => {
                self.refused += 1;
                Ok(())
            }
            Err(Refusal::Dropped(cause)) => Err(cause),
        }
    }

    /// Sends, or drops what the socket does not take: who asked asks again. Past the reactor, which does not know before its first turn
    /// that the socket takes anything.
    fn send(&self, datagram: &[u8], to: SocketAddr) {
        if let Err(error) = SockRef::from(&self.socket).send_to(datagram, &to.into()) {
            debug!(%error, %to, "not sent from the witness port");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket as StdSocket};

    use pair_core::WitnessOutcome;
    use pair_wire::key::{Key, SECRET_LEN};

    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(500);
    const SEAT: AddressIndex = AddressIndex(0);

    fn ring(byte: u8) -> KeyRing {
        KeyRing::single(Key::new(1, [byte; SECRET_LEN]))
    }

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    /// A port that is free at this address.
    fn free_port(host: Ipv4Addr) -> u16 {
        let socket = StdSocket::bind((host, 0)).unwrap();
        socket.local_addr().unwrap().port()
    }

    struct Hosts {
        asker: Booth,
        peer: Booth,
        witness: Booth,
    }

    /// Both nodes of a pair, and a node of another pair that has this key for its witnesses.
    fn hosts(network: u8, witness_key: u8) -> Hosts {
        let [own, peer, third] = [1, 2, 3].map(|host| Ipv4Addr::new(127, 0, network, host));
        let port = free_port(third);
        let open = |pair: &str, me, own: Ipv4Addr, peer: Ipv4Addr, witnesses, pair_key, witness_key| {
            Booth::open(BoothParts {
                pair,
                me,
                incarnation: Incarnation(1),
                own: own.into(),
                peer: peer.into(),
                port,
                witnesses,
                pair_ring: &ring(pair_key),
                witness_ring: &ring(witness_key),
            })
            .unwrap()
        };
        let witnesses = vec![SocketAddr::from((third, port))];
        Hosts {
            asker: open("lb-1", Member::Second, own, peer, witnesses, 1, 9),
            peer: open("lb-1", Member::First, peer, own, Vec::new(), 1, 9),
            witness: open("lb-2", Member::First, third, own, Vec::new(), 2, witness_key),
        }
    }

    /// Waits until something has come, and takes it.
    async fn take(booth: &mut Booth, now: Instant, fitness: Fitness) -> Vec<WitnessOutcome> {
        booth.readable().await.unwrap();
        let heard = booth.turn(now, fitness).into_iter().map(|(by, input)| {
            let Input::Witnessed {
                begun_at,
                witness,
                outcome,
            } = input
            else {
                panic!("{input:?}")
            };
            assert_eq!((by, begun_at, witness), (SEAT, at(1_000), WitnessIndex(0)));
            outcome
        });
        heard.collect()
    }

    #[tokio::test]
    async fn a_node_of_another_pair_is_a_witness() {
        let Hosts {
            mut asker,
            mut peer,
            mut witness,
        } = hosts(81, 9);
        asker.ask(at(1_000), SEAT, TIMEOUT);
        assert_eq!(take(&mut witness, at(1_000), Fitness::Fit).await, []);
        assert_eq!(
            take(&mut asker, at(1_000), Fitness::Fit).await,
            [WitnessOutcome::PassedOn]
        );
        assert_eq!(take(&mut peer, at(1_000), Fitness::Fit).await, []);
        assert_eq!(take(&mut witness, at(1_000), Fitness::Fit).await, []);
        assert_eq!(
            take(&mut asker, at(1_000), Fitness::Fit).await,
            [WitnessOutcome::Proved]
        );
        assert_eq!(asker.next_at(), None);
        assert_eq!(witness.served(), [("passed-on", 1), ("answered", 0), ("too-often", 0)]);
        assert_eq!(peer.served(), [("passed-on", 0), ("answered", 1), ("too-often", 0)]);
    }

    #[tokio::test]
    async fn a_turn_takes_no_more_than_it_may_however_much_waits() {
        let Hosts { mut witness, .. } = hosts(84, 9);
        let stranger = StdSocket::bind((Ipv4Addr::new(127, 0, 84, 9), 0)).unwrap();
        let to = witness.socket.local_addr().unwrap();
        for _ in 0..PER_TURN + 16 {
            stranger.send_to(b"nobody's", to).unwrap();
        }
        assert_eq!(take(&mut witness, at(0), Fitness::Fit).await, []);
        assert_eq!(witness.drops().total(), PER_TURN as u64);
        assert_eq!(take(&mut witness, at(0), Fitness::Fit).await, []);
        assert!(witness.drops().total() > PER_TURN as u64);
    }

    #[tokio::test]
    async fn what_the_peer_says_of_its_service_comes_back_with_its_answer() {
        let unfit = Fitness::Unfit(pair_core::Unfitness::ServiceGone);
        let Hosts {
            mut asker,
            mut peer,
            mut witness,
        } = hosts(82, 9);
        asker.ask(at(1_000), SEAT, TIMEOUT);
        take(&mut witness, at(1_000), Fitness::Fit).await;
        take(&mut asker, at(1_000), Fitness::Fit).await;
        take(&mut peer, at(1_000), unfit).await;
        take(&mut witness, at(1_000), Fitness::Fit).await;
        assert_eq!(
            take(&mut asker, at(1_000), Fitness::Fit).await,
            [WitnessOutcome::ProvedUnfit]
        );
    }

    #[tokio::test]
    async fn a_witness_with_another_key_drops_the_request_and_the_question_ends_with_its_time() {
        let Hosts {
            mut asker, mut witness, ..
        } = hosts(83, 8);
        asker.ask(at(1_000), SEAT, TIMEOUT);
        assert_eq!(take(&mut witness, at(1_000), Fitness::Fit).await, []);
        assert_eq!(witness.drops().of(DropCause::Tag), 1);
        assert_eq!(asker.next_at(), Some(at(1_500)));
        assert_eq!(asker.turn(at(1_499), Fitness::Fit), []);
        let over = asker.turn(at(1_500), Fitness::Fit);
        assert!(
            matches!(
                over[..],
                [(
                    SEAT,
                    Input::Witnessed {
                        outcome: WitnessOutcome::Nothing,
                        ..
                    }
                )]
            ),
            "{over:?}"
        );
    }
}
