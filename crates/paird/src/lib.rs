//! The failover agent: the parts of the daemon `paird`.
//!
//! It touches the world and decides nothing: [`agent`] carries datagrams, time and news to `pair-core` and carries out what the
//! core wants. EC2, IMDS, checks and probes live on a second thread, so that no TLS handshake delays a heartbeat.

pub mod agent;
pub mod alarm;
pub mod archive;
pub mod asker;
pub mod check;
pub mod child;
pub mod chronicle;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod control;
pub mod discovery;
pub mod doctor;
pub mod exit;
pub mod flight;
pub mod hooks;
pub mod incoming;
pub mod init;
pub mod journal;
pub mod knowledge;
pub mod landing;
pub mod logbook;
pub mod memory;
pub mod metrics;
pub mod names;
pub mod news;
pub mod notices;
pub mod orders;
pub mod outage;
pub mod paths;
pub mod probe;
pub mod problems;
pub mod recorder;
pub mod run;
pub mod signals;
pub mod socket;
pub mod standing;
pub mod status;
pub mod text;
pub mod vitals;
pub mod watchers;
pub mod witness;
