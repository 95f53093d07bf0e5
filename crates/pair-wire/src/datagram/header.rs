//! The first bytes of a datagram: whether it is for this pair, of which version, and signed with which key.

use sha2::{Digest as _, Sha256};

use super::{DropCause, mac::KeyMark};

/// How long a header is.
pub(super) const LEN: usize = 16;

/// The version byte of a datagram that has a prefix and no report.
pub(super) const NO_REPORT: u8 = 0;

/// What every datagram begins with.
const MAGIC: [u8; 4] = *b"PAIR";

/// The pair that a datagram belongs to: the first eight bytes of the SHA-256 of its name.
///
/// It tells pairs apart that share a key or a port by mistake. It is no secret and proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PairId([u8; 8]);

impl PairId {
    pub(crate) fn of(pair: &str) -> Self {
        let digest = Sha256::digest(pair.as_bytes());
        let (id, _) = digest.split_first_chunk().expect("a SHA-256 digest has 32 bytes");
        Self(*id)
    }

    pub(crate) const fn bytes(self) -> [u8; 8] {
        self.0
    }

    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

/// The header of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u8,
    pub(super) key_id: u8,
    /// The other key that the sender accepts, if there is one.
    pub(super) other: Option<KeyMark>,
    pub(super) pair: PairId,
}

impl Header {
    pub(super) fn write(self, out: &mut [u8; LEN]) {
        out[0..4].copy_from_slice(&MAGIC);
        out[4] = self.version;
        out[5] = self.key_id;
        out[6..8].copy_from_slice(&self.other.map_or([0; 2], KeyMark::bytes));
        out[8..16].copy_from_slice(&self.pair.0);
    }

    /// Reads a header, whoever wrote it: nothing in it is proven yet.
    pub(super) fn read(bytes: &[u8; LEN]) -> Result<Self, DropCause> {
        let [m0, m1, m2, m3, version, key_id, o0, o1, pair @ ..] = *bytes;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(DropCause::Magic);
        }
        Ok(Self {
            version,
            key_id,
            other: KeyMark::from_bytes([o0, o1]),
            pair: PairId(pair),
        })
    }
}
