//! What an agent says of itself, for people to compare: it travels behind the report, the core never sees it, and so no rule
//! of failover can look at it (F-5).

use serde::{Deserialize, Serialize};

/// How many bytes of a SHA-256 tell two texts apart here: a mistake is to be seen, not an attack.
pub const DIGEST_LEN: usize = 8;

/// What an agent says of itself; the bytes are those of its fields in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The digest of its configuration, as far as both nodes must agree on it.
    pub config: [u8; DIGEST_LEN],
    /// The digest of its HAProxy's configuration, if it knows one.
    pub haproxy: Option<[u8; DIGEST_LEN]>,
    /// Its wall clock, in milliseconds of Unix time.
    pub unix_ms: u64,
}
