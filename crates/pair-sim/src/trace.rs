//! What happened lately, for whoever has to understand a failure.

use std::{collections::VecDeque, fmt};

use pair_core::Instant;

/// The last lines of a history. Recording is off unless asked for: thousands of random histories need none.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    is_on: bool,
    lines: VecDeque<String>,
}

impl Trace {
    pub(crate) const fn new(is_on: bool) -> Self {
        Self {
            is_on,
            lines: VecDeque::new(),
        }
    }

    pub(crate) const fn switch_on(&mut self) {
        self.is_on = true;
    }

    /// Records a line; `what` is asked for it only if somebody wants it.
    pub(crate) fn note(&mut self, now: Instant, what: impl FnOnce() -> String) {
        if !self.is_on {
            return;
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{now:>14?}  {}", what()));
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// How many lines are kept.
const KEPT: usize = 4000;
