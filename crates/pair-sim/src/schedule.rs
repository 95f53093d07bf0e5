//! A random history of faults, and how to make a failing one short.

use std::{ops::RangeInclusive, time::Duration};

use pair_core::{
    Alarm, Fitness, Member, Verdict, Witnessing,
    config::{BUDGET_MOVES, BUDGET_WINDOW},
};

use crate::{
    A, B, Dice, Fault, Owner, Pair, Settings, Tally, World,
    hazard::{random_fault, random_replacement, whole_ms},
};

/// Faults with their times, and the seed of the pair that they strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The seed of the pair.
    pub seed: u64,
    /// What the pair is like, beside what its seed decides.
    pub shape: Shape,
    /// What strikes when.
    pub faults: Vec<Strike>,
}

/// What a pair is like that is not left to its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many addresses it has: as many as [`Self::ADDRESSES`] allows.
    pub addresses: u8,
    /// Whether its members are found by their tag.
    pub is_found: bool,
}

/// A fault at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// When, counted from the start of the history.
    pub after: Duration,
    /// Which address it is about, counted from zero; zero if it is of none ([`Fault::is_of_one_address`]).
    pub address: u8,
    /// What strikes.
    pub fault: Fault,
}

impl Default for Shape {
    /// One address, and members that are configured.
    fn default() -> Self {
        Self {
            addresses: 1,
            is_found: false,
        }
    }
}

impl Shape {
    /// How many addresses a pair can have.
    pub const ADDRESSES: RangeInclusive<u8> = 1..=4;

    /// Whether such a fault can make a difference to such a pair.
    #[must_use]
    pub fn knows(self, verb: &str) -> bool {
        self.is_found || verb != Fault::Spare(A).verb()
    }

    /// Throws a fault, and what ends it if it does not end by itself.
    fn random_fault(self, dice: &mut Dice) -> (Fault, Option<Fault>) {
        if self.is_found && dice.percent(REPLACED) {
            (random_replacement(dice), None)
        } else {
            random_fault(dice)
        }
    }

    /// Throws which address a fault is about.
    fn random_address(self, dice: &mut Dice, fault: Fault) -> u8 {
        if self.addresses > 1 && fault.is_of_one_address() {
            *dice.one_of(&[0, 1, 2, 3][..usize::from(self.addresses)])
        } else {
            0
        }
    }
}

impl Schedule {
    /// One to eight faults within half a minute, most of which end by themselves.
    #[must_use]
    pub fn random(seed: u64, shape: Shape) -> Self {
        let mut dice = Dice::new(seed ^ SALT);
        let mut faults = Vec::new();
        for _ in 0..=dice.below(8) {
            let after = whole_ms(&mut dice, Duration::ZERO, FAULTS_WITHIN);
            let lasts = whole_ms(&mut dice, Duration::from_millis(50), LONGEST_FAULT);
            let (fault, end) = shape.random_fault(&mut dice);
            let address = shape.random_address(&mut dice, fault);
            let begins = Strike { after, address, fault };
            faults.push(begins);
            faults.extend(end.map(|fault| Strike {
                after: after + lasts,
                fault,
                ..begins
            }));
        }
        faults.sort_by_key(|strike| strike.after);
        Self { seed, shape, faults }
    }

    /// Plays the schedule on a pair with hasty settings, lets every fault end, waits until the pair is at rest, and then kills
    /// a holder, and the one after it: whatever was before, these are failovers like any other. Says what has happened.
    ///
    /// # Errors
    /// A sentence that says what went wrong, with the trace if `traced`.
    pub fn play(&self, traced: bool) -> Result<Tally, String> {
        let mut pair = self.pair();
        if traced {
            pair = pair.traced();
        }
        let began = pair.now();
        self.play_in(&mut pair)
            .map_err(|why| format!("{why}\n{}", pair.trace()))?;
        let mut tally = pair.tally();
        tally.histories = 1;
        tally.seconds = pair.now().since(began).as_secs();
        Ok(tally)
    }

    /// Everything that happens when it is played, line by line.
    #[must_use]
    pub fn told(&self) -> String {
        let mut pair = self.pair().traced();
        let ended = self.play_in(&mut pair);
        format!("{}{}", pair.trace(), ended.err().unwrap_or_default())
    }

    /// The pair at its start: mostly a settled one; in some, both agents have only just started.
    fn pair(&self) -> Pair {
        let settings = self.settings_of_addresses();
        if Dice::new(self.seed ^ SALT.rotate_left(16)).percent(80) {
            return Pair::settled(&settings, self.seed);
        }
        let mut pair = Pair::dark(&settings, self.seed);
        pair.start(A);
        pair.start(B);
        pair
    }

    /// The settings of each address: mostly every other one is preferred elsewhere (mutual backup), sometimes all at one member.
    fn settings_of_addresses(&self) -> Vec<Settings> {
        let first = self.settings();
        let is_mutual = Dice::new(self.seed ^ SALT.rotate_left(48)).percent(75);
        let preferred = [first.preferred, first.preferred.peer()];
        let of = |number: u8| Settings {
            preferred: preferred[usize::from(is_mutual && number % 2 == 1)],
            ..first.clone()
        };
        (0..self.shape.addresses).map(of).collect()
    }

    /// The settings of the world, by its seed: some want their address back, some cannot be probed or never were, and they differ
    /// in profile, preference, way of taking over, and whether a dead agent's host says so.
    fn settings(&self) -> Settings {
        let mut dice = Dice::new(self.seed ^ SALT.rotate_left(32));
        let hasty = Settings::hasty();
        let (interval_ms, holdtime_ms) = *dice.one_of(&[(200, 1_000), (200, 1_000), (50, 300), (500, 3_000)]);
        let holdtime = Duration::from_millis(holdtime_ms);
        Settings {
            preempt_delay: dice.percent(25).then_some(PREEMPT_DELAY),
            preferred: *dice.one_of(&[A, B]),
            interval: Duration::from_millis(interval_ms),
            holdtime,
            probe_timeout: dice.percent(80).then_some(holdtime / 2),
            probes_arrive: dice.percent(80),
            icmp: dice.percent(50),
            strict: dice.percent(25),
            witnesses: Witnessing {
                count: *dice.one_of(&[0, 0, 1, 2]),
                ..hasty.witnesses
            },
            is_found: self.shape.is_found,
            ..hasty
        }
    }

    fn play_in(&self, pair: &mut Pair) -> Result<(), String> {
        for strike in &self.faults {
            pair.plan(strike.after, strike.address.into(), strike.fault);
        }
        run(pair, FAULTS_WITHIN + LONGEST_FAULT)?;
        pair.make_well();
        let was_moved = self
            .faults
            .iter()
            .any(|strike| matches!(strike.fault, Fault::Put(_) | Fault::Replace(_)));
        let to_settle = if was_moved { TO_NOTICE } else { TO_SETTLE };
        come_to_rest(pair, to_settle)?;
        for _ in 0..LAST_DEATHS {
            let dead = kill_a_holder(pair)?;
            pair.restart(dead);
            come_to_rest(pair, TO_SETTLE)?;
        }
        Ok(())
    }

    /// Leaves out every fault without which the schedule still fails.
    #[must_use]
    pub fn shrunk(mut self) -> Self {
        let mut index = 0;
        while index < self.faults.len() {
            let mut shorter = self.clone();
            shorter.faults.remove(index);
            let fails = std::panic::catch_unwind(|| shorter.play(false)).map_or(true, |played| played.is_err());
            if fails {
                self = shorter;
                index = 0;
            } else {
                index += 1;
            }
        }
        self
    }
}

/// Lets the pair settle within `to_settle`, and demands that from then on both nodes say of every address that all is well, and that
/// none moves.
fn come_to_rest(pair: &mut Pair, to_settle: Duration) -> Result<(), String> {
    run(pair, to_settle)?;
    let moves = moves(pair);
    run(pair, AT_REST)?;
    for (world, moves) in pair.addresses().iter().zip(moves) {
        is_at_rest(world, moves, to_settle)?;
    }
    Ok(())
}

fn is_at_rest(world: &World, moves: usize, to_settle: Duration) -> Result<(), String> {
    if !world.is_settled() {
        return Err(format!(
            "not settled {to_settle:?} after the last fault: {:?}",
            world.owner()
        ));
    }
    for member in [A, B] {
        let view = world.view(member);
        // Who wants its address back may have to wait for the budget, and says so (F-15).
        let waits = world.wants_back() && view.decision.verdict == Verdict::Alarm(Alarm::OverBudget);
        let is_content = waits || matches!(view.decision.verdict, Verdict::Serve | Verdict::Wait(_));
        if !is_content || view.fitness != Fitness::Fit {
            return Err(format!("{member:?} is not content at rest: {:?}", view.decision));
        }
    }
    if world.moves() != moves && !world.wants_back() {
        return Err("the address moved although all was well".to_owned());
    }
    Ok(())
}

/// Kills the holder of the first address of a pair at rest, and demands that the other one replaces it: for exactly those
/// addresses that it held.
fn kill_a_holder(pair: &mut Pair) -> Result<Member, String> {
    let Some(Owner::Member(holder)) = pair.address(0).owner() else {
        return Err(format!("a pair at rest is held by {:?}", pair.owners()));
    };
    let standby = holder.peer();
    let is_its = |world: &World| world.holds(holder);
    let its: Vec<bool> = pair.addresses().iter().map(is_its).collect();
    let is_free = pair
        .addresses()
        .iter()
        .all(|world| !is_its(world) || world.view(standby).moves < BUDGET_MOVES);
    let before = moves(pair);
    pair.crash_host(holder);
    // A holdtime, its rounding, and a call; beyond the budget a whole window on top.
    let replaced = pair.address(0).settings().holdtime * 2 + Duration::from_secs(1);
    let bound = if is_free { replaced } else { replaced + BUDGET_WINDOW };
    let end = pair.now() + bound;
    let is_done = |pair: &Pair| pair.addresses().iter().all(|world| world.holds(standby));
    while pair.now() < end && !is_done(pair) {
        run(pair, Duration::from_millis(100))?;
    }
    if !is_done(pair) {
        return Err(format!(
            "the last holder {holder:?} died and was not replaced within {bound:?}: {:?}",
            pair.owners()
        ));
    }
    let moved = moves(pair);
    for ((is_its, before), after) in its.into_iter().zip(before).zip(moved) {
        if !is_its && before != after {
            return Err(format!("{standby:?} took what it held already when {holder:?} died"));
        }
    }
    Ok(holder)
}

/// How often each address has changed hands by a request of the pair.
fn moves(pair: &Pair) -> Vec<usize> {
    pair.addresses().iter().map(World::moves).collect()
}

fn run(pair: &mut Pair, time: Duration) -> Result<(), String> {
    pair.try_run_for(time).map_err(|violation| violation.to_string())
}

/// Keeps the throws of a schedule apart from those of its world.
const SALT: u64 = 0x5eed_0ffa;

const FAULTS_WITHIN: Duration = Duration::from_secs(20);
const LONGEST_FAULT: Duration = Duration::from_secs(12);
const TO_SETTLE: Duration = Duration::from_secs(25);
/// Nothing but a read each minute shows that a stranger has let the address go.
const TO_NOTICE: Duration = Duration::from_secs(100);
const AT_REST: Duration = Duration::from_secs(10);

/// How many holders die at the end of each history.
const LAST_DEATHS: u32 = 2;
const PREEMPT_DELAY: Duration = Duration::from_secs(10);

/// How many faults in a hundred are an instance that comes, or comes in the place of another, where members are found.
const REPLACED: u8 = 25;
