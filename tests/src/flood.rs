//! A flood from the peer's own address and port: garbage of all kinds, and true heartbeats said once more.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pair_wire::datagram::{DropCause, MAX_DATAGRAM};

use crate::pair::Pair;
use crate::raw::{Forger, Tap};
use crate::wait::eventually;

/// Datagrams that must have no effect, each with the cause for which it is dropped.
#[derive(Clone, Debug)]
pub struct Ammunition(Vec<(DropCause, Vec<u8>)>);

/// A flood that goes on until it is ended.
#[derive(Debug)]
pub struct Flood {
    ended: Arc<AtomicBool>,
    life: JoinHandle<Sent>,
}

/// What a flood has sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// How many for each cause of a drop.
    pub by_cause: BTreeMap<&'static str, u64>,
    /// How long it took.
    pub time: Duration,
}

impl Ammunition {
    /// Listens to what both nodes say to each other, and makes hostile datagrams against one of them out of it.
    #[must_use]
    pub fn against(pair: &Pair, node: &str) -> Self {
        let peer = other(node);
        let (own, theirs) = (record(pair, node, peer), record(pair, peer, node));
        let good = &theirs[0];
        let changed = |place: usize| {
            let mut bytes = good.clone();
            bytes[place] ^= 0xff;
            bytes
        };
        let mut all = vec![
            (DropCause::TooShort, Vec::new()),
            (DropCause::TooShort, b"x".to_vec()),
            (DropCause::TooShort, good[..87].to_vec()),
            (DropCause::TooLong, vec![0xa5; MAX_DATAGRAM + 1]),
            (DropCause::TooLong, vec![0xa5; 1400]),
            (DropCause::Magic, vec![0xa5; 120]),
            (DropCause::Magic, vec![0; MAX_DATAGRAM]),
            (DropCause::Magic, changed(0)),
            (DropCause::KeyUnknown, changed(5)),
            (DropCause::Pair, changed(8)),
            (DropCause::Tag, changed(28)),
            (DropCause::Tag, changed(60)),
            (DropCause::Tag, changed(good.len() - 1)),
            (DropCause::Tag, good[..good.len() - 1].to_vec()),
            (DropCause::OwnEcho, own[0].clone()),
        ];
        // Half of it is what costs the receiver most: a tag that is right.
        let replays = all.len();
        all.extend(
            theirs
                .iter()
                .cycle()
                .take(replays)
                .map(|heartbeat| (DropCause::Replayed, heartbeat.clone())),
        );
        Self(all)
    }
}

impl Flood {
    /// Begins to flood a node from its peer's address and port.
    #[must_use]
    pub fn begin(pair: &Pair, node: &str, ammunition: &Ammunition) -> Self {
        let (from, to) = (address(pair, other(node)), address(pair, node));
        let ended = Arc::new(AtomicBool::new(false));
        let (until, ammunition) = (Arc::clone(&ended), ammunition.clone());
        let life = thread::spawn(move || flood(&mut Forger::new(from, to), &until, &ammunition));
        Self { ended, life }
    }

    /// Ends it, and gives what was sent.
    ///
    /// # Panics
    /// If it had ended of something else.
    #[must_use]
    pub fn end(self) -> Sent {
        self.ended.store(true, Ordering::Relaxed);
        self.life.join().expect("it floods until it is told to end")
    }
}

impl Sent {
    /// How many datagrams that were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_cause.values().sum()
    }

    /// How many datagrams a second that were.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.total() as f64 / self.time.as_secs_f64()
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} datagrams in {:.2} s, {:.0} a second",
            self.total(),
            self.time.as_secs_f64(),
            self.rate()
        )
    }
}

fn flood(forger: &mut Forger, ended: &AtomicBool, Ammunition(all): &Ammunition) -> Sent {
    let mut counts = vec![0_u64; all.len()];
    let mut shots = all.iter().zip(counts.iter_mut()).collect::<Vec<_>>();
    let begun = Instant::now();
    let mut due = begun;
    let mut next = 0;
    while !ended.load(Ordering::Relaxed) {
        for _ in 0..PER_TICK {
            let ((_, datagram), count) = &mut shots[next];
            **count += u64::from(forger.send(datagram));
            next = (next + 1) % all.len();
        }
        // Who comes late catches up, but not on all of a long wait at once: that would be another flood than the one asked for.
        due = (due + TICK).max(Instant::now().checked_sub(LATE_AT_MOST).unwrap_or(due));
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let mut sent = Sent {
        time: begun.elapsed(),
        ..Sent::default()
    };
    for ((cause, _), count) in all.iter().zip(counts) {
        *sent.by_cause.entry(cause.name()).or_default() += count;
    }
    sent
}

/// Some heartbeats of one node to the other, as they went over the wire.
fn record(pair: &Pair, from: &str, to: &str) -> Vec<Vec<u8>> {
    let tap = Tap::new(address(pair, from), address(pair, to));
    let mut heard = Vec::new();
    eventually("some heartbeats are recorded", || {
        heard.extend(tap.next());
        (heard.len() >= RECORDED).then_some(())
    });
    heard
}

fn address(pair: &Pair, node: &str) -> Ipv4Addr {
    pair.place(node).private_ip
}

fn other(node: &str) -> &'static str {
    if node == "a" { "b" } else { "a" }
}

/// 50,000 datagrams a second.
const PER_TICK: usize = 50;
const TICK: Duration = Duration::from_millis(1);
const LATE_AT_MOST: Duration = Duration::from_millis(20);
const RECORDED: usize = 5;
