//! EC2's request limits: one token bucket per action, shared by everything in the account.

use crate::action::Action;

/// How many calls of one action an account may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Calls that may come at once.
    pub burst: u32,
    /// Calls given back each second.
    pub per_second: u32,
}

impl Limit {
    /// Gives the limit an action has unless a test sets another.
    ///
    /// AWS documents 100 and 20/s for one describe action and nothing for `AssociateAddress`: 50 and 5/s is a guess,
    /// which a look at a real account's throttling metrics would settle.
    pub(crate) fn default_of(action: Action) -> Self {
        if action.is_mutating() {
            Self {
                burst: 50,
                per_second: 5,
            }
        } else {
            Self {
                burst: 100,
                per_second: 20,
            }
        }
    }
}

/// A token bucket on the lab's clock, counted in thousandths of a call so that refilling needs no fractions.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: Limit,
    milli_tokens: u64,
    filled_at_ms: u64,
}

impl Bucket {
    /// Makes a full bucket.
    pub(crate) fn new(limit: Limit, now_ms: u64) -> Self {
        Self {
            limit,
            milli_tokens: u64::from(limit.burst) * 1000,
            filled_at_ms: now_ms,
        }
    }

    /// Takes one token; `false` means the call is over the limit.
    pub(crate) fn take(&mut self, now_ms: u64) -> bool {
        let elapsed_ms = now_ms.saturating_sub(self.filled_at_ms);
        self.filled_at_ms = now_ms;
        let refill = elapsed_ms.saturating_mul(u64::from(self.limit.per_second));
        self.milli_tokens = self
            .milli_tokens
            .saturating_add(refill)
            .min(u64::from(self.limit.burst) * 1000);
        match self.milli_tokens.checked_sub(1000) {
            Some(rest) => {
                self.milli_tokens = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_empties_the_bucket_and_time_refills_it() {
        let mut bucket = Bucket::new(
            Limit {
                burst: 2,
                per_second: 5,
            },
            0,
        );
        assert!(bucket.take(0));
        assert!(bucket.take(0));
        assert!(!bucket.take(0));
        assert!(!bucket.take(199));
        assert!(bucket.take(200));
        assert!(!bucket.take(200));
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let mut bucket = Bucket::new(
            Limit {
                burst: 1,
                per_second: 5,
            },
            0,
        );
        assert!(bucket.take(3_600_000));
        assert!(!bucket.take(3_600_000));
    }
}
