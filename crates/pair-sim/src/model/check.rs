//! Runs the checker, and says what it found.

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, Instant},
};

use stateright::{Checker as _, HasDiscoveries, Model as _};

use super::{Bound, Law, PairModel, Sight, Story};

/// What the checker may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// On how many threads. On one the shortest path to everything is found, and the figures are the same every time.
    pub threads: usize,
    /// When it gives up, if ever. That takes two threads, since one alone never looks up from its work.
    pub time: Option<Duration>,
}

/// What the checker found.
#[derive(Debug)]
pub struct Findings {
    /// States that differ, apart from time and running numbers.
    pub unique_states: usize,
    /// Ticks that were played.
    pub ticks: usize,
    /// The length of the longest path, in ticks.
    pub depth: usize,
    /// The most claims on a path.
    pub most_claims: u8,
    /// The most ticks that a dead holder kept the address from a standby that could take it.
    pub longest_outage: u8,
    /// The most ticks that a pair took to settle after the last fault had ended.
    pub longest_settling: u8,
    /// How long it took.
    pub took: Duration,
    /// Whether every state within the bound was visited.
    pub is_complete: bool,
    /// What was seen, with the path to it.
    pub seen: Vec<(Sight, Story)>,
    /// What the bound should have shown, and did not.
    pub unseen: Vec<Sight>,
    /// What was broken, with the path to it.
    pub broken: Vec<(Law, Story)>,
}

/// Visits every state within a bound.
#[must_use]
pub fn check(bound: &Bound, limits: Limits) -> Findings {
    let began = Instant::now();
    let model = PairModel::new(bound.clone());
    let failures: BTreeSet<&'static str> = Law::ALL.iter().map(|law| law.name()).collect();
    let threads = limits.time.map_or(limits.threads, |_| limits.threads.max(2));
    let mut builder = model
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyOf(failures));
    if let Some(time) = limits.time {
        builder = builder.timeout(time);
    }
    let checker = builder.spawn_bfs().join();
    // Before the paths are made, which visits states once more.
    let visited = checker.model().extremes.visited();
    let mut found = checker.discoveries();
    let mut path = |name| found.remove(name).map(Story::of);
    let broken: Vec<(Law, Story)> = Law::ALL
        .iter()
        .filter_map(|law| Some((*law, path(law.name())?)))
        .collect();
    let (mut seen, mut unseen) = (Vec::new(), Vec::new());
    for sight in Sight::ALL.iter().filter(|sight| sight.is_in_reach(bound)) {
        match path(sight.name()) {
            Some(story) => seen.push((*sight, story)),
            None => unseen.push(*sight),
        }
    }
    let took = began.elapsed();
    let extremes = &checker.model().extremes;
    Findings {
        unique_states: checker.unique_state_count(),
        ticks: checker.state_count(),
        depth: checker.max_depth(),
        most_claims: extremes.claims(),
        longest_outage: extremes.outage(),
        longest_settling: extremes.unsettled(),
        took,
        is_complete: visited == checker.unique_state_count(),
        seen,
        unseen,
        broken,
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = if self.is_complete {
            "all within the bound"
        } else {
            "NOT all within the bound"
        };
        let (unique, ticks, took) = (self.unique_states, self.ticks, self.took.as_secs_f64());
        writeln!(
            f,
            "unique states      {unique}, {extent}; {ticks} ticks played in {took:.1} s"
        )?;
        writeln!(f, "longest path       {} ticks", self.depth)?;
        writeln!(f, "most claims        {} on a path", self.most_claims)?;
        writeln!(f, "slowest takeover   {} ticks after a death", self.longest_outage)?;
        writeln!(
            f,
            "slowest settling   {} ticks after the last fault",
            self.longest_settling
        )?;
        for (sight, story) in &self.seen {
            writeln!(f, "seen               {}: after {} ticks", sight.name(), story.ticks())?;
            if *sight == Sight::SecondTakeover {
                write!(f, "{story}")?;
            }
        }
        for sight in &self.unseen {
            writeln!(f, "NOT SEEN           {}", sight.name())?;
        }
        for (law, story) in &self.broken {
            writeln!(f, "BROKEN             {}\n{story}", law.name())?;
        }
        Ok(())
    }
}
