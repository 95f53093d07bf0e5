//! The first line of a trace.

use pair_core::Instant;
use serde::{Deserialize, Serialize};

/// The version of the format.
pub const TRACE_VERSION: u32 = 1;

/// Who recorded, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format: [`TRACE_VERSION`].
    pub version: u32,
    /// The name of the pair.
    pub pair: String,
    /// The name of the node that recorded.
    pub node: String,
    /// The name of its peer.
    pub peer: String,
    /// The version of the daemon: another version's core may decide otherwise.
    pub agent: String,
    /// The digest of the configuration, in hexadecimal: two nodes of a pair have the same.
    pub config: String,
    /// Where this node's wall clock stood when its core's clock stood at zero, in microseconds of Unix time.
    pub origin_unix_us: u64,
}

impl Header {
    /// Where this node's wall clock stood at a time of its core, in microseconds of Unix time.
    #[must_use]
    pub const fn unix_us(&self, at: Instant) -> u64 {
        self.origin_unix_us.saturating_add(at.as_nanos() / 1_000)
    }
}
