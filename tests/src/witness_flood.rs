//! A flood of a node's port for witnesses: garbage, and datagrams of the right form that somebody without the keys has signed.
//!
//! That socket is not connected, so whoever reaches the port can send there: no address has to be forged.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pair_core::{Incarnation, Member};
use pair_wire::datagram::DropCause;
use pair_wire::key::{Key, KeyRing, SECRET_LEN};
use pair_wire::witness::{Asker, MAX_LEN, NONCE_LEN, Nonce, QUESTION_LEN, REQUEST_LEN};

use crate::config::PAIR_NAME;
use crate::pair::Pair;
use crate::witness::WITNESS_PORT;

/// A flood that goes on until it is ended.
#[derive(Debug)]
pub struct WitnessFlood {
    ended: Arc<AtomicBool>,
    life: JoinHandle<BTreeMap<&'static str, u64>>,
}

impl WitnessFlood {
    /// Begins to flood a node from the host of the witness.
    ///
    /// # Panics
    /// If that host has no port left.
    #[must_use]
    pub fn begin(pair: &Pair, node: &str) -> Self {
        let to = SocketAddr::from((pair.place(node).private_ip, WITNESS_PORT));
        let socket = UdpSocket::bind((pair.witness_ip(), 0)).expect("a port is free");
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let life = thread::spawn(move || flood(&socket, to, &until));
        Self { ended, life }
    }

    /// Ends it, and gives how many were sent of what is dropped for which cause.
    ///
    /// # Panics
    /// If it had ended of something else.
    #[must_use]
    pub fn end(self) -> BTreeMap<&'static str, u64> {
        self.ended.store(true, Ordering::Relaxed);
        self.life.join().expect("it floods until it is told to end")
    }
}

fn flood(socket: &UdpSocket, to: SocketAddr, ended: &AtomicBool) -> BTreeMap<&'static str, u64> {
    let ammunition = ammunition(to);
    let mut sent = BTreeMap::new();
    let mut next = ammunition.iter().cycle();
    while !ended.load(Ordering::Relaxed) {
        for (cause, datagram) in next.by_ref().take(PER_TICK) {
            *sent.entry(cause.name()).or_default() += u64::from(socket.send_to(datagram, to).is_ok());
        }
        thread::sleep(TICK);
    }
    sent
}

/// What must have no effect, each with the cause for which it is dropped.
fn ammunition(to: SocketAddr) -> Vec<(DropCause, Vec<u8>)> {
    // Under the id that real keys have, too.
    let foreign = KeyRing::single(Key::new(1, [7; SECRET_LEN]));
    let asker = Asker::new(PAIR_NAME, Member::First, Incarnation(4711), &foreign, &foreign);
    let request = asker.request(Nonce([7; NONCE_LEN]), to);
    let question_at = REQUEST_LEN - TAG_LEN - QUESTION_LEN;
    let question = &request[question_at..question_at + QUESTION_LEN];
    vec![
        (DropCause::TooShort, Vec::new()),
        (DropCause::TooShort, request[..7].to_vec()),
        (DropCause::Magic, vec![0xa5; REQUEST_LEN]),
        (DropCause::Magic, vec![0; MAX_LEN]),
        (DropCause::Tag, request.to_vec()),
        (DropCause::Tag, question.to_vec()),
    ]
}

/// How long a tag is: that of HMAC-SHA256.
const TAG_LEN: usize = 32;

/// Some 10,000 datagrams a second.
const PER_TICK: usize = 10;
const TICK: Duration = Duration::from_millis(1);
