//! Hears who knocks: a datagram of the pair from an address that is not the peer's, such as a replaced instance's first one.
//!
//! The heartbeat socket is connected, so the kernel keeps everything else from it; what it keeps from it comes here, to a second
//! socket on the same port that is not connected. Nothing that is heard here is a heartbeat or life. If it has the pair's key,
//! somebody of the pair is at an address that this node does not know, and EC2 is asked who.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pair_core::{Incarnation, Member};
use pair_wire::datagram::{MAX_DATAGRAM, Receiver};
use pair_wire::key::KeyRing;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::socket;

/// How many datagrams are looked at before a rest, unless one of them is a knock: each costs an HMAC, and anybody can send.
const AT_ONCE: u32 = 16;

/// The rest.
const REST: Duration = Duration::from_secs(1);

/// The second socket, and what it takes to know who knocks.
pub(super) struct Doorbell {
    socket: UdpSocket,
    /// By what names the pair's heartbeats are known, one for each address.
    names: Vec<String>,
    me: Member,
    ring: watch::Receiver<KeyRing>,
    /// When to listen again.
    rested_at: Instant,
}

impl Doorbell {
    /// Listens at `own`, beside the heartbeat socket, for those who have a key of the ring.
    ///
    /// # Errors
    /// If the address is not on this host or the port is taken by somebody else.
    pub(super) fn open(
        own: IpAddr,
        port: u16,
        names: Vec<String>,
        me: Member,
        ring: watch::Receiver<KeyRing>,
    ) -> io::Result<Self> {
        let socket = socket::bind_shared(SocketAddr::new(own, port))?;
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
            names,
            me,
            ring,
            rested_at: Instant::now(),
        })
    }

    /// Waits until somebody with the pair's key knocks, and says from where. Between two knocks there is a rest.
    ///
    /// # Errors
    /// Those of the reactor.
    pub(super) async fn rung(&mut self) -> io::Result<SocketAddr> {
        let mut buffer = [0; MAX_DATAGRAM + 1];
        loop {
            tokio::time::sleep_until(self.rested_at).await;
            for _ in 0..AT_ONCE {
                // An ICMP error of somebody else's datagram cannot come to a socket that sends nothing.
                let (length, from) = self.socket.recv_from(&mut buffer).await?;
                if self.is_of_pair(&buffer[..length]) {
                    self.rested_at = Instant::now() + REST;
                    return Ok(from);
                }
            }
            self.rested_at = Instant::now() + REST;
        }
    }

    fn is_of_pair(&self, datagram: &[u8]) -> bool {
        self.names.iter().any(|name| {
            // A receiver of its own each time: what knocks is no heartbeat, and has no order.
            let mut receiver = Receiver::new(name, self.me, Incarnation(0), &self.ring.borrow());
            let opened = receiver.is_named_in(datagram).then(|| receiver.open(datagram));
            opened.is_some_and(|heard| heard.is_ok_and(|heartbeat| heartbeat.prefix.sender == self.me.peer()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket as StdSocket};

    use pair_core::{Heartbeat, Prefix, Sequence};
    use pair_wire::datagram::Sender;
    use pair_wire::key::{Key, SECRET_LEN};

    use super::*;

    const OWN: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 1);
    const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 9, 2);

    fn ring(secret: u8) -> KeyRing {
        KeyRing::single(Key::new(1, [secret; SECRET_LEN]))
    }

    /// A heartbeat without a report, as that of another version.
    fn heartbeat(pair: &str, secret: u8, sender: Member) -> Vec<u8> {
        let prefix = Prefix {
            sender,
            incarnation: Incarnation(4711),
            sequence: Sequence(1),
            echo: None,
        };
        let mut datagram = [0; MAX_DATAGRAM];
        let heartbeat = Heartbeat { prefix, report: None };
        let length = Sender::new(pair, &ring(secret)).encode(&heartbeat, &mut datagram);
        datagram[..length].to_vec()
    }

    #[tokio::test]
    async fn only_who_has_the_key_and_is_the_other_node_knocks() {
        let knocker = StdSocket::bind((STRANGER, 0)).unwrap();
        let port = knocker.local_addr().unwrap().port();
        let keys = watch::Sender::new(ring(1));
        let names = vec!["lb-1".to_owned(), "lb-1/second".to_owned()];
        let mut doorbell = Doorbell::open(OWN.into(), port, names, Member::First, keys.subscribe()).unwrap();
        for noise in [
            b"noise".to_vec(),
            heartbeat("lb-1", 2, Member::Second),
            heartbeat("lb-2", 1, Member::Second),
            heartbeat("lb-1", 1, Member::First),
        ] {
            knocker.send_to(&noise, (OWN, port)).unwrap();
        }
        let other = StdSocket::bind((Ipv4Addr::new(127, 0, 9, 3), port)).unwrap();
        other
            .send_to(&heartbeat("lb-1/second", 1, Member::Second), (OWN, port))
            .unwrap();
        assert_eq!(doorbell.rung().await.unwrap(), other.local_addr().unwrap());
        // Another key is in force from here on.
        keys.send_replace(ring(2));
        knocker
            .send_to(&heartbeat("lb-1", 1, Member::Second), (OWN, port))
            .unwrap();
        other
            .send_to(&heartbeat("lb-1", 2, Member::Second), (OWN, port))
            .unwrap();
        assert_eq!(doorbell.rung().await.unwrap(), other.local_addr().unwrap());
    }
}
