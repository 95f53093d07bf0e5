//! A path of the model in words: the trace of a history, with what every node thought.

use std::fmt;

use pair_core::{Instant, Member};
use stateright::Path;

use super::{event::Event, state::State};

/// A path, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    lines: Vec<String>,
    ticks: usize,
}

impl Story {
    /// A path that the checker has found.
    #[must_use]
    pub fn of(path: Path<State, Option<Event>>) -> Self {
        let steps = path.into_vec();
        let began = steps.first().map_or(Instant::ZERO, |(state, _)| state.now);
        let ticks = steps.len().saturating_sub(1);
        let mut lines = Vec::new();
        let mut told = String::new();
        for (state, event) in steps {
            let seen = look(&state);
            if seen != told {
                let at = state.now.since(began).as_millis();
                lines.push(format!("# {at:>6}ms  {seen}"));
                told = seen;
            }
            let Some(Some(event)) = event else { continue };
            let at = (state.now + super::TICK).since(began).as_millis();
            let faults = event.in_a_trace();
            if !event.is_one_fault() {
                lines.push(format!("# {at:>6}ms  {event:?}"));
            }
            lines.extend(faults.into_iter().map(|fault| format!("at {at}ms {fault}")));
        }
        Self { lines, ticks }
    }

    /// How many ticks it takes.
    #[must_use]
    pub const fn ticks(&self) -> usize {
        self.ticks
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// What is to be seen of a state.
fn look(state: &State) -> String {
    let owner = state
        .owner()
        .map_or_else(|| "nobody".to_owned(), |owner| format!("{owner:?}"));
    let of = Member::BOTH.map(|member| {
        let Some(thought) = state.thought(member) else {
            return format!("{member:?}: no agent");
        };
        let claims = state.watch.by_rule[member.index()].map_or("", |_| ", claims");
        let (link, rule, verdict) = (thought.link, thought.rule, thought.verdict);
        format!("{member:?}: {link:?}, {rule} {verdict:?}{claims}")
    });
    format!("{owner} has it; {}; {}", of[0], of[1])
}
