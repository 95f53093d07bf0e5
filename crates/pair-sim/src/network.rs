//! The way between the two nodes, one direction at a time.

use std::time::Duration;

use pair_core::Member;

use crate::{Dice, Settings};

/// Two directions, each with its own faults.
#[derive(Clone, Debug)]
pub struct Network {
    from: [Direction; 2],
}

/// The way from one member to the other.
#[derive(Clone, Copy, Debug)]
struct Direction {
    is_cut: bool,
    loss_percent: u8,
    duplicate_percent: u8,
    delay: (Duration, Duration),
}

impl Network {
    pub(crate) const fn new(settings: &Settings) -> Self {
        let direction = Direction {
            is_cut: false,
            loss_percent: 0,
            duplicate_percent: 0,
            delay: settings.delay,
        };
        Self {
            from: [direction, direction],
        }
    }

    pub(crate) const fn cut(&mut self, from: Member) {
        self.from[from.index()].is_cut = true;
    }

    pub(crate) const fn mend(&mut self, from: Member) {
        self.from[from.index()].is_cut = false;
    }

    pub(crate) const fn lose(&mut self, from: Member, percent: u8) {
        self.from[from.index()].loss_percent = percent;
    }

    pub(crate) const fn duplicate(&mut self, from: Member, percent: u8) {
        self.from[from.index()].duplicate_percent = percent;
    }

    pub(crate) const fn delay(&mut self, from: Member, least: Duration, most: Duration) {
        self.from[from.index()].delay = (least, most);
    }

    /// After which times copies of a datagram arrive: none, one or two.
    pub(crate) fn carry(&self, from: Member, dice: &mut Dice) -> Vec<Duration> {
        let way = &self.from[from.index()];
        if way.is_cut || dice.percent(way.loss_percent) {
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

    /// Whether nothing at all is wrong, delays apart.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.from.iter().all(|way| !way.is_cut && way.loss_percent == 0)
    }
}
