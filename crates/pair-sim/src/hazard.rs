//! Which faults strike in a random history, and what ends each.

use std::time::Duration;

use pair_core::{InstanceState, Member};

use crate::{ApiFault, Dice, Fault, Owner, Scope, Service, Tuning};

/// Throws a fault, and what ends it if it does not end by itself.
pub(crate) fn random_fault(dice: &mut Dice) -> (Fault, Option<Fault>) {
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

/// Throws an instance that comes in the place of a member, or beside it.
pub(crate) fn random_replacement(dice: &mut Dice) -> Fault {
    let member = *dice.one_of(&Member::BOTH);
    *dice.one_of(&[Fault::Replace(member), Fault::Spare(member)])
}

fn random_network_fault(dice: &mut Dice, member: Member) -> (Fault, Option<Fault>) {
    let heal = Some(Fault::Heal);
    match dice.below(13) {
        0 | 1 => (Fault::Partition, heal),
        2 | 3 => (Fault::PartitionOneway(member), heal),
        4 => (Fault::Lose(20 + dice.one_of(&[0, 10, 30])), heal),
        5 => (Fault::LoseBursts(20 + dice.one_of(&[0, 20]), 4), heal),
        6 => (Fault::Delay(Duration::from_millis(300)), heal),
        7 => (Fault::Duplicate(30), heal),
        8 => (Fault::LoseOneway(member, *dice.one_of(&[30, 60, 100])), heal),
        9 => (Fault::ElasticPath(false), Some(Fault::ElasticPath(true))),
        10 => (Fault::Witnesses(false), Some(Fault::Witnesses(true))),
        11 => {
            let fault = Fault::WitnessPath(member, false);
            (fault, Some(Fault::WitnessPath(member, true)))
        }
        _ => (Fault::ProbePath(false), Some(Fault::ProbePath(true))),
    }
}

fn random_host_fault(dice: &mut Dice, member: Member) -> (Fault, Option<Fault>) {
    let (restart, resume) = (Some(Fault::Restart(member)), Some(Fault::Resume(member)));
    match dice.below(10) {
        0 => (Fault::Crash(member), restart),
        1 | 2 => (Fault::CrashHost(member), restart),
        3 => (Fault::Pause(member), resume),
        4 => (Fault::Suspend(member), resume),
        5 => {
            let most = *dice.one_of(&[1, 100, 100_000]);
            (
                Fault::JumpClock(member, whole_ms(dice, Duration::ZERO, Duration::from_secs(most))),
                None,
            )
        }
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
    match dice.below(9) {
        0 | 1 => (Fault::Order(member, *dice.one_of(&Member::BOTH)), None),
        2 => {
            let length = whole_ms(dice, Duration::from_secs(1), Duration::from_secs(30));
            (
                Fault::HoldFor(member, length),
                Some(Fault::HoldFor(member, Duration::ZERO)),
            )
        }
        3 => (Fault::Leave(member), Some(Fault::Join(member))),
        4 => (Fault::Neighbour(member, true), Some(Fault::Neighbour(member, false))),
        5 | 6 => {
            let tuning = *dice.one_of(&[Tuning::Hasty, Tuning::Calm]);
            (Fault::Reload(member, tuning), Some(Fault::Reload(member, Tuning::Own)))
        }
        7 => (Fault::EndHost(member, true), Some(Fault::EndHost(member, false))),
        _ => (Fault::Ready(member, false), Some(Fault::Ready(member, true))),
    }
}

/// A time of whole milliseconds, as trace files have it.
pub(crate) fn whole_ms(dice: &mut Dice, least: Duration, most: Duration) -> Duration {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(ms(least) + dice.below(ms(most.saturating_sub(least)) + 1))
}
