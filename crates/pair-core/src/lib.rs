//! The failover state machine and failure detector of paird: a value.
//!
//! No clock, socket, disk, thread, randomness or AWS in here. Time is an argument, effects are [`Output`]s, and an effect is
//! believed only when its result comes back as an [`Input`]. The same code runs in the daemon and in every test.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod budget;
mod chance;
mod claim;
pub mod config;
mod decide;
mod detector;
mod ending;
mod event;
mod few;
mod grace;
mod heartbeat;
mod hold;
mod identity;
mod instance_watch;
mod io;
mod members;
mod node;
mod order;
mod ownership;
mod peer;
mod preempt;
mod probing;
mod quality;
mod reads;
mod refit;
mod rule;
mod running;
mod slip;
mod text;
mod throttle;
mod time;
mod view;
mod witness;

pub use budget::Moves;
pub use claim::Takeover;
pub use config::{Config, Witnessing};
pub use decide::{Alarm, Decision, Objection, Reason, Situation, Testimony, Verdict, decide};
pub use detector::Link;
pub use ending::{Ending, EndingCause};
pub use event::Event;
pub use few::Few;
pub use heartbeat::{Echo, Fitness, Heartbeat, Holder, Notice, Prefix, Report, Source, Unfitness, Word};
pub use hold::{Hold, HoldVersion};
pub use identity::{AssociationId, Incarnation, InstanceId, InterfaceId, Member, Sequence};
pub use io::{
    Association, Call, CallFault, CallId, CallRequest, Identity, Input, InstanceState, OrderId, OrderOutcome, Output,
    ProbeOutcome, ProbeTarget, Refusal, Reply, Standing, Timer, WitnessIndex, WitnessOutcome,
};
pub use members::{Members, Place};
pub use node::Node;
pub use ownership::Fact;
pub use rule::Rule;
pub use text::{Text, Version, Zone};
pub use time::Instant;
pub use view::View;
pub use witness::WitnessView;
