//! The model: every history of two real nodes within a bound, not some of them.
//!
//! ```text
//!  State ──tick, with nothing / a fault / the end of one──► State ──► …
//!    │ two machines with a real Node each, the ways between them, EC2, what a law must remember
//!    └── folded: equal but for the time and for running numbers is equal
//! ```
//!
//! The simulator throws dice; the model, run by `stateright`, tries everything: at each tick it goes on with nothing, with
//! each fault that the bound allows, and with the end of each fault that lasts. Time goes in ticks of one interval. Within a
//! tick everything that has no choice in it happens at once and in one order, so that the choices that are left are those
//! that a rule could be wrong about: which fault, when, how long, and whether a claim is answered, refused or held up.
//!
//! Safety is what no state breaks. Liveness is bounded: a state counts for how long what must not last has lasted, and a law
//! says where that count ends; what must happen *eventually* could not be told on a cycle. What must be seen at least once is
//! looked for, too: a bound that never reaches a second takeover would have shown nothing.

mod bound;
mod check;
mod event;
mod extremes;
mod fold;
mod law;
mod machine;
mod settings;
mod sight;
mod state;
mod story;
mod tick;
mod watch;

use std::sync::atomic::{AtomicU64, Ordering};

use stateright::{Model, Property};

pub use bound::{Bound, Kind, UnknownKind};
pub use check::{Findings, Limits, check};
pub use event::Event;
pub use law::Law;
pub use sight::Sight;
pub use state::State;
pub use story::Story;

use extremes::Extremes;
use settings::TICK;

/// A pair within a bound.
#[derive(Debug)]
pub struct PairModel {
    bound: Bound,
    extremes: Extremes,
    /// Which laws and sights have been shown: the first path to each is the shortest, and a later one would take its place.
    shown: AtomicU64,
}

impl PairModel {
    /// Every history of a pair at rest that stays within `bound`.
    #[must_use]
    pub fn new(bound: Bound) -> Self {
        Self {
            bound,
            extremes: Extremes::default(),
            shown: AtomicU64::new(0),
        }
    }

    /// Whether this is the first time that something is shown.
    fn is_first(&self, bit: u64) -> bool {
        self.shown.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }
}

impl Model for PairModel {
    type State = State;
    /// How a tick begins: mostly with nothing.
    type Action = Option<Event>;

    fn init_states(&self) -> Vec<State> {
        vec![State::at_rest(&self.bound)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Option<Event>>) {
        self.extremes.visit();
        actions.push(None);
        actions.extend(Event::repairs(state).into_iter().map(Some));
        if state.faults < self.bound.faults {
            let faults = self.bound.kinds.iter().flat_map(|kind| Event::faults(*kind, state));
            actions.extend(faults.map(Some));
        }
    }

    fn next_state(&self, state: &State, event: Option<Event>) -> Option<State> {
        let mut next = state.clone();
        next.tick(event);
        self.extremes.follow(&next);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        law::properties().chain(sight::properties(&self.bound)).collect()
    }
}

#[cfg(test)]
mod tests;
