//! What a node's core was told, and what it wanted: a trace that replays to the same decisions.
//!
//! ```text
//!  trace                              who recorded, and when its clock stood at zero
//!  told      told      …              the last transitions, in words
//!  snapshot                           the core as a value
//!  input     output    output         what it was told, and what it wanted then
//!  input     input     …
//!  snapshot                           the core at that point: a replay must have come to the same
//!  …
//! ```
//!
//! A trace is text: one line of JSON for each [`Line`]. The core is a value, so that its snapshot and the inputs since, each
//! with its time, are all that it takes to have every decision again. Of the outputs only those are kept that are rare
//! ([`is_kept`]): heartbeats and probes follow from the rest.
//!
//! The daemon writes [`Line`]s, `pair-sim replay` and `pairctl why` read a [`Trace`]. `docs/PROTOCOL.md` shows one.

mod header;
mod line;
mod offset;
mod reader;

pub use header::{Header, TRACE_VERSION};
pub use line::{Line, is_kept, write_line};
pub use offset::Offset;
pub use reader::{Entry, TRACE_LIMIT, Trace, TraceError, What};
