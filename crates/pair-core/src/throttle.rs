//! The manners of a claim that EC2 throttles: when it comes again (F-12).
//!
//! A zone that dies makes the survivors of all its pairs read and claim at the same moment, and what they share lets a burst
//! pass and then so many calls a second. Nobody knows how many others wait, so how long one has waited oneself is the only
//! measure of the crowd:
//!
//! ```text
//! throttled      the next call comes after a share of the time waited so far: the calls of a crowd become fewer while it
//!                lasts, and whoever is left comes soon after the limits have let the others through
//! a claim        three tenths of it, 2.5 s at least: EC2 lets few claims pass (EC2.md: 5 a second)
//! the first one  up to one second, by chance: mostly it is no crowd, but a moment
//! a read         a third of it: it costs no claim, and shows the end of the crowd
//! ```
//!
//! A claim needs a fresh read (F-5), so reads let claims through. EC2 takes four times as many reads as claims, though, so a
//! single read that gets through a crowd says little: of the claims behind such reads two of three are throttled again. Who
//! was throttled with a read therefore waits for a second one that passes, and in a long storm for a third. The first attempt
//! waits for none of this.
//!
//! The shares are measured, by `pair-sim storm`: larger ones cost time at the end of a storm, smaller ones calls.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chance::Chance;

/// What the reads since the last request tell of the crowd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Crowd {
    /// None was throttled, or as many have got through since as it takes.
    #[default]
    Unseen,
    /// One was.
    Seen {
        /// How many have got through since.
        passed: u8,
    },
}

impl Crowd {
    /// A read was throttled.
    pub(crate) const fn refused(self) -> Self {
        match self {
            Self::Unseen => Self::Seen { passed: 0 },
            Self::Seen { passed } => Self::Seen { passed },
        }
    }

    /// A read has got through, after so much waiting.
    pub(crate) fn passed(self, waited: Duration) -> Self {
        let enough = if waited < LONG { 2 } else { 3 };
        match self {
            Self::Seen { passed } if passed + 1 < enough => Self::Seen { passed: passed + 1 },
            Self::Seen { .. } | Self::Unseen => Self::Unseen,
        }
    }
}

/// The pause before a claim that was throttled is made again, after so many attempts and so much waiting.
pub(crate) fn before_claim(attempts: u32, waited: Duration, chance: &mut Chance) -> Duration {
    if attempts <= 1 {
        return chance.up_to(FIRST_PAUSE).max(SHORTEST_PAUSE);
    }
    about((waited * 3 / 10).max(CLAIM_PAUSE), chance)
}

/// The pause before a read that was throttled is made again.
pub(crate) fn before_read(waited: Duration, chance: &mut Chance) -> Duration {
    about((waited / 3).max(READ_PAUSE), chance)
}

/// The pause before another read, after one has got through.
pub(crate) fn before_another_read(waited: Duration, chance: &mut Chance) -> Duration {
    about((waited / 20).max(READ_PAUSE), chance)
}

/// A pause of about this length: give or take a fifth, so that a crowd does not come back at one moment.
fn about(pause: Duration, chance: &mut Chance) -> Duration {
    let pause = pause.min(LONGEST_PAUSE);
    pause * 4 / 5 + chance.up_to(pause * 2 / 5)
}

/// The longest pause after the first claim.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The shortest one, so that jitter cannot make a busy loop.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// The least pause between two claims after that, about: a storm of a hundred pairs takes ten seconds.
const CLAIM_PAUSE: Duration = Duration::from_millis(2_500);

/// The least pause between two reads, about.
const READ_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause, about: whatever takes all the calls of an account, the address moves soon after it has ended.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// After how much waiting a storm is a long one.
const LONG: Duration = Duration::from_secs(2 * 60);

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// The shortest and the longest of many pauses, in milliseconds.
    fn range(pause: impl Fn(&mut Chance) -> Duration) -> [u128; 2] {
        let pauses: Vec<_> = (0..1_000)
            .map(|seed| pause(&mut Chance::new(seed)).as_millis())
            .collect();
        [pauses.iter().min(), pauses.iter().max()].map(|pause| pause.copied().unwrap())
    }

    fn assert_about(range: [u128; 2], shortest: u128, longest: u128) {
        let [least, most] = range;
        let slack = (longest - shortest) / 50;
        assert!(
            least >= shortest && least <= shortest + slack,
            "{least} ms of {shortest} ms"
        );
        assert!(most <= longest && most + slack >= longest, "{most} ms of {longest} ms");
    }

    #[test]
    fn the_first_claim_comes_again_within_a_second() {
        let pauses = range(|chance| before_claim(1, Duration::from_secs(100), chance));
        assert_about(pauses, 20, 1_000);
    }

    #[test]
    fn later_claims_come_after_three_tenths_of_the_time_waited() {
        for (waited, shortest, longest) in [(0, 2_000, 3_000), (8, 2_000, 3_000), (100, 24_000, 36_000)] {
            let pauses = range(|chance| before_claim(2, Duration::from_secs(waited), chance));
            assert_about(pauses, shortest, longest);
        }
    }

    #[test]
    fn reads_come_after_a_third_of_it() {
        for (waited_ms, shortest, longest) in [(0, 160, 240), (1_500, 400, 600), (30_000, 8_000, 12_000)] {
            let pauses = range(|chance| before_read(Duration::from_millis(waited_ms), chance));
            assert_about(pauses, shortest, longest);
        }
    }

    #[test]
    fn another_read_comes_after_a_twentieth() {
        for (waited, shortest, longest) in [(1, 160, 240), (20, 800, 1_200)] {
            let pauses = range(|chance| before_another_read(Duration::from_secs(waited), chance));
            assert_about(pauses, shortest, longest);
        }
    }

    #[test]
    fn nobody_waits_for_much_longer_than_a_minute() {
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        for pause in [before_read, before_another_read] {
            assert_about(range(|chance| pause(week, chance)), 48_000, 72_000);
        }
        assert_about(range(|chance| before_claim(99, week, chance)), 48_000, 72_000);
    }

    #[test]
    fn a_crowd_is_over_when_two_reads_have_got_through_and_late_in_a_storm_three() {
        let (soon, late) = (Duration::from_secs(119), Duration::from_secs(120));
        let seen = Crowd::default().refused();
        assert_eq!(Crowd::default().passed(soon), Crowd::Unseen);
        let once = seen.passed(soon);
        assert_eq!((seen, once), (Crowd::Seen { passed: 0 }, Crowd::Seen { passed: 1 }));
        assert_eq!(once.refused(), once, "what has got through counts");
        assert_eq!(once.passed(soon), Crowd::Unseen);
        assert_eq!(once.passed(late), Crowd::Seen { passed: 2 });
        assert_eq!(once.passed(late).passed(late), Crowd::Unseen);
    }
}
