//! One direction of the way between two nodes.

use std::time::Duration;

use pair_core::{Instant, Member};

use super::Loss;
use crate::{Dice, Settings};

/// The way from one member to the other, asked in order of time.
///
/// Its good and bad whiles come from the seed alone, so that every detector that is tried on it meets the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    loss: Loss,
    delay: (Duration, Duration),
    dice: Dice,
    weather: Dice,
    is_bad: bool,
    until: Instant,
}

impl Path {
    /// The way from `from` in the history of `seed`, good at first.
    pub(crate) fn new(loss: Loss, settings: &Settings, seed: u64, from: Member) -> Self {
        let mut seeds = Dice::new(seed);
        for _ in 0..from.index() {
            seeds.number();
            seeds.number();
        }
        let mut path = Self {
            loss,
            delay: settings.delay,
            dice: Dice::new(seeds.number()),
            weather: Dice::new(seeds.number()),
            is_bad: true,
            until: Instant::ZERO,
        };
        path.change();
        path
    }

    /// When a datagram that is sent at `now` arrives, if it does.
    pub(crate) fn carry(&mut self, now: Instant) -> Option<Instant> {
        while self.until <= now {
            self.change();
        }
        let is_lost = match self.loss {
            Loss::Independent { percent } => self.dice.percent(percent),
            Loss::Bursts { .. } => self.is_bad,
        };
        (!is_lost).then(|| now + self.dice.between(self.delay.0, self.delay.1))
    }

    /// The path turns from good to bad, or back.
    fn change(&mut self) {
        let Loss::Bursts { percent, mean } = self.loss else {
            self.until = Instant::from_nanos(u64::MAX);
            return;
        };
        self.is_bad = !self.is_bad;
        let share = f64::from(percent) / 100.0;
        let mean = if self.is_bad {
            mean
        } else {
            mean.mul_f64((1.0 - share) / share)
        };
        self.until = self.until + exponential(&mut self.weather, mean);
    }
}

/// A time that is exponentially distributed around `mean`.
fn exponential(dice: &mut Dice, mean: Duration) -> Duration {
    // The upper 53 bits are all that a double holds; zero is left out since it has no logarithm.
    let share = ((dice.number() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    mean.mul_f64(-share.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of ten million milliseconds are lost, and in how many whiles.
    fn lost(loss: Loss) -> (u32, u32) {
        let mut path = Path::new(loss, &Settings::default(), 7, Member::First);
        let (mut lost, mut whiles, mut before) = (0, 0, false);
        for ms in 0..10_000_000 {
            let is_lost = path.carry(Instant::from_origin(Duration::from_millis(ms))).is_none();
            lost += u32::from(is_lost);
            whiles += u32::from(is_lost && !before);
            before = is_lost;
        }
        (lost, whiles)
    }

    #[test]
    fn a_path_is_bad_for_the_share_of_time_and_the_length_that_were_asked_for() {
        for (percent, ms) in [(5, 100), (30, 100), (10, 300)] {
            let mean = Duration::from_millis(ms);
            let (lost, whiles) = lost(Loss::Bursts { percent, mean });
            let wanted = u32::from(percent) * 100_000;
            assert!(lost.abs_diff(wanted) < wanted / 10, "{lost}");
            assert!(u64::from(lost / whiles).abs_diff(ms) < ms / 10, "{lost} in {whiles}");
        }
    }

    #[test]
    fn independent_loss_is_the_share_that_was_asked_for() {
        let (lost, _) = lost(Loss::Independent { percent: 30 });
        assert!(lost.abs_diff(3_000_000) < 30_000, "{lost}");
    }

    #[test]
    fn the_two_directions_are_not_bad_at_the_same_time() {
        let mean = Duration::from_millis(100);
        let loss = Loss::Bursts { percent: 30, mean };
        let mut ways = Member::BOTH.map(|from| Path::new(loss, &Settings::default(), 7, from));
        let mut both = 0;
        for ms in 0..10_000_000 {
            let now = Instant::from_origin(Duration::from_millis(ms));
            let lost = ways.each_mut().map(|way| way.carry(now).is_none());
            both += u32::from(lost == [true, true]);
        }
        assert!(both.abs_diff(900_000) < 90_000, "{both}");
    }
}
