//! The most of everything that any path has come to.

use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use super::state::State;

/// What is the most so far, over all threads.
#[derive(Debug, Default)]
pub(super) struct Extremes {
    claims: AtomicU8,
    outage: AtomicU8,
    unsettled: AtomicU8,
    /// How many states have been gone on from: a search that was stopped leaves some.
    visited: AtomicUsize,
}

impl Extremes {
    pub(super) fn follow(&self, state: &State) {
        self.claims.fetch_max(state.watch.claims, Ordering::Relaxed);
        self.outage.fetch_max(state.watch.orphaned, Ordering::Relaxed);
        if !state.is_settled() {
            self.unsettled.fetch_max(state.watch.mended, Ordering::Relaxed);
        }
    }

    pub(super) fn visit(&self) {
        self.visited.fetch_add(1, Ordering::Relaxed);
    }

    /// How many states have been gone on from.
    pub(super) fn visited(&self) -> usize {
        self.visited.load(Ordering::Relaxed)
    }

    /// The most claims on a path.
    pub(super) fn claims(&self) -> u8 {
        self.claims.load(Ordering::Relaxed)
    }

    /// The most ticks that a dead holder kept the address from a standby that could take it.
    pub(super) fn outage(&self) -> u8 {
        self.outage.load(Ordering::Relaxed)
    }

    /// The most ticks that a pair took to settle after the last fault had ended.
    pub(super) fn unsettled(&self) -> u8 {
        self.unsettled.load(Ordering::Relaxed)
    }
}
