//! What is installed: the packages and all that is in them, in a Debian that has nothing else.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

mod debian;
mod formats;
mod install;
mod machine;
mod packages;
mod service;
mod shells;
mod units;
