//! EC2's request limits: one token bucket per action, shared by everything in an account and region.

use std::{str::FromStr, time::Duration};

use pair_core::{Call, Instant};
use thiserror::Error;

/// How many calls of one action may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Calls that may come at once.
    pub burst: u32,
    /// Calls given back each second.
    pub per_second: u32,
}

/// The actions that a pair calls, each with a bucket of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `AssociateAddress`.
    Associate,
    /// `DisassociateAddress`.
    Disassociate,
    /// `DescribeAddresses`.
    DescribeAddresses,
    /// `DescribeInstanceStatus`.
    DescribeInstanceStatus,
}

/// How often an action was called, and how often too often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All calls.
    pub made: u64,
    /// Those that were throttled.
    pub throttled: u64,
}

/// The buckets of an account, and what was taken from them.
#[derive(Clone, Debug)]
pub struct Limits {
    buckets: [Bucket; ACTIONS],
}

/// One bucket, counted in billionths of a call, so that a nanosecond refills whole ones.
#[derive(Clone, Debug)]
struct Bucket {
    limit: Limit,
    tokens: u64,
    filled_at: Instant,
    calls: Calls,
}

impl Limits {
    /// Full buckets: one limit for what changes something, one for what does not.
    #[must_use]
    pub fn new(claims: Limit, describes: Limit, now: Instant) -> Self {
        let bucket = |limit| Bucket::new(limit, now);
        Self {
            buckets: [bucket(claims), bucket(claims), bucket(describes), bucket(describes)],
        }
    }

    /// Takes a token for a call; false if there is none, and the call is throttled.
    pub fn take(&mut self, now: Instant, call: &Call) -> bool {
        self.buckets[Action::of(call) as usize].take(now)
    }

    /// What was called.
    #[must_use]
    pub const fn calls(&self, action: Action) -> Calls {
        self.buckets[action as usize].calls
    }
}

impl Limit {
    /// The limit of `AssociateAddress`: a guess, since AWS documents none; the throttling metrics of a real account would
    /// settle it.
    pub const CLAIMS: Self = Self {
        burst: 50,
        per_second: 5,
    };

    /// The limit that AWS documents as an example of a describe action (EC2 API Reference, "Request throttling").
    pub const DESCRIBES: Self = Self {
        burst: 100,
        per_second: 20,
    };

    /// How long so many calls take at least, if each comes as soon as there is a token for it.
    #[must_use]
    pub fn time_for(self, calls: u32) -> Duration {
        Duration::from_secs(1) * calls.saturating_sub(self.burst) / self.per_second
    }
}

/// A text that is not such as `50/5`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not BURST/PER_SECOND")]
pub struct LimitError(String);

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let numbers = text.split_once('/').and_then(|(burst, per_second)| {
            Some(Self {
                burst: burst.parse().ok()?,
                per_second: per_second.parse().ok().filter(|calls| *calls > 0)?,
            })
        });
        numbers.ok_or_else(|| LimitError(text.to_owned()))
    }
}

impl Action {
    const fn of(call: &Call) -> Self {
        match call {
            Call::Associate { .. } => Self::Associate,
            Call::Release(_) => Self::Disassociate,
            Call::ReadAddress => Self::DescribeAddresses,
            Call::ReadInstance(_) => Self::DescribeInstanceStatus,
        }
    }
}

impl Bucket {
    fn new(limit: Limit, now: Instant) -> Self {
        Self {
            limit,
            tokens: u64::from(limit.burst) * ONE,
            filled_at: now,
            calls: Calls::default(),
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let passed = u64::try_from(now.since(self.filled_at).as_nanos()).unwrap_or(u64::MAX);
        self.filled_at = self.filled_at.max(now);
        let refill = passed.saturating_mul(u64::from(self.limit.per_second));
        self.tokens = self
            .tokens
            .saturating_add(refill)
            .min(u64::from(self.limit.burst) * ONE);
        self.calls.made += 1;
        match self.tokens.checked_sub(ONE) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => {
                self.calls.throttled += 1;
                false
            }
        }
    }
}

/// One call: a bucket of one per second gets a billionth of it each nanosecond.
const ONE: u64 = 1_000_000_000;

/// How many actions there are.
const ACTIONS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Call = Call::Associate {
        allow_reassociation: true,
    };

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    #[test]
    fn a_burst_empties_a_bucket_and_time_refills_it() {
        let limit = Limit {
            burst: 2,
            per_second: 5,
        };
        let mut limits = Limits::new(limit, limit, at(0));
        let taken = [0, 0, 0, 199, 200, 200].map(|ms| limits.take(at(ms), &CLAIM));
        assert_eq!(taken, [true, true, false, false, true, false]);
        assert_eq!(limits.calls(Action::Associate), Calls { made: 6, throttled: 3 });
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let limit = Limit {
            burst: 1,
            per_second: 5,
        };
        let mut limits = Limits::new(limit, limit, at(0));
        assert!(limits.take(at(3_600_000), &CLAIM));
        assert!(!limits.take(at(3_600_000), &CLAIM));
    }

    #[test]
    fn each_action_has_a_bucket_of_its_own() {
        let one = Limit {
            burst: 1,
            per_second: 1,
        };
        let mut limits = Limits::new(one, one, at(0));
        let instance = pair_core::InstanceId::of("i-0");
        let association = pair_core::AssociationId::of("eipassoc-0");
        for call in [
            CLAIM,
            Call::Release(association),
            Call::ReadAddress,
            Call::ReadInstance(instance),
        ] {
            assert!(limits.take(at(0), &call) && !limits.take(at(0), &call), "{call:?}");
        }
    }

    #[test]
    fn a_limit_is_written_as_burst_and_refill() {
        assert_eq!("50/5".parse(), Ok(Limit::CLAIMS));
        for text in ["", "50", "50/", "/5", "50/0", "a/5"] {
            assert_eq!(text.parse::<Limit>(), Err(LimitError(text.to_owned())));
        }
    }

    #[test]
    fn what_fits_into_the_burst_takes_no_time() {
        let times = [10, 50, 100, 5_000].map(|calls| Limit::CLAIMS.time_for(calls).as_secs());
        assert_eq!(times, [0, 0, 10, 990]);
    }
}
