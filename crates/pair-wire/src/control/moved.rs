//! A move of the address that an order brought about, with its times.

use serde::{Deserialize, Serialize};

use super::{HolderName, Times};

/// The address is where it was ordered, and a read has shown it there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Who held it before.
    pub from: HolderName,
    /// Who holds it.
    pub to: String,
    /// From the order to its end, in milliseconds.
    pub took_ms: u64,
    /// The times of the takeover; `None` if the other node took it, which knows them.
    pub times: Option<Times>,
    /// How new connections to the Elastic IP fared meanwhile, as this node saw it; `None` if it could not see that.
    pub outage: Option<Outage>,
    /// Whether the target was not asked to be ready.
    pub forced: bool,
}

/// What was seen of new connections to the Elastic IP during a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The longest time in which none was served, in milliseconds; zero if each was.
    pub longest_ms: u64,
    /// How many were tried, one each 20 ms.
    pub tried: u64,
    /// How many of them were not served.
    pub failed: u64,
}
