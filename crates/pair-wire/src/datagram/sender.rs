//! Heartbeats into datagrams.

use pair_core::Heartbeat;

use super::{
    Card, HeardPaths, MAX_DATAGRAM, MAX_REPORT, PREFIX_AT, REPORT_AT, WIRE_VERSION,
    header::{self, Header, PairId},
    mac::{KeyMark, KeyedMac, TAG_LEN},
    prefix, report,
};
use crate::key::KeyRing;

/// Writes the datagrams of one node.
pub struct Sender {
    pair: PairId,
    mac: KeyedMac,
    /// Tells the peer which other key this node accepts.
    other: Option<KeyMark>,
    card: Option<Card>,
    heard: HeardPaths,
}

impl Sender {
    /// A sender for the pair of this name, signing with the first key of the ring.
    #[must_use]
    pub fn new(pair: &str, ring: &KeyRing) -> Self {
        Self {
            pair: PairId::of(pair),
            mac: KeyedMac::new(ring.signer()),
            other: ring.keys().nth(1).map(KeyMark::of),
            card: None,
            heard: HeardPaths::default(),
        }
    }

    /// Says this of the node from now on, behind each report. A sender that was never told says nothing.
    pub const fn show(&mut self, card: Card) {
        self.card = Some(card);
    }

    /// Says from now on that the peer is heard by these paths. A sender that was never told says nothing.
    pub const fn show_paths(&mut self, heard: HeardPaths) {
        self.heard = heard;
    }

    /// Writes a heartbeat to the front of `out` and says how many bytes to send. It allocates nothing.
    ///
    /// Every heartbeat fits, since its [texts](pair_core::Text) are bounded. Times go out in microseconds. A heartbeat without a
    /// report goes out as version 0, which has none.
    pub fn encode(&self, heartbeat: &Heartbeat, out: &mut [u8; MAX_DATAGRAM]) -> usize {
        let version = match heartbeat.report {
            Some(_) => WIRE_VERSION,
            None => header::NO_REPORT,
        };
        let header = Header {
            version,
            key_id: self.mac.key_id(),
            other: self.other,
            pair: self.pair,
        };
        header.write(array_at(out, 0));
        prefix::write(&heartbeat.prefix, self.heard, array_at(out, PREFIX_AT));
        let report_len = match &heartbeat.report {
            Some(report) => report::write(report, self.card, array_at::<MAX_REPORT>(out, REPORT_AT)),
            None => 0,
        };
        let tag_at = REPORT_AT + report_len;
        let tag = self.mac.sign(&out[..tag_at]);
        *array_at::<TAG_LEN>(out, tag_at) = tag;
        tag_at + TAG_LEN
    }
}

/// The `N` bytes of a datagram from `at` on.
fn array_at<const N: usize>(out: &mut [u8; MAX_DATAGRAM], at: usize) -> &mut [u8; N] {
    out[at..]
        .first_chunk_mut()
        .expect("the parts of a datagram lie within it")
}
