//! How often each source is served: a bucket for each, and a bound on their number.

use std::collections::BTreeMap;
use std::net::IpAddr;

use pair_core::Instant;

/// How many requests a source may send at once: four addresses of a pair that is suspect, each with a burst of questions.
const BURST: u32 = 200;

/// How many a source gets back each second.
const PER_SECOND: u32 = 100;

/// How many sources are known at a time. A source whose bucket is full again is forgotten, so this many must be busy at once.
const MOST_SOURCES: usize = 1024;

/// The buckets.
#[derive(Debug, Default)]
pub(super) struct Rates {
    sources: BTreeMap<IpAddr, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u32,
    filled_at: Instant,
}

impl Rates {
    /// Whether a source is served now.
    pub(super) fn admits(&mut self, now: Instant, source: IpAddr) -> bool {
        if !self.sources.contains_key(&source) && self.sources.len() >= MOST_SOURCES {
            self.sources.retain(|_, bucket| bucket.filled(now).tokens < BURST);
            if self.sources.len() >= MOST_SOURCES {
                return false;
            }
        }
        let bucket = self.sources.entry(source).or_insert(Bucket {
            tokens: BURST,
            filled_at: now,
        });
        *bucket = bucket.filled(now);
        match bucket.tokens.checked_sub(1) {
            Some(rest) => {
                bucket.tokens = rest;
                true
            }
            None => false,
        }
    }
}

impl Bucket {
    /// The bucket with what time has given back, whole tokens only.
    fn filled(self, now: Instant) -> Self {
        let each = std::time::Duration::from_secs(1) / PER_SECOND;
        let earned = now.since(self.filled_at).as_nanos() / each.as_nanos();
        let earned = u32::try_from(earned).unwrap_or(u32::MAX);
        let tokens = self.tokens.saturating_add(earned).min(BURST);
        let filled_at = if tokens == BURST {
            now
        } else {
            self.filled_at + each * earned
        };
        Self { tokens, filled_at }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    fn source(host: u16) -> IpAddr {
        let [high, low] = host.to_be_bytes();
        Ipv4Addr::new(10, 0, high, low).into()
    }

    #[test]
    fn a_source_gets_a_burst_and_then_so_many_a_second() {
        let mut rates = Rates::default();
        let taken = (0..300).filter(|_| rates.admits(at(0), source(1))).count();
        assert_eq!(taken, 200);
        assert!(!rates.admits(at(9), source(1)));
        assert!(rates.admits(at(10), source(1)) && !rates.admits(at(10), source(1)));
        let taken = (0..300).filter(|_| rates.admits(at(1_010), source(1))).count();
        assert_eq!(taken, 100);
    }

    #[test]
    fn one_source_takes_nothing_from_another() {
        let mut rates = Rates::default();
        while rates.admits(at(0), source(1)) {}
        assert!(rates.admits(at(0), source(2)));
    }

    #[test]
    fn the_number_of_sources_is_bounded_and_idle_ones_make_room() {
        let mut rates = Rates::default();
        for host in 0..1024 {
            assert!(rates.admits(at(0), source(host)));
        }
        assert!(!rates.admits(at(0), source(1024)), "all are busy");
        assert!(rates.admits(at(10), source(1024)));
        assert_eq!(rates.sources.len(), 1);
    }
}
