//! The way between the two nodes, one direction at a time.

use std::time::Duration;

use pair_core::Member;

use crate::{Dice, Settings};

/// Two directions, each with its own faults.
#[derive(Clone, Debug)]
pub struct Network {
    from: [Direction; 2],
    /// A delay beyond this is a fault: a late datagram proves no life after the newest one that came before it.
    tolerable: Duration,
}

/// The way from one member to the other.
#[derive(Clone, Copy, Debug)]
struct Direction {
    is_cut: bool,
    loss_percent: u8,
    /// How many datagrams a burst of losses takes on average; zero if losses are independent.
    burst: u8,
    in_burst: bool,
    duplicate_percent: u8,
    delay: (Duration, Duration),
}

impl Network {
    pub(crate) fn new(settings: &Settings) -> Self {
        let direction = Direction {
            is_cut: false,
            loss_percent: 0,
            burst: 0,
            in_burst: false,
            duplicate_percent: 0,
            delay: settings.delay,
        };
        Self {
            from: [direction, direction],
            tolerable: settings.holdtime / 3,
        }
    }

    /// A node has been given this holdtime: what it cannot tolerate is wrong from here on.
    pub(crate) fn follow_holdtime(&mut self, holdtime: Duration) {
        self.tolerable = self.tolerable.min(holdtime / 3);
    }

    pub(crate) const fn cut(&mut self, from: Member) {
        self.from[from.index()].is_cut = true;
    }

    pub(crate) const fn mend(&mut self, from: Member) {
        self.from[from.index()].is_cut = false;
    }

    pub(crate) const fn lose(&mut self, from: Member, percent: u8) {
        let way = &mut self.from[from.index()];
        (way.loss_percent, way.burst, way.in_burst) = (percent, 0, false);
    }

    pub(crate) const fn lose_in_bursts(&mut self, from: Member, percent: u8, burst: u8) {
        let way = &mut self.from[from.index()];
        (way.loss_percent, way.burst) = (percent, burst);
    }

    pub(crate) const fn duplicate(&mut self, from: Member, percent: u8) {
        self.from[from.index()].duplicate_percent = percent;
    }

    pub(crate) const fn delay(&mut self, from: Member, least: Duration, most: Duration) {
        self.from[from.index()].delay = (least, most);
    }

    /// After which times copies of a datagram arrive: none, one or two.
    pub(crate) fn carry(&mut self, from: Member, dice: &mut Dice) -> Vec<Duration> {
        let way = &mut self.from[from.index()];
        if way.is_cut || way.loses(dice) {
            return Vec::new();
        }
        let copies = if dice.percent(way.duplicate_percent) { 2 } else { 1 };
        (0..copies).map(|_| dice.between(way.delay.0, way.delay.1)).collect()
    }

    /// Whether a connection can be made: both directions carry.
    #[must_use]
    pub fn connects(&self) -> bool {
        self.from.iter().all(|way| !way.is_cut)
    }

    /// Whether the way from `from` is cut.
    #[must_use]
    pub const fn is_cut(&self, from: Member) -> bool {
        self.from[from.index()].is_cut
    }

    /// Whether nothing is wrong: nothing is lost, and nothing comes later than a third of the holdtime.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        let is_calm = |way: &Direction| !way.is_cut && way.loss_percent == 0 && way.delay.1 <= self.tolerable;
        self.from.iter().all(is_calm)
    }
}

impl Direction {
    /// Whether it loses the next datagram. In bursts: a chain of two states (Gilbert, "Capacity of a burst-noise channel",
    /// 1960) that leaves the bad one every `burst` datagrams and enters it as often as the loss over time demands.
    fn loses(&mut self, dice: &mut Dice) -> bool {
        if self.burst == 0 {
            return dice.percent(self.loss_percent);
        }
        let (burst, loss) = (u64::from(self.burst), u64::from(self.loss_percent.min(99)));
        self.in_burst = if self.in_burst {
            dice.below(burst) != 0
        } else {
            dice.below(burst * (100 - loss)) < loss
        };
        self.in_burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a hundred thousand datagrams are lost, and in how many bursts.
    fn lost(percent: u8, burst: u8) -> (u32, u32) {
        let mut network = Network::new(&Settings::default());
        network.lose_in_bursts(Member::First, percent, burst);
        let mut dice = Dice::new(7);
        let (mut lost, mut bursts, mut before) = (0, 0, false);
        for _ in 0..100_000 {
            let is_lost = network.carry(Member::First, &mut dice).is_empty();
            lost += u32::from(is_lost);
            bursts += u32::from(is_lost && !before);
            before = is_lost;
        }
        (lost, bursts)
    }

    #[test]
    fn bursts_have_the_loss_and_the_length_that_were_asked_for() {
        for (percent, burst) in [(10, 5), (30, 10), (50, 3)] {
            let (lost, bursts) = lost(percent, burst);
            assert!(lost.abs_diff(u32::from(percent) * 1_000) < 1_500, "{lost}");
            assert!((lost / bursts).abs_diff(u32::from(burst)) <= 1, "{lost} in {bursts}");
        }
    }
}
