//! A deterministic world for two real [`Node`](pair_core::Node)s: virtual time, a bad network, an EC2 register, invariants.
//!
//! The wall around this crate: no world reads a clock, opens a socket or throws real dice, so a seed is a whole history. Only
//! a [`Soak`] and a check of the [`model`] look at the time, to know when to stop and how long it took.
//!
//! ```text
//!          ┌── Host A ── Node ──┐                 ┌── Host B ── Node ──┐
//!          │ service, checks    │ ◄── Network ──► │ service, checks    │
//!          └───────┬────────────┘                 └──────────┬─────────┘
//!                  └────────────► Ec2 (register, log) ◄──────┘
//! ```
//!
//! A test builds a [`World`], lets time pass, hurts it with its verbs (`partition`, `crash`, `pause`, …) and looks at what
//! happened. After every step all [`INVARIANTS`] are checked; a violation ends the run with the trace that led to it. A [`Pair`]
//! with several addresses is a world for each of them, on hosts that they share. The
//! [`model`] plays the same nodes in ticks, and tries everything within a bound. How good the failure detector is on its own is
//! measured in [`detection`], where only the two nodes and the network are left.

mod agenda;
mod claim;
pub mod detection;
mod dice;
mod ec2;
mod effect;
mod fault;
mod follow;
mod found;
mod hazard;
mod host;
mod invariant;
mod limits;
mod look;
pub mod model;
mod network;
mod operator;
mod pair;
mod recording;
mod schedule;
mod script;
mod service;
mod settings;
mod soak;
pub mod storm;
mod tally;
mod trace;
mod verb;
mod witness;
mod words;
mod world;

pub use claim::Claim;
pub use dice::Dice;
pub use ec2::{ApiFault, Ec2, Hold, Owner, Request, Scope};
pub use fault::Fault;
pub use host::Host;
pub use invariant::{INVARIANTS, Invariant, Violation};
pub use limits::{Action, Calls, Limit, LimitError, Limits};
pub use network::Network;
pub use pair::Pair;
pub use recording::{Difference, Replayed, replay};
pub use schedule::{Schedule, Shape, Strike};
pub use script::ScriptError;
pub use service::Service;
pub use settings::{Settings, Tuning};
pub use soak::{Broken, Soak};
pub use tally::Tally;
pub use witness::WitnessHost;
pub use words::WordError;
pub use world::World;

use pair_core::Member;

/// The member that the configuration names first, and prefers.
pub const A: Member = Member::First;

/// The member that the configuration names second.
pub const B: Member = Member::Second;
