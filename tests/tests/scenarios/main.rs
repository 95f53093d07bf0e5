//! The end-to-end tests: real daemons, real sockets, an EC2 over HTTP. The harness is the library of this package.

mod cold_start;
mod host_death;
mod lost_agent;
mod lost_service;
mod truth;
