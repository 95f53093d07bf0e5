//! Witnesses: third hosts that pass a question on to the peer, and its answer back (F-20).
//!
//! ```text
//!  Output::AskWitnesses ─► Desk ─► request ─────────► witness: Porter ─► question ─► peer: answered by its event loop
//!  Input::Witnessed ◄────── │ ◄─ "passed on", answer ◄──────┘  ◄──────── answer ──────┘
//! ```
//!
//! A node has one socket for all of this, the [`Booth`]: it asks, it answers its peer's questions, and it is a witness for those
//! who share its witness key. `paird witness` is a witness and nothing else ([`serve`]).

mod booth;
mod desk;
mod porter;
mod rate;
pub mod serve;

pub use booth::{Booth, BoothParts, Heard};
pub use desk::Counts;
