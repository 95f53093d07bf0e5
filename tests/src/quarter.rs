//! Quarters of the loopback network: a test has 127.N.0.0/16 for itself, so tests can run side by side on fixed ports.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};

/// One quarter, as long as this lives.
#[derive(Debug)]
pub(crate) struct Quarter {
    number: u8,
    /// Bound in the quarter, so that no other test process takes it.
    _lease: UdpSocket,
}

impl Quarter {
    /// Takes a quarter that nobody has.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn take() -> Self {
        (0..COUNT)
            .find_map(|_| {
                // The next one each time: what the last test left in the kernel has time to go.
                let number = FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
                let lease = UdpSocket::bind((Ipv4Addr::new(127, number, 0, 1), LEASE_PORT)).ok()?;
                Some(Self { number, _lease: lease })
            })
            .expect("a quarter of 127.0.0.0/8 is free")
    }

    /// The private address of a node: 127.N.1.10 for the first, 127.N.2.10 for the second.
    pub(crate) const fn private_ip(&self, index: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, index + 1, 10)
    }

    /// Where the second address of a pair lands: 127.N.1.11 on the first node, 127.N.2.11 on the second.
    pub(crate) const fn second_private_ip(&self, index: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, index + 1, 11)
    }

    /// The end of a second path at a node: 127.N.1.12 for the first, 127.N.2.12 for the second.
    pub(crate) const fn second_end(&self, index: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, index + 1, 12)
    }

    /// The second address that a pair publishes, if it has two.
    pub(crate) const fn second_public_ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, 113, 11)
    }

    /// The address of a host outside of the pair, which may be a witness; 127.N.3.10 is a third instance's.
    pub(crate) const fn witness_ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, 4, 10)
    }

    /// How its addresses begin.
    pub(crate) fn prefix(&self) -> String {
        format!("127.{}.", self.number)
    }

    /// The address that the pair publishes.
    pub(crate) const fn public_ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, 113, 10)
    }
}

/// 127.0.0.0/16 and the quarters after it are everybody's: the demo and other tests use them.
const FIRST: u8 = 20;
const COUNT: u8 = 200;
const LEASE_PORT: u16 = 7693;
static NEXT: AtomicU8 = AtomicU8::new(0);
