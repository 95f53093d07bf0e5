//! The tag that ends a datagram: HMAC-SHA256 (RFC 2104, FIPS 198-1) over all that comes before it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::key::Key;

/// How long a tag is.
pub(super) const TAG_LEN: usize = 32;

/// A key, ready to sign and to verify.
#[derive(Clone)]
pub(super) struct KeyedMac {
    key_id: u8,
    /// The state after the key has been hashed: each datagram begins with a copy of it.
    state: Hmac<Sha256>,
}

impl KeyedMac {
    pub(super) fn new(key: &Key) -> Self {
        let state = Hmac::new_from_slice(key.secret()).expect("HMAC takes a key of any length");
        Self {
            key_id: key.id(),
            state,
        }
    }

    pub(super) const fn key_id(&self) -> u8 {
        self.key_id
    }

    pub(super) fn sign(&self, signed: &[u8]) -> [u8; TAG_LEN] {
        self.state.clone().chain_update(signed).finalize().into_bytes().into()
    }

    /// Whether `tag` is that of `signed`, in a time that does not depend on where they differ.
    pub(super) fn verifies(&self, signed: &[u8], tag: &[u8; TAG_LEN]) -> bool {
        self.state.clone().chain_update(signed).verify_slice(tag).is_ok()
    }
}
