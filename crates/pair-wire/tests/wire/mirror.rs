//! The report on the wire once more, with the derives of `wincode`, which may one day take the place of `bincode`.

use pair_core as original;
use wincode::{SchemaRead, SchemaWrite};

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Body {
    pub(crate) query: bool,
    pub(crate) interval_us: u32,
    pub(crate) instance: Option<String>,
    pub(crate) zone: String,
    pub(crate) fitness: Fitness,
    pub(crate) saturated: bool,
    pub(crate) ready: bool,
    pub(crate) word: Option<Word>,
    pub(crate) claiming: bool,
    pub(crate) yielding: bool,
    pub(crate) by_order: bool,
    pub(crate) moves_s: Vec<u16>,
    pub(crate) notice: Option<Notice>,
    pub(crate) hold: Option<Hold>,
    pub(crate) version: String,
    pub(crate) card: Option<Card>,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Card {
    pub(crate) config: [u8; 8],
    pub(crate) haproxy: Option<[u8; 8]>,
    pub(crate) unix_ms: u64,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Word {
    pub(crate) holder: Holder,
    pub(crate) association: Option<String>,
    pub(crate) source: Source,
    pub(crate) age_us: u64,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum Holder {
    Nobody,
    Member(Member),
    Misplaced(Member),
    Stranger,
    Former,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum Notice {
    Restarting {
        grace_us: u32,
    },
    Leaving,
    HostEnds {
        cause: EndingCause,
        left_s: Option<u32>,
        hands_over: bool,
    },
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum EndingCause {
    Spot,
    Autoscaling,
    Maintenance,
    Rebalance,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Hold {
    pub(crate) number: u64,
    pub(crate) by: Member,
    pub(crate) remaining_us: u64,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum Member {
    First,
    Second,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum Source {
    Reply,
    Ec2,
    Imds,
    Peer,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum Fitness {
    Unknown,
    Fit,
    Unfit(Unfitness),
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum Unfitness {
    ServiceGone,
    HostStopping,
    CheckFailed,
}

impl Body {
    /// What both say.
    pub(crate) fn of(report: &original::Report, card: Option<pair_wire::datagram::Card>) -> Self {
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).expect("the wire carries 64 bits");
        Self {
            query: report.query,
            interval_us: u32::try_from(report.interval.as_micros()).expect("the wire carries 32 bits"),
            instance: report.instance.map(|id| id.to_string()),
            zone: report.zone.to_string(),
            fitness: report.fitness.into(),
            saturated: report.saturated,
            ready: report.ready,
            word: report.word.as_ref().map(|word| Word {
                holder: word.holder.into(),
                association: word.association.map(|id| id.to_string()),
                source: word.source.into(),
                age_us: micros(word.age),
            }),
            claiming: report.claiming,
            yielding: report.yielding,
            by_order: report.by_order,
            moves_s: report
                .moves
                .iter()
                .map(|age| u16::try_from(age.as_secs()).expect("the wire carries 16 bits"))
                .collect(),
            notice: report.notice.map(|notice| match notice {
                original::Notice::Restarting { grace } => Notice::Restarting {
                    grace_us: u32::try_from(grace.as_micros()).expect("the wire carries 32 bits"),
                },
                original::Notice::Leaving => Notice::Leaving,
                original::Notice::HostEnds {
                    cause,
                    left,
                    hands_over,
                } => Notice::HostEnds {
                    cause: cause.into(),
                    left_s: left.map(|left| u32::try_from(left.as_secs()).expect("the wire carries 32 bits")),
                    hands_over,
                },
            }),
            hold: report.hold.map(|hold| Hold {
                number: hold.version.number,
                by: hold.version.by.into(),
                remaining_us: micros(hold.remaining),
            }),
            version: report.version.to_string(),
            card: card.map(|card| Card {
                config: card.config,
                haproxy: card.haproxy,
                unix_ms: card.unix_ms,
            }),
        }
    }
}

impl From<original::Member> for Member {
    fn from(member: original::Member) -> Self {
        match member {
            original::Member::First => Self::First,
            original::Member::Second => Self::Second,
        }
    }
}

impl From<original::Holder> for Holder {
    fn from(holder: original::Holder) -> Self {
        match holder {
            original::Holder::Nobody => Self::Nobody,
            original::Holder::Member(member) => Self::Member(member.into()),
            original::Holder::Misplaced(member) => Self::Misplaced(member.into()),
            original::Holder::Stranger => Self::Stranger,
            original::Holder::Former => Self::Former,
        }
    }
}

impl From<original::EndingCause> for EndingCause {
    fn from(cause: original::EndingCause) -> Self {
        match cause {
            original::EndingCause::Spot => Self::Spot,
            original::EndingCause::Autoscaling => Self::Autoscaling,
            original::EndingCause::Maintenance => Self::Maintenance,
            original::EndingCause::Rebalance => Self::Rebalance,
        }
    }
}

impl From<original::Source> for Source {
    fn from(source: original::Source) -> Self {
        match source {
            original::Source::Reply => Self::Reply,
            original::Source::Ec2 => Self::Ec2,
            original::Source::Imds => Self::Imds,
            original::Source::Peer => Self::Peer,
        }
    }
}

impl From<original::Fitness> for Fitness {
    fn from(fitness: original::Fitness) -> Self {
        match fitness {
            original::Fitness::Unknown => Self::Unknown,
            original::Fitness::Fit => Self::Fit,
            original::Fitness::Unfit(why) => Self::Unfit(match why {
                original::Unfitness::ServiceGone => Unfitness::ServiceGone,
                original::Unfitness::HostStopping => Unfitness::HostStopping,
                original::Unfitness::CheckFailed => Unfitness::CheckFailed,
            }),
        }
    }
}
