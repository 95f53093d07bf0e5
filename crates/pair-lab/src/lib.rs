//! A pair on one machine: EC2 and IMDS over HTTP on loopback, and the things around them a failover is watched with.
//!
//! [`Lab`] serves one EC2 Query API for all nodes and one IMDSv2 per node. The answers come from the emulator in this
//! crate or from an EC2 nobody here wrote ([`Backend::Upstream`], for example [`moto`]); faults, request log and
//! ownership history are the same for both. [`Forwarder`] stands for the published address and follows only the
//! association, [`Client`] measures what a user of that address sees, [`Service`] is what the address leads to.
//!
//! The crate drives the real binaries from outside: it links neither the daemon nor the AWS SDK.

mod action;
mod announcement;
mod api_error;
pub mod blocking;
mod bucket;
mod client;
mod clock;
mod door;
mod emulator;
mod faults;
mod forwarder;
mod front;
mod ground;
mod http;
mod imds;
mod instance_calls;
mod instances;
mod lab;
mod log;
pub mod moto;
mod operator;
mod query;
mod query_client;
mod register;
mod service;
mod shared;
mod upstream;
mod world;
mod xml;

pub use action::Action;
pub use announcement::Announcement;
pub use api_error::ApiError;
pub use bucket::Limit;
pub use client::{Client, ClientConfig, Outage, Record, Verdict};
pub use clock::Clock;
pub use faults::{Fault, Faults, Scope};
pub use forwarder::Forwarder;
pub use ground::{Endpoint, Ground, bind};
pub use http::{HttpError, get, send};
pub use instances::Market;
pub use lab::{Backend, Lab, LabConfig, LabError};
pub use log::{Fate, LogEntry};
pub use query_client::{QueryClient, QueryError};
pub use register::{Address, Association};
pub use service::{NODE_HEADER, Service};
pub use shared::{Holder, Ownership};
pub use world::{Machine, NodeSpec, ParseNodeError, Target, World};
pub use xml::{Element, XmlError};
