//! What AWS tells of the end of this host, and what this node does about it (F-13).
//!
//! ```text
//! IMDS: spot, autoscaling, maintenance, rebalance ─► Told ─┐
//! configuration: what to do about each kind ───────────────┼─► Notice, Notice, … ─► the most urgent one ─► core
//! wall clock: how long until maintenance begins ───────────┘
//! ```
//!
//! Notices are levels, not edges: what AWS says at the moment is all that counts, so a restart forgets nothing, and maintenance that
//! is called off brings the node back.

mod told;

use std::time::{Duration, SystemTime};

use pair_core::{Ending, EndingCause, Instant};

use crate::text;

pub use told::{Failures, Span, Told};

/// What to do about the notices of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// About the interruption of a spot instance.
    pub spot: Response,
    /// About the termination by an autoscaling group.
    pub autoscaling: Response,
    /// About maintenance that takes the host.
    pub maintenance: Response,
    /// How long before it begins.
    pub maintenance_lead: Duration,
    /// About the recommendation to replace a spot instance.
    pub rebalance: Response,
}

/// What to do about a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Hand over, and take nothing that is given away.
    Leave,
    /// Say so.
    Report,
    /// Do not even read it.
    Ignore,
}

/// A notice that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What kind it is.
    pub cause: EndingCause,
    /// What AWS says, in words.
    pub detail: String,
    /// When the host ends, or its maintenance begins.
    pub at: Option<SystemTime>,
    /// Whether this node hands over because of it.
    pub hands_over: bool,
}

impl Policy {
    /// What to do about a notice of this kind.
    const fn response(&self, cause: EndingCause) -> Response {
        match cause {
            EndingCause::Spot => self.spot,
            EndingCause::Autoscaling => self.autoscaling,
            EndingCause::Maintenance => self.maintenance,
            EndingCause::Rebalance => self.rebalance,
        }
    }
}

impl Response {
    /// The response of this name, as the schema lists them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "leave" => Some(Self::Leave),
            "report" => Some(Self::Report),
            "ignore" => Some(Self::Ignore),
            _ => None,
        }
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leave => "leave",
            Self::Report => "report",
            Self::Ignore => "ignore",
        }
    }
}

impl Notice {
    /// A notice with AWS's words for it, or none if nobody wants to know of its kind.
    fn new(cause: EndingCause, detail: &str, at: Option<SystemTime>, response: Response) -> Option<Self> {
        (response != Response::Ignore).then(|| Self {
            cause,
            detail: detail
                .chars()
                .filter(|char| !char.is_control())
                .take(LONGEST_DETAIL)
                .collect(),
            at,
            hands_over: response == Response::Leave,
        })
    }

    /// What the core is told of it, which counts time by another clock.
    #[must_use]
    pub fn ending(&self, wall: SystemTime, now: Instant) -> Ending {
        let left = |at: SystemTime| at.duration_since(wall).unwrap_or_default();
        Ending {
            cause: self.cause,
            at: self.at.map(|at| now + left(at)),
            hands_over: self.hands_over,
        }
    }

    /// What it says, and how long is left.
    #[must_use]
    pub fn told(&self, wall: SystemTime) -> String {
        let what = format!("{} ({})", text::ending_cause(self.cause), self.detail);
        match self.at.map(|at| at.duration_since(wall).unwrap_or_default()) {
            Some(left) if left.is_zero() => format!("{what}, due"),
            Some(left) => format!("{what} in {}", text::whole_seconds(left)),
            None => what,
        }
    }
}

/// Every word that AWS's guides have here is shorter.
const LONGEST_DETAIL: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn wall(minute: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + MINUTE * minute
    }

    #[test]
    fn each_response_has_the_name_by_which_it_is_read() {
        for response in [Response::Leave, Response::Report, Response::Ignore] {
            assert_eq!(Response::named(response.name()), Some(response));
        }
    }

    #[test]
    fn the_core_is_told_by_its_own_clock() {
        let notice = Notice {
            cause: EndingCause::Spot,
            detail: "stop".to_owned(),
            at: Some(wall(12)),
            hands_over: true,
        };
        let now = Instant::from_origin(MINUTE);
        assert_eq!(notice.ending(wall(10), now).at, Some(now + MINUTE * 2));
        assert_eq!(notice.ending(wall(13), now).at, Some(now), "no time is left");
        assert_eq!(notice.told(wall(13)), "spot interruption (stop), due");
    }
}
