//! The lab, over its own sockets: what the emulator answers, what faults do, what is recorded.

// `cfg(test)` is always true here; it tells clippy that helpers beside the tests may unwrap, too.
#[cfg(test)]
mod cli;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod imds;
mod instances;
#[cfg(test)]
mod support;
#[cfg(test)]
mod traffic;
