//! A random history of faults, and how to make a failing one short.

use std::time::Duration;

use pair_core::{
    InstanceState, Member,
    config::{BUDGET_MOVES, BUDGET_WINDOW},
};

use crate::{ApiFault, Dice, Fault, Owner, Scope, Service, Settings, Tally, World};

/// Faults with their times, and the seed of the world in which they strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The seed of the world.
    pub seed: u64,
    /// When each fault strikes, counted from the settled pair.
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
    /// the holder: whatever was before, that is a failover like any other. Says what has happened.
    ///
    /// # Errors
    /// A sentence that says what went wrong, with the trace if `traced`.
    pub fn play(&self, traced: bool) -> Result<Tally, String> {
        let mut world = World::settled(self.settings(), self.seed);
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
        let mut world = World::settled(self.settings(), self.seed).traced();
        let ended = self.play_in(&mut world);
        format!("{}{}", world.trace(), ended.err().unwrap_or_default())
    }

    /// The settings of the world: every fourth one wants its address back.
    fn settings(&self) -> Settings {
        Settings {
            preempt_delay: self.seed.is_multiple_of(4).then_some(PREEMPT_DELAY),
            ..Settings::hasty()
        }
    }

    fn play_in(&self, world: &mut World) -> Result<(), String> {
        for (after, fault) in &self.faults {
            world.plan(*after, *fault);
        }
        let sentence = |violation: crate::Violation| violation.to_string();
        world.try_run_for(FAULTS_WITHIN + LONGEST_FAULT).map_err(sentence)?;
        world.make_well();
        let was_moved = self
            .faults
            .iter()
            .any(|(_, fault)| matches!(fault, Fault::Put(_) | Fault::Replace(_)));
        let to_settle = if was_moved { TO_NOTICE } else { TO_SETTLE };
        world.try_run_for(to_settle).map_err(sentence)?;
        let moves = world.moves();
        world.try_run_for(AT_REST).map_err(sentence)?;
        if !world.is_settled() {
            return Err(format!(
                "not settled {to_settle:?} after the last fault: {:?}",
                world.owner()
            ));
        }
        if world.moves() != moves && !world.wants_back() {
            return Err("the address moved although all was well".to_owned());
        }
        self.reckon(world)
    }

    /// Kills the holder of a pair at rest.
    fn reckon(&self, world: &mut World) -> Result<(), String> {
        let Some(Owner::Member(holder)) = world.owner() else {
            return Err(format!("a pair at rest is held by {:?}", world.owner()));
        };
        let standby = holder.peer();
        let is_free = world.view(standby).moves < BUDGET_MOVES;
        world.crash_host(holder);
        let bound = if is_free {
            TO_REPLACE
        } else {
            TO_REPLACE + BUDGET_WINDOW
        };
        let end = world.now() + bound;
        while world.now() < end && !world.holds(standby) {
            world
                .try_run_for(Duration::from_millis(100))
                .map_err(|violation| violation.to_string())?;
        }
        if world.holds(standby) {
            Ok(())
        } else {
            Err(format!(
                "the last holder {holder:?} died and was not replaced within {bound:?}"
            ))
        }
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

fn random_fault(dice: &mut Dice) -> (Fault, Option<Fault>) {
    let member = *dice.one_of(&Member::BOTH);
    let with_end = |fault, end| (fault, Some(end));
    match dice.below(5) {
        0 => random_network_fault(dice, member),
        1 => random_host_fault(dice, member),
        2 => random_api_fault(dice, member),
        3 => random_order(dice, member),
        _ => match dice.below(4) {
            0 | 1 => {
                let service = *dice.one_of(&[Service::Failing, Service::Hung, Service::Gone, Service::Saturated]);
                with_end(
                    Fault::Service(member, service),
                    Fault::Service(member, Service::Serving),
                )
            }
            2 => {
                let owners = [
                    None,
                    Some(Owner::Stranger),
                    Some(Owner::Member(member)),
                    Some(Owner::Misplaced(member)),
                ];
                (Fault::Put(*dice.one_of(&owners)), None)
            }
            _ => {
                let states = [
                    InstanceState::Down,
                    InstanceState::Stopping,
                    InstanceState::Running { unreachable: true },
                ];
                let well = InstanceState::Running { unreachable: false };
                with_end(
                    Fault::Instance(member, *dice.one_of(&states)),
                    Fault::Instance(member, well),
                )
            }
        },
    }
}

fn random_network_fault(dice: &mut Dice, member: Member) -> (Fault, Option<Fault>) {
    let heal = Some(Fault::Heal);
    match dice.below(9) {
        0 | 1 => (Fault::Partition, heal),
        2 | 3 => (Fault::PartitionOneway(member), heal),
        4 => (Fault::Lose(20 + dice.one_of(&[0, 10, 30])), heal),
        5 => (Fault::LoseBursts(20 + dice.one_of(&[0, 20]), 4), heal),
        6 => (Fault::Delay(Duration::from_millis(300)), heal),
        7 => (Fault::Duplicate(30), heal),
        _ => (Fault::ElasticPath(false), Some(Fault::ElasticPath(true))),
    }
}

fn random_host_fault(dice: &mut Dice, member: Member) -> (Fault, Option<Fault>) {
    let (restart, resume) = (Some(Fault::Restart(member)), Some(Fault::Resume(member)));
    match dice.below(10) {
        0 => (Fault::Crash(member), restart),
        1 | 2 => (Fault::CrashHost(member), restart),
        3 => (Fault::Pause(member), resume),
        4 => (Fault::Suspend(member), resume),
        5 => (Fault::JumpClock(member, Duration::from_secs(dice.below(100))), None),
        6 => {
            let late = whole_ms(dice, Duration::from_millis(100), Duration::from_secs(2));
            (
                Fault::Starve(member, late),
                Some(Fault::Starve(member, Duration::from_millis(1))),
            )
        }
        7 => (Fault::Replace(member), None),
        8 => (Fault::Stop(member), restart),
        _ => (Fault::LoseDisk(member), None),
    }
}

fn random_api_fault(dice: &mut Dice, member: Member) -> (Fault, Option<Fault>) {
    let heal = Some(Fault::HealApi(member));
    match dice.below(12) {
        0..=3 => {
            let kinds = [
                ApiFault::Denied,
                ApiFault::Throttled,
                ApiFault::Failed,
                ApiFault::BlackHole,
                ApiFault::Unreachable,
            ];
            let scopes = [Scope::All, Scope::Claims, Scope::Reads, Scope::Pooled];
            (Fault::Api(member, *dice.one_of(&kinds), *dice.one_of(&scopes)), heal)
        }
        4 => (Fault::LoseReply(member), None),
        5 => (
            Fault::LandLate(member, Duration::from_millis(500 + dice.below(9_500))),
            None,
        ),
        6 => (Fault::Slow(member, Duration::from_millis(dice.below(5_000))), heal),
        7 => (Fault::Stall(member, Duration::from_millis(dice.below(2_000))), heal),
        8 => {
            let lag = Duration::from_millis(dice.below(8_000));
            (Fault::ReadStale(lag), Some(Fault::ReadStale(Duration::ZERO)))
        }
        9 => {
            let lag = Duration::from_millis(dice.below(8_000));
            (Fault::ImdsLag(lag), Some(Fault::ImdsLag(Duration::from_millis(500))))
        }
        10 => (Fault::Imds(member, false), Some(Fault::Imds(member, true))),
        _ => match dice.below(2) {
            0 => (Fault::Isolate(member), Some(Fault::Heal)),
            _ => (Fault::Forget(member, true), Some(Fault::Forget(member, false))),
        },
    }
}

fn random_order(dice: &mut Dice, member: Member) -> (Fault, Option<Fault>) {
    match dice.below(5) {
        0 | 1 => (Fault::Order(member, *dice.one_of(&Member::BOTH)), None),
        2 => {
            let length = whole_ms(dice, Duration::from_secs(1), Duration::from_secs(30));
            (
                Fault::HoldFor(member, length),
                Some(Fault::HoldFor(member, Duration::ZERO)),
            )
        }
        3 => (Fault::Leave(member), Some(Fault::Join(member))),
        _ => (Fault::Ready(member, false), Some(Fault::Ready(member, true))),
    }
}

/// A time of whole milliseconds, as trace files have it.
fn whole_ms(dice: &mut Dice, least: Duration, most: Duration) -> Duration {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(ms(least) + dice.below(ms(most.saturating_sub(least)) + 1))
}

/// Keeps the throws of a schedule apart from those of its world.
const SALT: u64 = 0x5eed_0ffa;

const FAULTS_WITHIN: Duration = Duration::from_secs(20);
const LONGEST_FAULT: Duration = Duration::from_secs(12);
const TO_SETTLE: Duration = Duration::from_secs(25);
/// Nothing but a read each minute shows that a stranger has let the address go.
const TO_NOTICE: Duration = Duration::from_secs(100);
const AT_REST: Duration = Duration::from_secs(10);

/// A holder of a pair at rest is replaced within a holdtime of one second and a call.
const TO_REPLACE: Duration = Duration::from_secs(3);
const PREEMPT_DELAY: Duration = Duration::from_secs(10);
