//! Everything of paird that crosses a socket: authenticated heartbeats between the nodes of a pair, what they ask by way of
//! witnesses, the requests that `pairctl` makes of a node, and the trace that a node exports.
//!
//! This crate turns values into bytes and bytes into values. It opens no socket and decides nothing but whether bytes may
//! be believed. `docs/PROTOCOL.md` shows the bytes.
//!
//! No input makes it panic, and none makes it allocate more than a bound that has a name: [`datagram::MAX_DATAGRAM`],
//! [`witness::MAX_LEN`], [`control::REQUEST_LIMIT`], [`control::RESPONSE_LIMIT`], [`trace::TRACE_LIMIT`].
#![forbid(unsafe_code)]

pub mod control;
pub mod datagram;
pub mod key;
pub mod trace;
pub mod witness;
