//! How good the failure detector is on its own: how often it presumes a living peer dead, and how soon a dead one.
//!
//! ```text
//!   Profile × Loss ──► Watch        two real Nodes, queries and all  ──┐
//!              │                                                       ├──► Rate: needless claims per day of watching
//!              └─────► MissedBeats  VRRP's rule on the same paths    ──┘
//! ```
//!
//! *Alone* means: no probe of the service (F-7), no testimony (F-8), no EC2. Each time that a node presumes its living peer
//! dead counts as one needless claim, although the rules would refuse most of them.

mod curve;
mod death;
mod loss;
mod missed_beats;
mod path;
mod profile;
mod rate;
mod theory;
mod watch;

pub use curve::{Curve, Death, Detector, Effort, Point};
pub use death::{Delays, deaths};
pub use loss::{BURSTS, Loss};
pub use missed_beats::MissedBeats;
pub use profile::Profile;
pub use rate::Rate;
pub use theory::{expected, expected_of_missed_beats, hopeless};
pub use watch::Watch;
