//! Which datagrams have been accepted before.
//!
//! ```text
//!             TooOld            │ window: 1024 numbers, each seen or not │   newer than all
//!   …───────────────────────────┼────────────────────────────────────────┼──────────────────…
//!                        newest - 1023                               newest
//! ```
//!
//! One window per incarnation of the sender, for incarnations are random and have no order. Whoever has recorded old
//! incarnations can play them all back, and each looks new to a node that has just started. Such streams must not push out
//! the window of the peer that lives, or its datagrams could be played back after its death. So windows are kept in two
//! places: an incarnation that has echoed *this* node's own (which no recording from before its start can do) is among
//! the [`PROVEN`] ones, all others share a few places where they may push out each other. What an unproven incarnation
//! says is no life (F-2), so its datagrams may be forgotten.

use pair_core::{Incarnation, Prefix, Sequence};

use super::DropCause;

/// How many numbers a window is wide. At the shortest interval (10 ms), with query bursts, that is some seconds: far more
/// than a network reorders.
const WIDTH: u64 = 1024;

/// How many incarnations without contact are remembered.
const UNPROVEN: usize = 4;

/// How many incarnations that were in contact with this one are remembered: as many restarts of the peer within one run of
/// this node. The one heard longest ago makes room.
const PROVEN: usize = 64;

/// What a node remembers of the datagrams it accepted.
pub(super) struct Replay {
    me: Incarnation,
    proven: Recent<PROVEN>,
    unproven: Recent<UNPROVEN>,
}

impl Replay {
    /// Remembers nothing yet; `me` is the receiver's own incarnation.
    pub(super) const fn new(me: Incarnation) -> Self {
        Self {
            me,
            proven: Recent::new(),
            unproven: Recent::new(),
        }
    }

    /// Whether a datagram is new, as far as can be known. Nothing changes.
    ///
    /// # Errors
    /// [`DropCause::Replayed`] or [`DropCause::TooOld`].
    pub(super) fn check(&self, prefix: &Prefix) -> Result<(), DropCause> {
        let window = self.proven.get(prefix.incarnation);
        window
            .or_else(|| self.unproven.get(prefix.incarnation))
            .map_or(Ok(()), |window| window.check(prefix.sequence))
    }

    /// Remembers a datagram, unless it was seen before or may have been.
    ///
    /// Only authentic datagrams may come here.
    ///
    /// # Errors
    /// [`DropCause::Replayed`] or [`DropCause::TooOld`]; nothing has changed then.
    pub(super) fn accept(&mut self, prefix: &Prefix) -> Result<(), DropCause> {
        let echoes_me = prefix.echo.is_some_and(|echo| echo.incarnation == self.me);
        if let Some(window) = self.proven.find(prefix.incarnation) {
            return window.accept(prefix.sequence);
        }
        match self.unproven.find(prefix.incarnation) {
            Some(window) => {
                window.accept(prefix.sequence)?;
                if echoes_me && let Some(window) = self.unproven.take(prefix.incarnation) {
                    self.proven.add(window);
                }
            }
            None => {
                let window = Window::new(prefix.incarnation, prefix.sequence);
                if echoes_me {
                    self.proven.add(window);
                } else {
                    self.unproven.add(window);
                }
            }
        }
        Ok(())
    }
}

/// At most `N` windows, the one used last at the end.
struct Recent<const N: usize>(Vec<Window>);

impl<const N: usize> Recent<N> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a window; the one used longest ago makes room for it.
    fn add(&mut self, window: Window) {
        if self.0.len() == N {
            self.0.remove(0);
        }
        self.0.push(window);
    }

    fn take(&mut self, incarnation: Incarnation) -> Option<Window> {
        let place = self.place(incarnation)?;
        Some(self.0.remove(place))
    }

    fn get(&self, incarnation: Incarnation) -> Option<&Window> {
        self.place(incarnation).map(|place| &self.0[place])
    }

    /// Finds a window, which becomes the one used last.
    fn find(&mut self, incarnation: Incarnation) -> Option<&mut Window> {
        let place = self.place(incarnation)?;
        self.0[place..].rotate_left(1);
        self.0.last_mut()
    }

    fn place(&self, incarnation: Incarnation) -> Option<usize> {
        self.0.iter().position(|window| window.incarnation == incarnation)
    }
}

/// Which of the newest [`WIDTH`] numbers of one incarnation were seen.
struct Window {
    incarnation: Incarnation,
    newest: u64,
    /// One bit for each number in the window, at the number modulo [`WIDTH`].
    seen: [u64; (WIDTH / 64) as usize],
}

impl Window {
    /// A window that begins with this datagram. All before it count as seen: at most a datagram that the network overtook
    /// is lost by that, and a recording of the incarnation's beginning gains nothing.
    const fn new(incarnation: Incarnation, first: Sequence) -> Self {
        Self {
            incarnation,
            newest: first.0,
            seen: [u64::MAX; (WIDTH / 64) as usize],
        }
    }

    fn accept(&mut self, sequence: Sequence) -> Result<(), DropCause> {
        self.check(sequence)?;
        let Sequence(number) = sequence;
        if number > self.newest {
            for skipped in number.saturating_sub(WIDTH - 1).max(self.newest + 1)..number {
                let (word, bit) = place_of(skipped);
                self.seen[word] &= !bit;
            }
            self.newest = number;
        }
        let (word, bit) = place_of(number);
        self.seen[word] |= bit;
        Ok(())
    }

    const fn check(&self, Sequence(number): Sequence) -> Result<(), DropCause> {
        if number > self.newest {
            return Ok(());
        }
        if self.newest - number >= WIDTH {
            return Err(DropCause::TooOld);
        }
        let (word, bit) = place_of(number);
        if self.seen[word] & bit != 0 {
            return Err(DropCause::Replayed);
        }
        Ok(())
    }
}

/// The word and the bit of a number.
const fn place_of(number: u64) -> (usize, u64) {
    let place = number % WIDTH;
    ((place / 64) as usize, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pair_core::{Echo, Member};
    use proptest::prelude::*;

    use super::*;

    const ME: Incarnation = Incarnation(1000);

    fn unproven(incarnation: u64, sequence: u64) -> Prefix {
        Prefix {
            sender: Member::Second,
            incarnation: Incarnation(incarnation),
            sequence: Sequence(sequence),
            echo: None,
        }
    }

    fn echoing(incarnation: u64, sequence: u64) -> Prefix {
        let echo = Echo {
            incarnation: ME,
            sequence: Sequence(1),
            age_us: 0,
        };
        Prefix {
            echo: Some(echo),
            ..unproven(incarnation, sequence)
        }
    }

    #[test]
    fn a_number_is_accepted_once_and_late_ones_within_the_window() {
        let mut replay = Replay::new(ME);
        assert_eq!(replay.accept(&unproven(7, 5)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 5)), Err(DropCause::Replayed));
        assert_eq!(replay.accept(&unproven(7, 8)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 6)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 6)), Err(DropCause::Replayed));
        assert_eq!(replay.accept(&unproven(7, 7)), Ok(()));
    }

    #[test]
    fn nothing_before_the_first_datagram_of_an_incarnation_is_accepted() {
        let mut replay = Replay::new(ME);
        assert_eq!(replay.accept(&unproven(7, 5)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 4)), Err(DropCause::Replayed));
    }

    #[test]
    fn the_window_is_1024_numbers_wide() {
        let mut replay = Replay::new(ME);
        assert_eq!(replay.accept(&unproven(7, 1)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 5000)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 3977)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 3976)), Err(DropCause::TooOld));
        assert_eq!(replay.accept(&unproven(7, u64::MAX)), Ok(()));
        assert_eq!(replay.accept(&unproven(7, 5000)), Err(DropCause::TooOld));
    }

    #[test]
    fn recorded_incarnations_do_not_push_out_the_peer_that_is_in_contact() {
        let mut replay = Replay::new(ME);
        assert_eq!(replay.accept(&unproven(7, 1)), Ok(()));
        assert_eq!(replay.accept(&echoing(7, 2)), Ok(()));
        for recorded in 100..200 {
            assert_eq!(replay.accept(&unproven(recorded, 1)), Ok(()));
        }
        assert_eq!(replay.accept(&unproven(7, 1)), Err(DropCause::Replayed));
        assert_eq!(replay.accept(&echoing(7, 2)), Err(DropCause::Replayed));
        assert_eq!(replay.accept(&echoing(7, 3)), Ok(()));
    }

    #[test]
    fn memory_is_bounded_whatever_comes() {
        let mut replay = Replay::new(ME);
        for incarnation in 0..1000 {
            replay.accept(&unproven(incarnation, 1)).unwrap();
            replay.accept(&echoing(incarnation + 10_000, 1)).unwrap();
        }
        assert_eq!((replay.unproven.0.len(), replay.proven.0.len()), (UNPROVEN, PROVEN));
    }

    proptest! {
        #[test]
        fn a_window_agrees_with_a_set_of_all_numbers_seen(steps in prop::collection::vec((0u64..3000, any::<bool>()), 1..400)) {
            let mut window = Window::new(Incarnation(7), Sequence(10_000));
            let mut seen = BTreeSet::from([10_000]);
            for (distance, ahead) in steps {
                let newest = *seen.last().unwrap();
                let number = if ahead { newest + distance } else { newest.saturating_sub(distance) };
                let expected = if newest.saturating_sub(number) >= WIDTH {
                    Err(DropCause::TooOld)
                } else if number < 10_000 || seen.contains(&number) {
                    Err(DropCause::Replayed)
                } else {
                    Ok(())
                };
                prop_assert_eq!(window.accept(Sequence(number)), expected);
                if expected.is_ok() {
                    seen.insert(number);
                }
            }
        }
    }
}
