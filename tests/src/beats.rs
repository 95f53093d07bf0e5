//! The heartbeats of one node, as they come to its peer's host: whether all came, and when.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pair_core::{Incarnation, Member};
use pair_wire::datagram::Receiver;
use pair_wire::key::KeyRing;

use crate::config::PAIR_NAME;
use crate::pair::Pair;
use crate::raw::Tap;

/// Listens to a node until it is ended.
#[derive(Debug)]
pub struct Beats {
    ended: Arc<AtomicBool>,
    life: JoinHandle<Vec<(Instant, u64)>>,
}

/// What was heard of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// How many heartbeats.
    pub count: u64,
    /// How many numbers are missing between the first and the last.
    pub missing: u64,
    /// The time from the first to the last.
    pub time: Duration,
    /// The longest time between one and the next.
    pub longest_gap: Duration,
}

impl Beats {
    /// Begins to listen to what the agent of a node says to its peer.
    ///
    /// # Panics
    /// Without the right to open raw sockets.
    #[must_use]
    pub fn of(pair: &Pair, node: &str) -> Self {
        let (peer, me) = if node == "a" {
            ("b", Member::Second)
        } else {
            ("a", Member::First)
        };
        let tap = Tap::new(pair.place(node).private_ip, pair.place(peer).private_ip);
        let ring = KeyRing::parse(&pair.key(node)).expect("pairctl made the key");
        let mut receiver = Receiver::new(PAIR_NAME, me, Incarnation(0), &ring);
        let ended = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&ended);
        let life = thread::spawn(move || {
            let mut heard = Vec::new();
            while !until.load(Ordering::Relaxed) {
                let Some(datagram) = tap.next() else { continue };
                if let Ok(heartbeat) = receiver.open(&datagram) {
                    heard.push((Instant::now(), heartbeat.prefix.sequence.0));
                }
            }
            heard
        });
        Self { ended, life }
    }

    /// Stops listening, and gives what was heard.
    ///
    /// # Panics
    /// If nothing was.
    #[must_use]
    pub fn end(self) -> Heard {
        self.ended.store(true, Ordering::Relaxed);
        let heard = self.life.join().expect("it listens until it is told to end");
        let (first, last) = (
            heard.first().expect("a node beats"),
            heard.last().expect("a node beats"),
        );
        let count = heard.len() as u64;
        let gaps = heard.windows(2).map(|two| two[1].0.duration_since(two[0].0));
        Heard {
            count,
            missing: last.1 - first.1 + 1 - count,
            time: last.0.duration_since(first.0),
            longest_gap: gaps.max().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} heartbeats in {:.2} s, {} missing, the longest gap {} ms",
            self.count,
            self.time.as_secs_f64(),
            self.missing,
            self.longest_gap.as_millis()
        )
    }
}
