//! What the fuzz targets check: the same functions that the tests of `pair-wire` run over the committed corpus.
//!
//! `cargo xtask fuzz` runs a target; `CONTRIBUTING.md` says how what it finds gets into the corpus.

#[path = "../../crates/pair-wire/tests/wire/checks.rs"]
mod checks;
#[path = "../../crates/pair-wire/tests/wire/mirror.rs"]
mod mirror;
#[path = "../../crates/pair-wire/tests/wire/support.rs"]
#[expect(dead_code, reason = "the tests of pair-wire use more of it")]
mod support;

/// A datagram as anybody can send it.
pub fn datagram(bytes: &[u8]) {
    checks::datagram(bytes);
}

/// A version, a prefix and a report behind a tag that is right, as only the peer can send them.
pub fn body(bytes: &[u8]) {
    checks::body(bytes);
}

/// A datagram as anybody can send it to a witness, or to a node by the way of one.
pub fn witness(bytes: &[u8]) {
    checks::witness(bytes);
}

/// What a client sends to a daemon.
pub fn control_request(bytes: &[u8]) {
    checks::control_request(bytes);
}

/// What a daemon sends to a client.
pub fn control_response(bytes: &[u8]) {
    checks::control_response(bytes);
}

/// The text of a key file.
pub fn key_file(bytes: &[u8]) {
    checks::key_file(bytes);
}
