//! Heartbeats as datagrams.
//!
//! ```text
//!   0        16        56                 n - 32        n ≤ 512
//!   ├ header ┼ prefix ─┼ report ──────────┼ tag ────────┤
//!   └───────── HMAC-SHA256 over these ────┘
//! ```
//!
//! Header and prefix are the same in every version, so that the heartbeat of another version still proves life (F-18);
//! the report belongs to its version. [`Sender`] writes, [`Receiver`] reads; `docs/PROTOCOL.md` has the offsets.
//!
//! A receiver looks at nothing but the header before the tag has proven that the peer wrote the datagram. What it does
//! not accept it drops and counts by [cause](DropCause); a drop has no other effect.

mod card;
mod drops;
mod header;
mod heard;
mod mac;
mod prefix;
mod receiver;
mod replay;
mod report;
mod sender;

pub use card::{Card, DIGEST_LEN};
pub use drops::{DropCause, Drops};
pub use heard::HeardPaths;
pub use receiver::{Opened, PeerKeys, Receiver};
pub use sender::Sender;

pub(crate) use header::PairId;
pub(crate) use mac::{KeyedMac, TAG_LEN};

/// How long a datagram can be: it fits into one packet of every IP network (RFC 791 guarantees 576 bytes).
///
/// A buffer to receive into needs one byte more, so that a longer datagram does not pass for one of this length.
pub const MAX_DATAGRAM: usize = 512;

/// The version of the report that this crate writes and understands.
pub const WIRE_VERSION: u8 = 1;

/// Where the prefix begins.
const PREFIX_AT: usize = header::LEN;

/// Where the report begins.
const REPORT_AT: usize = PREFIX_AT + prefix::LEN;

/// How long the shortest datagram is: one without a report.
const MIN_DATAGRAM: usize = REPORT_AT + TAG_LEN;

/// How long a report can be.
const MAX_REPORT: usize = MAX_DATAGRAM - MIN_DATAGRAM;
