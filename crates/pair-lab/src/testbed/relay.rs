//! A detour for heartbeats: each is held back for a while of its own, so they arrive late and out of order.
//!
//! The router's filter gives heartbeats the relay's address as destination, and puts the sender's own address back when they leave the
//! relay: neither node can tell. What else passes between the nodes is not delayed.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use pair_lab::blocking::Engine;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use super::chance::Chance;
use super::network::{NODE_A, NODE_B, RELAY_FOR_A, RELAY_FOR_B};
use super::place::Place;

/// A running relay; dropped, it ends, with what it holds back.
#[derive(Debug)]
pub(crate) struct Relay {
    _engine: Engine,
}

impl Relay {
    /// Starts it on the router, with delays between both.
    pub(crate) fn start(router: &Place, from: Duration, to: Duration, seed: u64) -> Result<Self> {
        router.run(move || {
            let engine = Engine::start().context("cannot start the relay")?;
            for (own, target) in [(RELAY_FOR_A, NODE_B.address), (RELAY_FOR_B, NODE_A.address)] {
                let socket = engine
                    .run(UdpSocket::bind(SocketAddr::from((own, HEARTBEATS))))
                    .context("cannot open the relay")?;
                let chance = Chance::new(seed);
                engine.run(async {
                    tokio::spawn(relay(Arc::new(socket), (target, HEARTBEATS).into(), from, to, chance));
                });
            }
            Ok(Self { _engine: engine })
        })
    }
}

async fn relay(socket: Arc<UdpSocket>, target: SocketAddr, from: Duration, to: Duration, mut chance: Chance) {
    let mut datagram = vec![0; LONGEST];
    loop {
        // An error is the target's port unreachable, told to whoever sent last: heartbeats go on.
        let Ok(length) = socket.recv(&mut datagram).await else {
            continue;
        };
        let (socket, datagram, delay) = (
            Arc::clone(&socket),
            datagram[..length].to_vec(),
            chance.between(from, to),
        );
        tokio::spawn(async move {
            sleep(delay).await;
            socket.send_to(&datagram, target).await.ok();
        });
    }
}

/// The addresses at which the relay takes what this node sends.
pub(super) fn address_for(sender: Ipv4Addr) -> Ipv4Addr {
    if sender == NODE_A.address {
        RELAY_FOR_A
    } else {
        RELAY_FOR_B
    }
}

/// The port of paird's heartbeats.
pub(super) const HEARTBEATS: u16 = 7694;
/// More than any heartbeat.
const LONGEST: usize = 2048;
