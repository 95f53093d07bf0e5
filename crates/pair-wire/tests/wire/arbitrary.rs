//! Heartbeats of all shapes, for property tests.

use std::time::Duration;

use pair_core::{
    AssociationId, Echo, EndingCause, Fitness, Heartbeat, Hold, HoldVersion, Holder, Incarnation, InstanceId, Member,
    Moves, Notice, Prefix, Report, Sequence, Source, Unfitness, Version, Word, Zone,
};
use proptest::prelude::*;

use crate::support::ME;

/// Heartbeats that survive the wire: strings within their limits, times in its units.
pub(crate) fn heartbeats() -> impl Strategy<Value = Heartbeat> {
    (prefixes(), prop::option::of(reports())).prop_map(|(prefix, report)| Heartbeat { prefix, report })
}

fn prefixes() -> impl Strategy<Value = Prefix> {
    let echoes = prop_oneof![
        Just(None),
        (any::<u64>(), any::<u64>(), any::<u32>()).prop_map(|(incarnation, sequence, age_us)| Some(Echo {
            incarnation: Incarnation(incarnation),
            sequence: Sequence(sequence),
            age_us,
        })),
        Just(Some(Echo {
            incarnation: ME,
            sequence: Sequence(1),
            age_us: 0
        })),
    ];
    (members(), any::<u64>(), any::<u64>(), echoes).prop_map(|(sender, incarnation, sequence, echo)| Prefix {
        sender,
        incarnation: Incarnation(incarnation),
        sequence: Sequence(sequence),
        echo,
    })
}

/// Reports that survive the wire.
pub(crate) fn reports() -> impl Strategy<Value = Report> {
    let fitness = prop::sample::select(vec![
        Fitness::Unknown,
        Fitness::Fit,
        Fitness::Unfit(Unfitness::ServiceGone),
        Fitness::Unfit(Unfitness::HostStopping),
        Fitness::Unfit(Unfitness::CheckFailed),
    ]);
    let texts = (prop::option::of("[!-~]{0,48}"), "[!-~]{0,48}", "[!-~]{0,32}");
    (
        any::<[bool; 6]>(),
        any::<u32>(),
        texts,
        fitness,
        prop::option::of(words()),
        (prop::option::of(notices()), prop::option::of(holds()), moves()),
    )
        .prop_map(
            |(flags, interval_us, (instance, zone, version), fitness, word, (notice, hold, moves))| {
                let [query, saturated, ready, claiming, yielding, by_order] = flags;
                Report {
                    query,
                    interval: Duration::from_micros(interval_us.into()),
                    instance: instance.map(|id| InstanceId::of(&id)),
                    zone: Zone::cut(&zone),
                    fitness,
                    saturated,
                    ready,
                    word,
                    claiming,
                    yielding,
                    by_order,
                    moves,
                    notice,
                    hold,
                    version: Version::cut(&version),
                }
            },
        )
}

fn moves() -> impl Strategy<Value = Moves> {
    let ages = prop::collection::vec(any::<u16>().prop_map(|age| Duration::from_secs(age.into())), 0..=16);
    ages.prop_map(Moves::from_iter)
}

fn notices() -> impl Strategy<Value = Notice> {
    prop_oneof![
        Just(Notice::Leaving),
        any::<u32>().prop_map(|grace_us| Notice::Restarting {
            grace: Duration::from_micros(grace_us.into())
        }),
        (
            prop::sample::select(vec![
                EndingCause::Spot,
                EndingCause::Autoscaling,
                EndingCause::Maintenance,
                EndingCause::Rebalance,
            ]),
            any::<Option<u32>>(),
            any::<bool>()
        )
            .prop_map(|(cause, left_s, hands_over)| Notice::HostEnds {
                cause,
                left: left_s.map(|left_s| Duration::from_secs(left_s.into())),
                hands_over,
            }),
    ]
}

fn holds() -> impl Strategy<Value = Hold> {
    (any::<u64>(), members(), any::<u64>()).prop_map(|(number, by, remaining_us)| Hold {
        version: HoldVersion { number, by },
        remaining: Duration::from_micros(remaining_us),
    })
}

fn words() -> impl Strategy<Value = Word> {
    let holders = prop_oneof![
        Just(Holder::Nobody),
        members().prop_map(Holder::Member),
        members().prop_map(Holder::Misplaced),
        Just(Holder::Stranger),
        Just(Holder::Former),
    ];
    let sources = prop::sample::select(vec![Source::Reply, Source::Ec2, Source::Imds, Source::Peer]);
    (holders, prop::option::of("[!-~]{0,48}"), sources, any::<u64>()).prop_map(
        |(holder, association, source, age_us)| Word {
            holder,
            association: association.map(|id| AssociationId::of(&id)),
            source,
            age: Duration::from_micros(age_us),
        },
    )
}

fn members() -> impl Strategy<Value = Member> {
    prop::sample::select(Member::BOTH.to_vec())
}
