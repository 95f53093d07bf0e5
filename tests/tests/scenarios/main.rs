//! The end-to-end tests: real daemons, real sockets, an EC2 over HTTP. The harness is the library of this package.

#![expect(
    clippy::unwrap_used,
    reason = "scenarios are plain functions, which clippy does not take for tests"
)]

mod access;
mod broken_ec2;
mod cold_start;
mod configuration;
mod discovery;
mod doctor;
mod drill;
mod events;
mod fleet;
mod flood;
mod forgery;
mod hooks;
mod host_death;
mod init;
mod keys;
mod lost_agent;
mod lost_service;
mod manual;
mod metrics;
mod notices;
mod order;
mod paths;
mod pause;
mod recording;
mod reload;
mod role;
mod second_agent;
mod several;
mod standing;
mod status;
mod stranger;
mod strict;
mod successor;
mod truth;
mod witness;
