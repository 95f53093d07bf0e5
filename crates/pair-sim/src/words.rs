//! Faults in words: what a trace file says of each, and how it is read back.

use std::{fmt, str::FromStr, time::Duration};

use pair_core::{InstanceState, Member};
use thiserror::Error;

use crate::{ApiFault, Fault, Owner, Scope, Service, Tuning};

/// Why words are no fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WordError {
    /// Nobody knows this verb.
    #[error("unknown verb {verb:?}, did you mean {near:?}?")]
    Verb {
        /// As it was written.
        verb: String,
        /// The known one that is nearest.
        near: &'static str,
    },
    /// The verb needs a word that is not there.
    #[error("{what} is missing")]
    Missing {
        /// What should stand there.
        what: &'static str,
    },
    /// A word is not what the verb needs there.
    #[error("{word:?} is not {what}")]
    Wrong {
        /// As it was written.
        word: String,
        /// What should stand there.
        what: &'static str,
    },
    /// Words are left over.
    #[error("{0:?} is one word too many")]
    TooMany(String),
}

impl Fault {
    /// The verb of every kind of fault, in the order of the enum.
    pub const VERBS: &'static [&'static str] = &[
        "partition",
        "partition-oneway",
        "lose",
        "lose-oneway",
        "lose-bursts",
        "duplicate",
        "delay",
        "isolate",
        "heal",
        "crash",
        "crash-host",
        "restart",
        "pause",
        "suspend",
        "resume",
        "jump-clock",
        "starve",
        "replace",
        "spare",
        "service",
        "ready",
        "neighbour",
        "order",
        "api",
        "slow",
        "stall",
        "lose-reply",
        "land-late",
        "forget",
        "heal-api",
        "read-stale",
        "imds-lag",
        "imds",
        "instance",
        "put",
        "elastic-path",
        "probe-path",
        "witnesses",
        "witness-path",
        "hold",
        "leave",
        "join",
        "stop",
        "lose-disk",
        "reload",
        "end-host",
    ];

    /// The verb of this fault: one of [`Self::VERBS`].
    #[must_use]
    pub const fn verb(self) -> &'static str {
        Self::VERBS[self.place()]
    }

    const fn place(self) -> usize {
        match self {
            Self::Partition => 0,
            Self::PartitionOneway(_) => 1,
            Self::Lose(_) => 2,
            Self::LoseOneway(..) => 3,
            Self::LoseBursts(..) => 4,
            Self::Duplicate(_) => 5,
            Self::Delay(_) => 6,
            Self::Isolate(_) => 7,
            Self::Heal => 8,
            Self::Crash(_) => 9,
            Self::CrashHost(_) => 10,
            Self::Restart(_) => 11,
            Self::Pause(_) => 12,
            Self::Suspend(_) => 13,
            Self::Resume(_) => 14,
            Self::JumpClock(..) => 15,
            Self::Starve(..) => 16,
            Self::Replace(_) => 17,
            Self::Spare(_) => 18,
            Self::Service(..) => 19,
            Self::Ready(..) => 20,
            Self::Neighbour(..) => 21,
            Self::Order(..) => 22,
            Self::Api(..) => 23,
            Self::Slow(..) => 24,
            Self::Stall(..) => 25,
            Self::LoseReply(_) => 26,
            Self::LandLate(..) => 27,
            Self::Forget(..) => 28,
            Self::HealApi(_) => 29,
            Self::ReadStale(_) => 30,
            Self::ImdsLag(_) => 31,
            Self::Imds(..) => 32,
            Self::Instance(..) => 33,
            Self::Put(_) => 34,
            Self::ElasticPath(_) => 35,
            Self::ProbePath(_) => 36,
            Self::Witnesses(_) => 37,
            Self::WitnessPath(..) => 38,
            Self::HoldFor(..) => 39,
            Self::Leave(_) => 40,
            Self::Join(_) => 41,
            Self::Stop(_) => 42,
            Self::LoseDisk(_) => 43,
            Self::Reload(..) => 44,
            Self::EndHost(..) => 45,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())?;
        match *self {
            Self::Partition | Self::Heal => Ok(()),
            Self::PartitionOneway(member)
            | Self::Isolate(member)
            | Self::Crash(member)
            | Self::CrashHost(member)
            | Self::Restart(member)
            | Self::Pause(member)
            | Self::Suspend(member)
            | Self::Resume(member)
            | Self::Replace(member)
            | Self::Spare(member)
            | Self::LoseReply(member)
            | Self::HealApi(member)
            | Self::Leave(member)
            | Self::Join(member)
            | Self::Stop(member)
            | Self::LoseDisk(member) => write!(f, " {}", name(member)),
            Self::Lose(percent) | Self::Duplicate(percent) => write!(f, " {percent}%"),
            Self::LoseOneway(from, percent) => write!(f, " {} {percent}%", name(from)),
            Self::LoseBursts(percent, length) => write!(f, " {percent}% {length}"),
            Self::Delay(time) | Self::ReadStale(time) | Self::ImdsLag(time) => write!(f, " {}", ms(time)),
            Self::JumpClock(member, time)
            | Self::Starve(member, time)
            | Self::Slow(member, time)
            | Self::Stall(member, time)
            | Self::LandLate(member, time)
            | Self::HoldFor(member, time) => write!(f, " {} {}", name(member), ms(time)),
            Self::Service(member, service) => write!(f, " {} {}", name(member), word_of(SERVICES, service)),
            Self::Ready(member, is_so)
            | Self::Neighbour(member, is_so)
            | Self::Forget(member, is_so)
            | Self::WitnessPath(member, is_so)
            | Self::Imds(member, is_so)
            | Self::EndHost(member, is_so) => {
                write!(f, " {} {}", name(member), word_of(ANSWERS, is_so))
            }
            Self::Order(asked, to) => write!(f, " {} {}", name(asked), name(to)),
            Self::Api(member, fault, scope) => {
                let (fault, scope) = (word_of(API_FAULTS, fault), word_of(SCOPES, scope));
                write!(f, " {} {fault} {scope}", name(member))
            }
            Self::Instance(member, state) => write!(f, " {} {}", name(member), word_of(STATES, state)),
            Self::Put(owner) => write!(f, " {}", word_of(OWNERS, owner)),
            Self::Reload(member, tuning) => write!(f, " {} {}", name(member), word_of(TUNINGS, tuning)),
            Self::ElasticPath(is_so) | Self::ProbePath(is_so) | Self::Witnesses(is_so) => {
                write!(f, " {}", word_of(ANSWERS, is_so))
            }
        }
    }
}

impl FromStr for Fault {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let mut words = Words(text.split_ascii_whitespace());
        let verb = words.next("a verb")?;
        let fault = match verb {
            "partition" => Self::Partition,
            "partition-oneway" => Self::PartitionOneway(words.member()?),
            "lose" => Self::Lose(words.percent()?),
            "lose-oneway" => Self::LoseOneway(words.member()?, words.percent()?),
            "lose-bursts" => Self::LoseBursts(words.percent()?, words.number()?),
            "duplicate" => Self::Duplicate(words.percent()?),
            "delay" => Self::Delay(words.time()?),
            "isolate" => Self::Isolate(words.member()?),
            "heal" => Self::Heal,
            "crash" => Self::Crash(words.member()?),
            "crash-host" => Self::CrashHost(words.member()?),
            "restart" => Self::Restart(words.member()?),
            "pause" => Self::Pause(words.member()?),
            "suspend" => Self::Suspend(words.member()?),
            "resume" => Self::Resume(words.member()?),
            "jump-clock" => Self::JumpClock(words.member()?, words.time()?),
            "starve" => Self::Starve(words.member()?, words.time()?),
            "replace" => Self::Replace(words.member()?),
            "spare" => Self::Spare(words.member()?),
            "service" => Self::Service(words.member()?, words.one_of(SERVICES, "a state of a service")?),
            "ready" => Self::Ready(words.member()?, words.one_of(ANSWERS, "yes or no")?),
            "neighbour" => Self::Neighbour(words.member()?, words.one_of(ANSWERS, "yes or no")?),
            "order" => Self::Order(words.member()?, words.member()?),
            "api" => Self::Api(
                words.member()?,
                words.one_of(API_FAULTS, "a fault of the API")?,
                words.one_of(SCOPES, "a scope of calls")?,
            ),
            "slow" => Self::Slow(words.member()?, words.time()?),
            "stall" => Self::Stall(words.member()?, words.time()?),
            "lose-reply" => Self::LoseReply(words.member()?),
            "land-late" => Self::LandLate(words.member()?, words.time()?),
            "forget" => Self::Forget(words.member()?, words.one_of(ANSWERS, "yes or no")?),
            "heal-api" => Self::HealApi(words.member()?),
            "read-stale" => Self::ReadStale(words.time()?),
            "imds-lag" => Self::ImdsLag(words.time()?),
            "imds" => Self::Imds(words.member()?, words.one_of(ANSWERS, "yes or no")?),
            "instance" => Self::Instance(words.member()?, words.one_of(STATES, "a state of an instance")?),
            "put" => Self::Put(words.one_of(OWNERS, "an owner")?),
            "elastic-path" => Self::ElasticPath(words.one_of(ANSWERS, "yes or no")?),
            "probe-path" => Self::ProbePath(words.one_of(ANSWERS, "yes or no")?),
            "witnesses" => Self::Witnesses(words.one_of(ANSWERS, "yes or no")?),
            "witness-path" => Self::WitnessPath(words.member()?, words.one_of(ANSWERS, "yes or no")?),
            "hold" => Self::HoldFor(words.member()?, words.time()?),
            "leave" => Self::Leave(words.member()?),
            "join" => Self::Join(words.member()?),
            "end-host" => Self::EndHost(words.member()?, words.one_of(ANSWERS, "yes or no")?),
            "stop" => Self::Stop(words.member()?),
            "lose-disk" => Self::LoseDisk(words.member()?),
            "reload" => Self::Reload(words.member()?, words.one_of(TUNINGS, "own, hasty or calm")?),
            unknown => {
                let near = nearest(unknown);
                return Err(WordError::Verb {
                    verb: unknown.to_owned(),
                    near,
                });
            }
        };
        match words.0.next() {
            None => Ok(fault),
            Some(word) => Err(WordError::TooMany(word.to_owned())),
        }
    }
}

/// The words behind the verb.
struct Words<'a>(std::str::SplitAsciiWhitespace<'a>);

impl<'a> Words<'a> {
    fn next(&mut self, what: &'static str) -> Result<&'a str, WordError> {
        self.0.next().ok_or(WordError::Missing { what })
    }

    fn read<T>(&mut self, what: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, WordError> {
        let word = self.next(what)?;
        read(word).ok_or_else(|| WordError::Wrong {
            word: word.to_owned(),
            what,
        })
    }

    fn member(&mut self) -> Result<Member, WordError> {
        self.read("a or b", |word| {
            Member::BOTH.into_iter().find(|member| name(*member) == word)
        })
    }

    fn percent(&mut self) -> Result<u8, WordError> {
        self.read("a percentage up to 100%", |word| {
            word.strip_suffix('%')?.parse().ok().filter(|percent| *percent <= 100)
        })
    }

    fn number(&mut self) -> Result<u8, WordError> {
        self.read("a number from 1 to 255", |word| {
            word.parse().ok().filter(|number| *number > 0)
        })
    }

    fn time(&mut self) -> Result<Duration, WordError> {
        self.read("a time such as 1500ms", |word| humantime::parse_duration(word).ok())
    }

    fn one_of<T: Copy>(&mut self, table: &[(&str, T)], what: &'static str) -> Result<T, WordError> {
        self.read(what, |word| {
            table.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
        })
    }
}

const fn name(member: Member) -> &'static str {
    match member {
        Member::First => "a",
        Member::Second => "b",
    }
}

fn ms(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

fn word_of<T: PartialEq + Copy>(table: &[(&'static str, T)], value: T) -> &'static str {
    let known = table.iter().find(|(_, known)| *known == value);
    known
        .map(|(word, _)| *word)
        .expect("the tables have a word for every value")
}

fn nearest(verb: &str) -> &'static str {
    let distance = |known: &&&str| strsim::damerau_levenshtein(verb, known);
    Fault::VERBS.iter().min_by_key(distance).expect("there are verbs")
}

const SERVICES: &[(&str, Service)] = &[
    ("serving", Service::Serving),
    ("saturated", Service::Saturated),
    ("failing", Service::Failing),
    ("hung", Service::Hung),
    ("gone", Service::Gone),
];

const ANSWERS: &[(&str, bool)] = &[("yes", true), ("no", false)];

const API_FAULTS: &[(&str, ApiFault)] = &[
    ("denied", ApiFault::Denied),
    ("throttled", ApiFault::Throttled),
    ("failed", ApiFault::Failed),
    ("black-hole", ApiFault::BlackHole),
    ("unreachable", ApiFault::Unreachable),
];

const SCOPES: &[(&str, Scope)] = &[
    ("all", Scope::All),
    ("claims", Scope::Claims),
    ("reads", Scope::Reads),
    ("pooled", Scope::Pooled),
];

const STATES: &[(&str, InstanceState)] = &[
    ("running", InstanceState::Running { unreachable: false }),
    ("unreachable", InstanceState::Running { unreachable: true }),
    ("stopping", InstanceState::Stopping),
    ("down", InstanceState::Down),
];

const OWNERS: &[(&str, Option<Owner>)] = &[
    ("nobody", None),
    ("stranger", Some(Owner::Stranger)),
    ("a", Some(Owner::Member(Member::First))),
    ("b", Some(Owner::Member(Member::Second))),
    ("misplaced-a", Some(Owner::Misplaced(Member::First))),
    ("misplaced-b", Some(Owner::Misplaced(Member::Second))),
    ("former-a", Some(Owner::Former(Member::First))),
    ("former-b", Some(Owner::Former(Member::Second))),
];

const TUNINGS: &[(&str, Tuning)] = &[("own", Tuning::Own), ("hasty", Tuning::Hasty), ("calm", Tuning::Calm)];

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes after each verb, in the order of [`Fault::VERBS`].
    const REST: &[&str] = &[
        "",
        " a",
        " 30%",
        " a 30%",
        " 30% 5",
        " 5%",
        " 300ms",
        " b",
        "",
        " a",
        " b",
        " a",
        " b",
        " a",
        " b",
        " a 30000ms",
        " b 2000ms",
        " a",
        " b",
        " a hung",
        " b no",
        " a yes",
        " a b",
        " a black-hole pooled",
        " a 2000ms",
        " b 1000ms",
        " a",
        " b 5000ms",
        " a yes",
        " b",
        " 5000ms",
        " 3000ms",
        " a no",
        " b unreachable",
        " misplaced-b",
        " no",
        " no",
        " no",
        " b no",
        " a 60000ms",
        " a",
        " b",
        " a",
        " b",
        " a hasty",
        " b yes",
    ];

    #[test]
    fn every_fault_is_read_as_it_is_written() {
        assert_eq!(REST.len(), Fault::VERBS.len());
        for (verb, rest) in Fault::VERBS.iter().zip(REST) {
            let text = format!("{verb}{rest}");
            let fault: Fault = text.parse().unwrap();
            assert_eq!((fault.verb(), fault.to_string()), (*verb, text));
        }
    }

    #[test]
    fn what_is_no_fault_is_told_with_what_should_stand_there() {
        let cases = [
            ("", "a verb is missing"),
            ("partitoin", "unknown verb \"partitoin\", did you mean \"partition\"?"),
            ("crash", "a or b is missing"),
            ("crash c", "\"c\" is not a or b"),
            ("lose 101%", "\"101%\" is not a percentage up to 100%"),
            ("delay 5", "\"5\" is not a time such as 1500ms"),
            ("service a ill", "\"ill\" is not a state of a service"),
            ("heal a", "\"a\" is one word too many"),
        ];
        for (text, message) in cases {
            assert_eq!(text.parse::<Fault>().unwrap_err().to_string(), message);
        }
    }
}
