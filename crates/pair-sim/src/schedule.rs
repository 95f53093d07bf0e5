//! A random history of faults, and how to make a failing one short.

use std::time::Duration;

use pair_core::{
    Alarm, Fitness, Member, Verdict, Witnessing,
    config::{BUDGET_MOVES, BUDGET_WINDOW},
};

use crate::{
    A, B, Dice, Fault, Owner, Settings, Tally, World,
    hazard::{random_fault, whole_ms},
};

/// Faults with their times, and the seed of the world in which they strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The seed of the world.
    pub seed: u64,
    /// When each fault strikes, counted from the start of the history.
    pub faults: Vec<(Duration, Fault)>,
}

impl Schedule {
    /// One to eight faults within half a minute, most of which end by themselves.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ SALT);
        let mut faults = Vec::new();
        for _ in 0..=dice.below(8) {
            let at = whole_ms(&mut dice, Duration::ZERO, FAULTS_WITHIN);
            let lasts = whole_ms(&mut dice, Duration::from_millis(50), LONGEST_FAULT);
            let (fault, end) = random_fault(&mut dice);
            faults.push((at, fault));
            if let Some(end) = end {
                faults.push((at + lasts, end));
            }
        }
        faults.sort_by_key(|(at, _)| *at);
        Self { seed, faults }
    }

    /// Plays the schedule on a pair with hasty settings, lets every fault end, waits until the pair is at rest, and then kills
    /// the holder, and the one after it: whatever was before, these are failovers like any other. Says what has happened.
    ///
    /// # Errors
    /// A sentence that says what went wrong, with the trace if `traced`.
    pub fn play(&self, traced: bool) -> Result<Tally, String> {
        let mut world = self.world();
        if traced {
            world = world.traced();
        }
        let began = world.now();
        self.play_in(&mut world)
            .map_err(|why| format!("{why}\n{}", world.trace()))?;
        let mut tally = world.tally().clone();
        tally.histories = 1;
        tally.seconds = world.now().since(began).as_secs();
        Ok(tally)
    }

    /// Everything that happens when it is played, line by line.
    #[must_use]
    pub fn told(&self) -> String {
        let mut world = self.world().traced();
        let ended = self.play_in(&mut world);
        format!("{}{}", world.trace(), ended.err().unwrap_or_default())
    }

    /// The world at its start: mostly a settled pair; in some, both agents have only just started.
    fn world(&self) -> World {
        if Dice::new(self.seed ^ SALT.rotate_left(16)).percent(80) {
            return World::settled(self.settings(), self.seed);
        }
        let mut world = World::dark(self.settings(), self.seed);
        world.start(A);
        world.start(B);
        world
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
            ..hasty
        }
    }

    fn play_in(&self, world: &mut World) -> Result<(), String> {
        for (after, fault) in &self.faults {
            world.plan(*after, *fault);
        }
        run(world, FAULTS_WITHIN + LONGEST_FAULT)?;
        world.make_well();
        let was_moved = self
            .faults
            .iter()
            .any(|(_, fault)| matches!(fault, Fault::Put(_) | Fault::Replace(_)));
        let to_settle = if was_moved { TO_NOTICE } else { TO_SETTLE };
        come_to_rest(world, to_settle)?;
        for _ in 0..LAST_DEATHS {
            let dead = kill_the_holder(world)?;
            world.restart(dead);
            come_to_rest(world, TO_SETTLE)?;
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

/// Lets the pair settle within `to_settle`, and demands that from then on both nodes say that all is well and nothing moves.
fn come_to_rest(world: &mut World, to_settle: Duration) -> Result<(), String> {
    run(world, to_settle)?;
    let moves = world.moves();
    run(world, AT_REST)?;
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

/// Kills the holder of a pair at rest, and demands that the other one replaces it.
fn kill_the_holder(world: &mut World) -> Result<Member, String> {
    let Some(Owner::Member(holder)) = world.owner() else {
        return Err(format!("a pair at rest is held by {:?}", world.owner()));
    };
    let standby = holder.peer();
    let is_free = world.view(standby).moves < BUDGET_MOVES;
    world.crash_host(holder);
    // A holdtime, its rounding, and a call; beyond the budget a whole window on top.
    let replaced = world.settings().holdtime * 2 + Duration::from_secs(1);
    let bound = if is_free { replaced } else { replaced + BUDGET_WINDOW };
    let end = world.now() + bound;
    while world.now() < end && !world.holds(standby) {
        run(world, Duration::from_millis(100))?;
    }
    if world.holds(standby) {
        Ok(holder)
    } else {
        Err(format!(
            "the last holder {holder:?} died and was not replaced within {bound:?}"
        ))
    }
}

fn run(world: &mut World, time: Duration) -> Result<(), String> {
    world.try_run_for(time).map_err(|violation| violation.to_string())
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
