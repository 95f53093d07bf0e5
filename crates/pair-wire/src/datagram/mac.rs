//! The tag that ends a datagram: HMAC-SHA256 (RFC 2104, FIPS 198-1) over all that comes before it.

use std::num::NonZeroU16;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::key::Key;

/// How long a tag is.
pub(crate) const TAG_LEN: usize = 32;

/// What tells a key from others without saying it: the first two bytes of its HMAC-SHA256 over [`MARKED`]. It is public, and
/// nothing is believed because of it: it shows whether two nodes have the same key before one of them signs with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyMark(NonZeroU16);

impl KeyMark {
    pub(super) fn of(key: &Key) -> Self {
        let tag = KeyedMac::new(key).sign(MARKED);
        // Zero on the wire says that there is no key.
        Self::from_bytes([tag[0], tag[1]]).unwrap_or(Self(NonZeroU16::MIN))
    }

    pub(super) const fn bytes(self) -> [u8; 2] {
        self.0.get().to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
        NonZeroU16::new(u16::from_le_bytes(bytes)).map(Self)
    }
}

/// No datagram: those begin with their magic.
const MARKED: &[u8] = b"paird: which key is this";

/// A key, ready to sign and to verify.
#[derive(Clone)]
pub(crate) struct KeyedMac {
    key_id: u8,
    /// The state after the key has been hashed: each datagram begins with a copy of it.
    state: Hmac<Sha256>,
}

impl KeyedMac {
    pub(crate) fn new(key: &Key) -> Self {
        let state = Hmac::new_from_slice(key.secret()).expect("HMAC takes a key of any length");
        Self {
            key_id: key.id(),
            state,
        }
    }

    pub(crate) const fn key_id(&self) -> u8 {
        self.key_id
    }

    pub(crate) fn sign(&self, signed: &[u8]) -> [u8; TAG_LEN] {
        self.state.clone().chain_update(signed).finalize().into_bytes().into()
    }

    /// Whether `tag` is that of `signed`, in a time that does not depend on where they differ.
    pub(crate) fn verifies(&self, signed: &[u8], tag: &[u8; TAG_LEN]) -> bool {
        self.state.clone().chain_update(signed).verify_slice(tag).is_ok()
    }
}
