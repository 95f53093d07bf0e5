//! What `pairctl` asks of a daemon, and what it is told, over the daemon's unix socket.
//!
//! A client connects, sends one [`Request`] as one line of JSON, gets one [`Response`] as one line of JSON, and both hang
//! up. Lines end with a line feed and are bounded in length. Both sides name the version of the protocol first; who gets
//! another version than its own says so and looks no further. Every local user may connect; what is asked and who asks, as
//! the kernel tells, decide whether the daemon does it.
//!
//! A daemon takes bytes apart itself ([`decode_line`], [`encode_line`]); a blocking client uses [`read_line`] and
//! [`write_line`].

mod diagnosis;
mod events;
mod line;
mod moved;
mod request;
mod response;
mod status;
mod why;

use std::time::Duration;

pub use diagnosis::{DIAGNOSIS_VERSION, Diagnosis, Examination, Examined, Examiner};
pub use events::{Entry, Events};
pub use line::{LineError, Message, decode_line, encode_line, read_line, write_line};
pub use moved::{Moved, Outage};
pub use request::{Command, Request};
pub use response::{Answer, Outcome, Response};
pub use status::{
    AddressStatus, AgentStatus, DecisionStatus, DiscoveryStatus, EndingCause, EndingStatus, HolderName, HolderSource,
    KeysStatus, Link, NodeStatus, PathState, PathStatus, PeerKeysStatus, PeerStatus, Problem, ReadyStatus,
    RecorderStatus, Role, STATUS_VERSION, Severity, State, Status, TakeoverStatus, WitnessStatus,
};
pub use why::{Clock, Part, Times, Transition, TransitionKind, WHY_VERSION, Why};

/// The version of the protocol that this crate speaks.
pub const CONTROL_VERSION: u32 = 1;

/// Where the daemon listens unless it is configured otherwise.
pub const DEFAULT_SOCKET: &str = "/run/paird/control.sock";

/// The longest hold that can be asked for.
pub const LONGEST_HOLD: Duration = pair_core::config::LONGEST_HOLD;

/// How long a request can be, its line feed included.
pub const REQUEST_LIMIT: usize = 4 * 1024;

/// How long a response can be, its line feed included: the status of eight addresses, each with all that can be wrong with it, takes
/// about 80 KiB.
pub const RESPONSE_LIMIT: usize = 128 * 1024;
