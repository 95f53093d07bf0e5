//! The wall between paird and AWS: every call to EC2 and to the instance metadata service (IMDS) goes
//! through here, and nothing else links the AWS SDK.
//!
//! The crate knows AWS and nothing of pairs: it neither decides nor retries. One method is one attempt
//! with its own deadline, and its error says whether anything may have changed:
//!
//! * [`Imds`]: who this instance is, how it was bought, which public addresses reach it, and when it is to end. Local, cheap, a hint.
//! * [`Ec2`]: who holds an address (the single truth), moving it, rehearsing the move, an instance's state,
//!   and who bears a tag.
//! * [`CallError`]: what an attempt that failed proves, sorted for a caller that must decide what to do next.
//! * [`Settings`]: where the two services are, and which environment variable says so.
//!
//! Addresses are moved by network interface and private IP with an explicit `AllowReassociation`. Only
//! [`Ec2::release`] leaves an address without an owner, and it drops one association by its id and no other.

mod address;
mod call_error;
mod credentials;
mod ec2;
mod http;
mod imds;
mod instance;
mod journey;
mod market;
mod notices;
mod roster;
mod settings;

pub use address::{Address, Association, Target};
pub use call_error::{CallError, Reply};
pub use ec2::{Connection, Ec2};
pub use imds::{Identity, Imds, ImdsError, Interface, PublicAddress};
pub use instance::{InstanceHealth, InstanceState, Reachability};
pub use market::Market;
pub use notices::{ScheduledEvent, SpotInterruption};
pub use roster::{Tag, TaggedInstance};
pub use settings::{ConnectError, Endpoint, Settings};
