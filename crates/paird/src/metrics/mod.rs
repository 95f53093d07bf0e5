//! What monitoring and load balancers can ask a node, over HTTP.
//!
//! ```text
//!  thread "paird"                                     thread "paird-slow"
//!  events, calls, checks ──► Tally ─┐
//!                  status document ─┴► Publisher ═══► Board ──► server ──► /metrics, /healthz, /readyz, /active
//! ```
//!
//! Hooks look at the board, too (`crate::hooks`). The event loop counts in plain numbers of its own and hands over a [`Picture`] each
//! second and at each event; whoever asks is answered from the newest one. So the loop never waits for a scrape, and a scrape never
//! sees half of a change. A picture that has grown old says that the loop stands still, and then no answer claims anything else.
//! Before a node is a member of its pair the same server tells that it waits ([`Waiting`]).

mod exposition;
mod histogram;
mod picture;
mod server;
mod tally;
mod waiting;

pub use picture::{Board, Picture, Publisher, channel};
pub use server::{Shown, open, serve};
pub use tally::{AddressTally, Tally, WitnessTally};
pub use waiting::{Sign, Waiting, waiting};
