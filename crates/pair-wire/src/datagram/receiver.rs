//! Datagrams into heartbeats, if they may be believed.

use pair_core::{Heartbeat, Incarnation, Member, Prefix};

use super::{
    Card, DropCause, Drops, HeardPaths, MAX_DATAGRAM, MIN_DATAGRAM, PREFIX_AT, REPORT_AT, WIRE_VERSION,
    header::{self, Header, PairId},
    mac::{KeyMark, KeyedMac},
    prefix,
    replay::Replay,
    report,
};
use crate::key::{Key, KeyRing};

/// Reads the datagrams that reach one node.
///
/// An authentic datagram is believed once. Whether it proves that the peer *lives* is not decided here: only an echo of
/// this node's own incarnation does that (F-2).
///
/// A sender that has several paths sends each datagram on all of them. The first to arrive is believed, and each of the others
/// is a [`Copy`](Opened::Copy) once per path: it says that its path works, and nothing else. Anything further is a replay.
pub struct Receiver {
    pair: PairId,
    me: Member,
    macs: Vec<KeyedMac>,
    replay: Replay,
    /// What came by each path, first or not.
    paths: Vec<Replay>,
    drops: Drops,
    card: Option<Card>,
    peer_keys: Option<PeerKeys>,
    heard: HeardPaths,
}

/// What a datagram was that was not dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for a moment, and a heartbeat in a box would be an allocation each"
)]
pub enum Opened {
    /// A heartbeat that was not heard before.
    First(Heartbeat),
    /// One that another path has brought already.
    Copy(Prefix),
}

/// The keys of the peer, as its last datagram showed them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerKeys {
    signs: u8,
    other: Option<KeyMark>,
}

impl PeerKeys {
    /// The id of the key that it signs with, which this node has, too.
    #[must_use]
    pub const fn signs(&self) -> u8 {
        self.signs
    }

    /// Whether it accepts this key: it signs with it, or has told the mark of it.
    #[must_use]
    pub fn accepts(&self, key: &Key) -> bool {
        key.id() == self.signs || self.other == Some(KeyMark::of(key))
    }

    /// Whether it accepts a key that is none of these.
    #[must_use]
    pub fn accepts_another_than(&self, ring: &KeyRing) -> bool {
        self.other
            .is_some_and(|mark| ring.keys().all(|key| KeyMark::of(key) != mark))
    }
}

impl Receiver {
    /// A receiver for the member `me` of the pair of this name, in its run `incarnation`, accepting every key of the ring.
    #[must_use]
    pub fn new(pair: &str, me: Member, incarnation: Incarnation, ring: &KeyRing) -> Self {
        Self::of_paths(1, pair, me, incarnation, ring)
    }

    /// A receiver to which so many paths lead, numbered from 0.
    #[must_use]
    pub fn of_paths(paths: usize, pair: &str, me: Member, incarnation: Incarnation, ring: &KeyRing) -> Self {
        Self {
            pair: PairId::of(pair),
            me,
            macs: ring.keys().map(KeyedMac::new).collect(),
            replay: Replay::new(incarnation),
            paths: (0..paths).map(|_| Replay::new(incarnation)).collect(),
            drops: Drops::default(),
            card: None,
            peer_keys: None,
            heard: HeardPaths::default(),
        }
    }

    /// Accepts the keys of this ring from here on. What was received and dropped before stays known: changing keys makes no
    /// recorded datagram new.
    pub fn accept_keys(&mut self, ring: &KeyRing) {
        self.macs = ring.keys().map(KeyedMac::new).collect();
    }

    /// Whether a datagram says that it is for this receiver: where several share a socket, it is handed to that one. It proves
    /// nothing.
    #[must_use]
    pub fn is_named_in(&self, datagram: &[u8]) -> bool {
        let header = datagram.first_chunk::<{ header::LEN }>().map(Header::read);
        header.is_some_and(|header| header.is_ok_and(|header| header.pair == self.pair))
    }

    /// Reads one datagram that came by the only path: all the bytes that came, and no others.
    ///
    /// # Errors
    /// Why it was dropped. The drop is counted, and nothing else has changed.
    pub fn open(&mut self, datagram: &[u8]) -> Result<Heartbeat, DropCause> {
        match self.open_on(0, datagram)? {
            Opened::First(heartbeat) => Ok(heartbeat),
            Opened::Copy(_) => {
                self.drops.count(DropCause::Replayed);
                Err(DropCause::Replayed)
            }
        }
    }

    /// Reads one datagram that came by this path.
    ///
    /// # Errors
    /// As [`Self::open`]; a copy is no drop.
    pub fn open_on(&mut self, path: usize, datagram: &[u8]) -> Result<Opened, DropCause> {
        let opened = self
            .authenticate(datagram)
            .and_then(|authentic| self.accept(path, authentic));
        if let Err(cause) = opened {
            self.drops.count(cause);
        }
        opened
    }

    /// Counts datagrams that the kernel dropped before this receiver could read them.
    pub const fn count_overflow(&mut self, count: u64) {
        self.drops.count_many(DropCause::Overflow, count);
    }

    /// What the sender of the last datagram that was not dropped said of itself, if it said anything.
    #[must_use]
    pub const fn card(&self) -> Option<Card> {
        self.card
    }

    /// Which keys the peer has, as its last accepted datagram showed; `None` before the first.
    #[must_use]
    pub const fn peer_keys(&self) -> Option<PeerKeys> {
        self.peer_keys
    }

    /// By which paths the peer hears this node, as its last accepted datagram told.
    #[must_use]
    pub const fn heard_paths(&self) -> HeardPaths {
        self.heard
    }

    /// What was dropped so far.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Decides whether the peer, or this node itself, wrote the datagram. Looks at no byte behind the header but the tag.
    fn authenticate<'a>(&self, datagram: &'a [u8]) -> Result<Authentic<'a>, DropCause> {
        if datagram.len() < MIN_DATAGRAM {
            return Err(DropCause::TooShort);
        }
        if datagram.len() > MAX_DATAGRAM {
            return Err(DropCause::TooLong);
        }
        let (signed, tag) = datagram.split_last_chunk().ok_or(DropCause::TooShort)?;
        let header = Header::read(signed.first_chunk::<{ header::LEN }>().ok_or(DropCause::TooShort)?)?;
        if header.pair != self.pair {
            return Err(DropCause::Pair);
        }
        let mac = self
            .macs
            .iter()
            .find(|mac| mac.key_id() == header.key_id)
            .ok_or(DropCause::KeyUnknown)?;
        if !mac.verifies(signed, tag) {
            return Err(DropCause::Tag);
        }
        let prefix = signed[PREFIX_AT..].first_chunk().ok_or(DropCause::TooShort)?;
        Ok(Authentic {
            version: header.version,
            keys: PeerKeys {
                signs: header.key_id,
                other: header.other,
            },
            prefix,
            report: &signed[REPORT_AT..],
        })
    }

    fn accept(&mut self, path: usize, authentic: Authentic<'_>) -> Result<Opened, DropCause> {
        let prefix = prefix::read(authentic.prefix).ok_or(DropCause::Malformed)?;
        if prefix.sender == self.me {
            return Err(DropCause::OwnEcho);
        }
        // Asked first: a flood of recorded heartbeats must not cost the reading of their reports.
        if let Err(cause) = self.replay.check(&prefix) {
            // Too old for one path is too old for all of them.
            return match (cause, self.paths.get_mut(path)) {
                (DropCause::Replayed, Some(seen)) => seen.accept(&prefix).map(|()| Opened::Copy(prefix)),
                (cause, _) => Err(cause),
            };
        }
        let (report, card) = if authentic.version == WIRE_VERSION {
            let (report, card) = report::read(authentic.report).ok_or(DropCause::Malformed)?;
            (Some(report), card)
        } else {
            (None, None)
        };
        self.replay.accept(&prefix)?;
        if let Some(seen) = self.paths.get_mut(path) {
            // A path whose window began later takes it for an old one. It is new all the same.
            seen.accept(&prefix).ok();
        }
        self.card = card;
        self.peer_keys = Some(authentic.keys);
        self.heard = prefix::read_heard(authentic.prefix);
        Ok(Opened::First(Heartbeat { prefix, report }))
    }
}

/// The parts of a datagram whose tag is right.
#[derive(Clone, Copy)]
struct Authentic<'a> {
    version: u8,
    keys: PeerKeys,
    prefix: &'a [u8; prefix::LEN],
    report: &'a [u8],
}
