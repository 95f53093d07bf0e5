//! A random history of faults, and how to make a failing one short.

use std::time::Duration;

use pair_core::{InstanceState, Member};

use crate::{ApiFault, Dice, Fault, Owner, Scope, Service, Settings, World};

/// Faults with their times, and the seed of the world in which they strike.
#[derive(Clone, Debug)]
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
            let at = dice.between(Duration::ZERO, FAULTS_WITHIN);
            let lasts = dice.between(Duration::from_millis(50), LONGEST_FAULT);
            let (fault, end) = random_fault(&mut dice);
            faults.push((at, fault));
            if let Some(end) = end {
                faults.push((at + lasts, end));
            }
        }
        faults.sort_by_key(|(at, _)| *at);
        Self { seed, faults }
    }

    /// Plays the schedule on a pair with hasty settings, lets every fault end, and waits until the pair is at rest.
    ///
    /// # Errors
    /// A sentence that says what went wrong, with the trace if `traced`.
    pub fn play(&self, traced: bool) -> Result<(), String> {
        let mut world = World::settled(Settings::hasty(), self.seed);
        if traced {
            world = world.traced();
        }
        self.play_in(&mut world)
            .map_err(|why| format!("{why}\n{}", world.trace()))
    }

    fn play_in(&self, world: &mut World) -> Result<(), String> {
        for (after, fault) in &self.faults {
            world.plan(*after, fault.clone());
        }
        let sentence = |violation: crate::Violation| violation.to_string();
        world.try_run_for(FAULTS_WITHIN + LONGEST_FAULT).map_err(sentence)?;
        world.make_well();
        let was_put = self.faults.iter().any(|(_, fault)| matches!(fault, Fault::Put(_)));
        let to_settle = if was_put { TO_NOTICE } else { TO_SETTLE };
        world.try_run_for(to_settle).map_err(sentence)?;
        let moves = world.moves();
        world.try_run_for(AT_REST).map_err(sentence)?;
        if !world.is_settled() {
            return Err(format!(
                "not settled {to_settle:?} after the last fault: {:?}",
                world.owner()
            ));
        }
        if world.moves() != moves {
            return Err("the address moved although all was well".to_owned());
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

fn random_fault(dice: &mut Dice) -> (Fault, Option<Fault>) {
    let member = *dice.one_of(&Member::BOTH);
    match dice.below(24) {
        0 | 1 => (Fault::Partition, Some(Fault::Heal)),
        2 | 3 => (Fault::PartitionOneway(member), Some(Fault::Heal)),
        4 => (Fault::Lose(20 + dice.one_of(&[0, 10, 30])), Some(Fault::Heal)),
        5 => (Fault::Delay(Duration::from_millis(300)), Some(Fault::Heal)),
        6 => (Fault::Duplicate(30), Some(Fault::Heal)),
        7 => (Fault::Crash(member), Some(Fault::Restart(member))),
        8 | 9 => (Fault::CrashHost(member), Some(Fault::Restart(member))),
        10 => (Fault::Pause(member), Some(Fault::Resume(member))),
        11 => (Fault::Suspend(member), Some(Fault::Resume(member))),
        12 => (Fault::JumpClock(member, Duration::from_secs(dice.below(100))), None),
        13 | 14 => {
            let service = *dice.one_of(&[Service::Failing, Service::Hung, Service::Gone, Service::Saturated]);
            (
                Fault::Service(member, service),
                Some(Fault::Service(member, Service::Serving)),
            )
        }
        15 | 16 => {
            let kinds = [
                ApiFault::Denied,
                ApiFault::Throttled,
                ApiFault::Failed,
                ApiFault::BlackHole,
                ApiFault::Unreachable,
            ];
            let scope = *dice.one_of(&[Scope::All, Scope::Claims]);
            (
                Fault::Api(member, *dice.one_of(&kinds), scope),
                Some(Fault::HealApi(member)),
            )
        }
        17 => (Fault::LoseReply(member), None),
        18 => (
            Fault::LandLate(member, Duration::from_millis(500 + dice.below(9_500))),
            None,
        ),
        19 => {
            let lag = Duration::from_millis(dice.below(8_000));
            (Fault::ReadStale(lag), Some(Fault::ReadStale(Duration::ZERO)))
        }
        20 => {
            let to = *dice.one_of(&Member::BOTH);
            (Fault::Order(member, to), None)
        }
        21 => {
            let owner = *dice.one_of(&[None, Some(Owner::Stranger), Some(Owner::Member(member))]);
            (Fault::Put(owner), None)
        }
        22 => {
            let slow = Duration::from_millis(dice.below(5_000));
            (Fault::Slow(member, slow), Some(Fault::HealApi(member)))
        }
        _ => {
            let state = *dice.one_of(&[
                InstanceState::Down,
                InstanceState::Stopping,
                InstanceState::Running { unreachable: true },
            ]);
            let well = InstanceState::Running { unreachable: false };
            (Fault::Instance(member, state), Some(Fault::Instance(member, well)))
        }
    }
}

/// Keeps the throws of a schedule apart from those of its world.
const SALT: u64 = 0x5eed_0ffa;

const FAULTS_WITHIN: Duration = Duration::from_secs(20);
const LONGEST_FAULT: Duration = Duration::from_secs(12);
const TO_SETTLE: Duration = Duration::from_secs(25);
/// Nothing but a read each minute shows that a stranger has let the address go.
const TO_NOTICE: Duration = Duration::from_secs(100);
const AT_REST: Duration = Duration::from_secs(10);
