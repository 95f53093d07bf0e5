//! An operator's hold: the address stays where it is for a while (F-14).
//!
//! A hold is a record with a version, and the newest version wins on both nodes; ending one early is a version, too. It is
//! counted down in real time, on a clock that goes on while the host sleeps, and nothing makes it longer than it was asked for.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Instant, Member, config::LONGEST_HOLD};

/// A hold as one node tells the other, and as it is kept on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// Which hold it is: the newest wins.
    pub version: HoldVersion,
    /// How long it still lasts, at most a day; zero once it is over, be it by itself or because it was ended early.
    pub remaining: Duration,
}

/// The version of a hold: a number, and the node that was asked, so that two of the same number are never one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HoldVersion {
    /// One more than the newest that the node knew.
    pub number: u64,
    /// The node that was asked.
    pub by: Member,
}

/// The newest hold that this node knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Holds {
    newest: Option<(HoldVersion, Instant)>,
}

impl Holds {
    /// An operator asks this node for a hold of this length from `now`; a length of zero ends the one in force.
    pub(crate) fn ask(&mut self, now: Instant, me: Member, length: Duration) {
        let number = self.newest.map_or(1, |(version, _)| version.number.saturating_add(1));
        let version = HoldVersion { number, by: me };
        self.newest = Some((version, end(now, length)));
    }

    /// Takes in a hold that the peer tells of, or that was kept on disk. Returns whether it is one that this node did not know.
    pub(crate) fn hear(&mut self, now: Instant, hold: Hold) -> bool {
        let until = end(now, hold.remaining);
        match &mut self.newest {
            Some((version, known_until)) if *version == hold.version => {
                *known_until = (*known_until).min(until);
                false
            }
            Some((version, _)) if *version > hold.version => false,
            Some(_) | None => {
                self.newest = Some((hold.version, until));
                true
            }
        }
    }

    /// The newest hold as it stands at `now`.
    pub(crate) fn told(&self, now: Instant) -> Option<Hold> {
        self.newest.map(|(version, until)| Hold {
            version,
            remaining: until.since(now),
        })
    }

    /// Whether a hold is in force.
    pub(crate) fn is_on(&self, now: Instant) -> bool {
        self.newest.is_some_and(|(_, until)| now < until)
    }
}

/// When a hold ends that has so long to go at `now`. One that is over ended before any time that is asked about: the decision
/// is shown as of the last wake-up, a moment ago.
fn end(now: Instant, remaining: Duration) -> Instant {
    if remaining.is_zero() {
        Instant::ZERO
    } else {
        now + remaining.min(LONGEST_HOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn held(me: Member, length: Duration) -> Holds {
        let mut holds = Holds::default();
        holds.ask(at(0), me, length);
        holds
    }

    #[test]
    fn one_that_was_ended_is_over_as_of_a_moment_ago_too() {
        let mut holds = held(Member::First, HOUR);
        holds.ask(at(60), Member::First, Duration::ZERO);
        assert!(!holds.is_on(at(59)));
        let mut other = held(Member::First, HOUR);
        other.hear(at(61), holds.told(at(60)).unwrap());
        assert!(!other.is_on(at(60)));
    }

    #[test]
    fn a_hold_lasts_as_long_as_asked() {
        let holds = held(Member::First, HOUR);
        assert!(holds.is_on(at(3_599)));
        assert!(!holds.is_on(at(3_600)));
        assert_eq!(holds.told(at(3_000)).unwrap().remaining, Duration::from_secs(600));
    }

    #[test]
    fn no_hold_is_longer_than_a_day() {
        assert!(!held(Member::First, Duration::MAX).is_on(at(86_400)));
        let mut holds = Holds::default();
        let version = HoldVersion {
            number: 1,
            by: Member::Second,
        };
        let remaining = Duration::MAX;
        holds.hear(at(0), Hold { version, remaining });
        assert!(!holds.is_on(at(86_400)));
    }

    #[test]
    fn hearing_the_same_hold_again_does_not_make_it_longer() {
        let mut holds = held(Member::First, HOUR);
        let told = holds.told(at(0)).unwrap();
        assert!(!holds.hear(at(1_000), told));
        assert!(!holds.is_on(at(3_600)));
    }

    #[test]
    fn the_newest_version_wins_and_an_early_end_is_one() {
        let mut first = held(Member::First, HOUR);
        let mut second = Holds::default();
        assert!(second.hear(at(0), first.told(at(0)).unwrap()));
        second.ask(at(10), Member::Second, Duration::ZERO);
        assert!(!second.hear(at(11), first.told(at(11)).unwrap()));
        assert!(first.hear(at(11), second.told(at(11)).unwrap()));
        assert!(!first.is_on(at(11)));
    }

    #[test]
    fn two_that_are_asked_at_once_agree_on_one() {
        let (mut first, mut second) = (held(Member::First, HOUR), held(Member::Second, 2 * HOUR));
        let (by_first, by_second) = (first.told(at(0)).unwrap(), second.told(at(0)).unwrap());
        first.hear(at(0), by_second);
        second.hear(at(0), by_first);
        assert_eq!(first.told(at(1)), second.told(at(1)));
    }
}
