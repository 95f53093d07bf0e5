//! When EC2 is asked who bears the tag: soon when there is a reason, seldom while there is none.

use std::time::{Duration, Instant};

/// The least time between two questions, and how long a silence lasts before the first: the takeover comes first (F-3).
const LEAST: Duration = Duration::from_secs(5);

/// Up to this the pauses grow while the peer is silent and nothing changes. A knock is heard as often, if those before brought
/// nothing: who has recorded a datagram of the pair can knock for ever.
const MOST: Duration = Duration::from_secs(60);

/// The time between two questions in good times, in which heartbeats prove who the peer is: they find who else bears the tag.
const IN_GOOD_TIMES: Duration = Duration::from_secs(60 * 60);

/// When to ask next.
#[derive(Debug)]
pub(super) struct Pace {
    asked_at: Option<Instant>,
    silent_since: Option<Instant>,
    knocked_at: Option<Instant>,
    /// The pause after the last question, if the peer is silent.
    pause: Duration,
    /// A share of the pause that is added to it, from 0 to 255 of 255 quarters: so a fleet does not ask in step.
    jitter: u8,
}

impl Pace {
    /// Nothing was asked yet.
    pub(super) const fn new() -> Self {
        Self {
            asked_at: None,
            silent_since: None,
            knocked_at: None,
            pause: LEAST,
            jitter: 0,
        }
    }

    /// Somebody else has asked.
    pub(super) const fn asked_before(now: Instant) -> Self {
        let mut pace = Self::new();
        pace.asked_at = Some(now);
        pace
    }

    /// Notes a question, and whether its answer was another one than before.
    pub(super) fn asked(&mut self, now: Instant, has_changed: bool) {
        self.asked_at = Some(now);
        let mut byte = [0];
        self.jitter = getrandom::fill(&mut byte).map_or(128, |()| byte[0]);
        if has_changed {
            self.pause = LEAST;
            self.knocked_at = None;
        } else {
            self.pause = (self.pause * 3 / 2).min(MOST);
        }
    }

    /// Notes whether the peer is silent.
    pub(super) fn hear(&mut self, now: Instant, is_silent: bool) {
        if !is_silent {
            self.silent_since = None;
            self.pause = LEAST;
        } else if self.silent_since.is_none() {
            self.silent_since = Some(now);
        }
    }

    /// Notes a knock, and says whether it is a reason to ask.
    pub(super) fn knock(&mut self, now: Instant) -> bool {
        let is_new = self.knocked_at.is_none_or(|at| now.duration_since(at) >= MOST);
        if is_new {
            self.knocked_at = Some(now);
            self.pause = LEAST;
        }
        is_new
    }

    /// How long to wait from now on; `is_wanted`: there is a reason beside a silence.
    pub(super) fn wait(&self, now: Instant, is_wanted: bool) -> Duration {
        let asked_at = self.asked_at.unwrap_or(now);
        let due_at = if is_wanted {
            asked_at + self.jittered(self.pause)
        } else if let Some(since) = self.silent_since {
            (asked_at + self.jittered(self.pause)).max(since + LEAST)
        } else {
            asked_at + self.jittered(IN_GOOD_TIMES)
        };
        due_at.saturating_duration_since(now)
    }

    fn jittered(&self, pause: Duration) -> Duration {
        pause + pause / 4 * u32::from(self.jitter) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A pace without jitter that has just asked, and that moment.
    fn asked() -> (Pace, Instant) {
        let now = Instant::now();
        (Pace::asked_before(now), now)
    }

    #[test]
    fn in_good_times_an_hour_passes_between_two_questions() {
        let (pace, now) = asked();
        assert_eq!(pace.wait(now, false), SECOND * 3_600);
    }

    #[test]
    fn the_first_question_of_a_silence_waits_until_a_takeover_is_over() {
        let (mut pace, now) = asked();
        let later = now + SECOND * 100;
        pace.hear(later, true);
        assert_eq!(pace.wait(later, false), SECOND * 5);
        pace.hear(later + SECOND, true);
        assert_eq!(pace.wait(later + SECOND, false), SECOND * 4);
        pace.hear(later + SECOND, false);
        assert!(pace.wait(later + SECOND, false) > SECOND * 3_000);
    }

    #[test]
    fn while_nothing_changes_the_pauses_grow_to_a_minute() {
        let (mut pace, mut now) = asked();
        pace.hear(now, true);
        let mut questions = 0;
        let end = now + SECOND * 3_600;
        while now < end {
            now += pace.wait(now, false);
            pace.asked(now, false);
            questions += 1;
        }
        assert!((48..=68).contains(&questions), "{questions} in an hour");
        pace.asked(now, true);
        assert!(pace.wait(now, false) <= SECOND * 7);
    }

    #[test]
    fn a_knock_hurries_and_knocking_for_ever_does_not() {
        let (mut pace, mut now) = asked();
        for _ in 0..20 {
            pace.hear(now, true);
            now += pace.wait(now, false);
            pace.asked(now, false);
        }
        now += SECOND * 20;
        assert!(pace.wait(now, false) > SECOND * 30);
        assert!(pace.knock(now));
        assert_eq!(pace.wait(now, true), Duration::ZERO);
        pace.asked(now, false);
        assert!(!pace.knock(now + SECOND * 10), "the one before brought nothing");
        pace.asked(now, true);
        assert!(pace.knock(now + SECOND * 10));
    }
}
