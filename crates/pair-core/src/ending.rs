//! What AWS has told of the end of a node's host (F-13).
//!
//! The word is level-triggered: whoever reads AWS's notices tells what stands at the moment, and that nothing does any more. So nothing
//! is kept over a restart, and an operator's leave, which is, stays a matter of its own.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Instant, Notice};

/// The most urgent notice that AWS has given a node about its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ending {
    /// What kind of notice it is.
    pub cause: EndingCause,
    /// When the host ends, if that was told.
    pub at: Option<Instant>,
    /// Whether the node gives away what it holds; else it only tells.
    pub hands_over: bool,
}

/// Why AWS takes a host away, or might.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EndingCause {
    /// A spot instance is interrupted.
    Spot,
    /// Its autoscaling group terminates it.
    Autoscaling,
    /// Maintenance of the host or its instance is scheduled.
    Maintenance,
    /// A spot instance is more likely to be interrupted than others.
    Rebalance,
}

impl Ending {
    /// What the peer is told of it.
    pub(crate) fn notice(self, now: Instant) -> Notice {
        Notice::HostEnds {
            cause: self.cause,
            left: self.at.map(|at| at.since(now)),
            hands_over: self.hands_over,
        }
    }
}

impl Notice {
    /// How long the sender's host still has, of a notice that AWS has given; `None` if that is not known, or there is none.
    #[must_use]
    pub const fn left(&self) -> Option<Duration> {
        match self {
            Self::HostEnds { left, .. } => *left,
            Self::Restarting { .. } | Self::Leaving => None,
        }
    }
}
