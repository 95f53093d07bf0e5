//! A storm: a whole zone dies, and the survivors of many pairs share the request limits of one account.
//!
//! ```text
//!   World 1 ─ survivor ──┐
//!   World 2 ─ survivor ──┼──► Limits: one bucket per action ──► the register of each pair
//!   World … ─ survivor ──┘
//!            one clock: the world whose next event is the earliest goes on
//! ```
//!
//! Each pair is a [`World`] as in every story, with its real nodes and every invariant. What is shared is the clock and the
//! limits, which are handed to the world whose turn it is. The ordinary story: every address is at a node of the zone, all
//! of them are hit at the same moment, so the survivors suspect, read and claim at nearly the same moment, too. EC2 lets a
//! burst pass and then so many a second; who was throttled must come again neither too soon (calls) nor too late (time).

mod figures;
mod goal;

pub use figures::{Figures, Waits};
pub use goal::{Goal, Missed};

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use pair_core::{Event, Instant, Member};

use crate::{Dice, Limit, Limits, Settings, Violation, World};

/// The death of a zone.
#[derive(Clone, Debug)]
pub struct Storm {
    /// How many pairs have their holder there.
    pub pairs: u32,
    /// What all of it follows from.
    pub seed: u64,
    /// The limit of the calls that change something.
    pub claims: Limit,
    /// The limit of those that do not.
    pub describes: Limit,
    /// The settings of every pair.
    pub settings: Settings,
}

/// A storm that is under way.
struct Sky {
    worlds: Vec<World>,
    /// When each world goes on, the earliest first.
    turns: BinaryHeap<Reverse<(Instant, usize)>>,
    limits: Option<Limits>,
    died_at: Instant,
    pairs: Vec<Progress>,
    /// How many survivors have not read back that the address is theirs.
    waiting: usize,
}

/// How far a survivor has got.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// When the address came to it.
    moved: Option<Instant>,
    /// Whether it has read that back.
    is_done: bool,
}

impl Storm {
    /// So many pairs with the limits of EC2 and default settings.
    #[must_use]
    pub fn new(pairs: u32, seed: u64) -> Self {
        Self {
            pairs,
            seed,
            claims: Limit::CLAIMS,
            describes: Limit::DESCRIBES,
            settings: Settings {
                // A survivor that is well says so each second; more often only costs time here.
                check_every: Duration::from_secs(1),
                ..Settings::default()
            },
        }
    }

    /// Plays it until every address is at a survivor that has read it back, or too much time has passed.
    ///
    /// # Errors
    /// The first invariant that a pair violates.
    pub fn play(&self) -> Result<Figures, Violation> {
        let mut sky = Sky::new(self)?;
        let limit = sky.died_at + self.optimum() * PATIENCE + SETTLING;
        sky.pass(limit)?;
        Ok(sky.figures(self))
    }

    /// From the death until the last address can be moved if no call is wasted: the holdtime, a round trip, and what the
    /// bucket of claims lets through.
    #[must_use]
    pub fn optimum(&self) -> Duration {
        self.settings.holdtime + self.settings.api_latency.1 + self.claims.time_for(self.pairs)
    }
}

impl Sky {
    /// Pairs that have settled at different moments, and the death of every holder at one.
    fn new(storm: &Storm) -> Result<Self, Violation> {
        let mut dice = Dice::new(storm.seed);
        let mut worlds = Vec::new();
        for _ in 0..storm.pairs {
            worlds.push(settled(storm, &mut dice)?);
        }
        let died_at = worlds.iter().map(World::now).max().unwrap_or_default();
        for world in &mut worlds {
            world.try_run_for(died_at.since(world.now()))?;
            world.crash_host(Member::First);
        }
        let mut sky = Self {
            turns: BinaryHeap::new(),
            limits: Some(Limits::new(storm.claims, storm.describes, died_at)),
            died_at,
            pairs: vec![Progress::default(); worlds.len()],
            waiting: worlds.len(),
            worlds,
        };
        for index in 0..sky.worlds.len() {
            sky.queue(index);
        }
        Ok(sky)
    }

    /// Lets time pass until it is `limit`, or all is done.
    fn pass(&mut self, limit: Instant) -> Result<(), Violation> {
        while self.waiting > 0 && self.now() <= limit {
            let Some(Reverse((at, index))) = self.turns.pop() else {
                return Ok(());
            };
            let world = &mut self.worlds[index];
            std::mem::swap(world.ec2.limits(), &mut self.limits);
            let stepped = world.step(at);
            std::mem::swap(world.ec2.limits(), &mut self.limits);
            stepped?;
            let pair = &mut self.pairs[index];
            if pair.moved.is_none() && world.holds(Member::Second) {
                pair.moved = Some(at);
            }
            if !pair.is_done && pair.moved.is_some() {
                pair.is_done = world.told(Member::Second, |event| matches!(event, Event::TookOver(_)));
                self.waiting -= usize::from(pair.is_done);
            }
            self.queue(index);
        }
        Ok(())
    }

    /// When the next thing happens.
    fn now(&self) -> Instant {
        self.turns.peek().map_or(self.died_at, |Reverse((at, _))| *at)
    }

    fn queue(&mut self, index: usize) {
        if let Some(at) = self.worlds[index].agenda.next_at() {
            self.turns.push(Reverse((at, index)));
        }
    }

    fn figures(&self, storm: &Storm) -> Figures {
        let since = |at: &Instant| at.since(self.died_at);
        let waits = self.pairs.iter().filter_map(|pair| pair.moved.as_ref()).map(since);
        let limits = self.limits.as_ref().expect("every turn gives the limits back");
        Figures::new(storm, waits.collect(), limits)
    }
}

/// A pair whose first member holds the address, started at a moment of its own.
fn settled(storm: &Storm, dice: &mut Dice) -> Result<World, Violation> {
    let mut world = World::dark(storm.settings.clone(), dice.number());
    for member in Member::BOTH {
        world.try_run_for(dice.between(Duration::ZERO, APART))?;
        world.start(member);
    }
    world.try_run_for(Duration::from_secs(15))?;
    assert!(world.is_settled(), "two healthy nodes settle within 15 s\n{world:#?}");
    Ok(world)
}

/// How far apart the agents of a fleet start: several intervals, so that their heartbeats are not in step.
const APART: Duration = Duration::from_secs(2);

/// After how many times the optimum a storm is given up.
const PATIENCE: u32 = 3;

/// The least time that a storm is given beyond that, so that the last survivors can read back what they got.
const SETTLING: Duration = Duration::from_secs(60);
