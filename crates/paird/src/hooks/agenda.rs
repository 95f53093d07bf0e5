//! What hooks are told: the newest state of each subject that they were not told yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pair_wire::control::{Link, Role, State, Status};

use crate::clock::wall_time;

/// What hooks are told about, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Whether this node holds the address: `active`, `passive`, `unknown`.
    Role,
    /// Whether AWS takes this host away: `staying`, `noticed`, `ending`.
    Host,
    /// How contact with the peer is: `up`, `one-way`, `silent`.
    Peer,
    /// Whether this node could take the address over: `ready`, `unready`.
    Readiness,
    /// How the pair is: `healthy`, `degraded`, `critical`.
    Pair,
}

/// One thing that hooks are told.
#[derive(Clone, Debug)]
pub struct Occasion {
    /// About what.
    pub subject: Subject,
    /// About which address of the document, if there are several and it is about one.
    pub address: Option<usize>,
    /// How it is.
    pub state: &'static str,
    /// How it was when hooks were last told; `None` the first time since the daemon started.
    pub previous: Option<&'static str>,
    /// When it was seen: RFC 3339, in UTC.
    pub at: String,
    /// All that was known then.
    pub status: Arc<Status>,
}

/// What is, and what hooks were told.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    newest: BTreeMap<Topic, Sight>,
    told: BTreeMap<Topic, &'static str>,
}

/// A subject, and the address that it is about if there are several.
type Topic = (Subject, Option<usize>);

/// A state as it was first seen.
#[derive(Debug)]
struct Sight {
    state: &'static str,
    at: String,
    status: Arc<Status>,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Role, Self::Host, Self::Peer, Self::Readiness, Self::Pair];

    /// What hooks call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Host => "host",
            Self::Peer => "peer",
            Self::Readiness => "readiness",
            Self::Pair => "pair",
        }
    }

    /// What there is to tell of it: one thing, or one for each of several addresses.
    fn topics(self, status: &Status) -> impl Iterator<Item = Topic> {
        let several = match (self, status.addresses.len()) {
            (Self::Role | Self::Readiness, several @ 2..) => several,
            (Self::Role | Self::Host | Self::Readiness | Self::Peer | Self::Pair, _) => 0,
        };
        let one = (several == 0).then_some(None);
        one.into_iter()
            .chain((0..several).map(Some))
            .map(move |place| (self, place))
    }

    /// How it is in this document; `None` if that cannot be told at this moment.
    fn state(self, place: Option<usize>, status: &Status) -> Option<&'static str> {
        let address = place.and_then(|place| status.addresses.get(place));
        match self {
            Self::Role => Some(match address.map_or(status.node.role, |address| address.role) {
                Role::Active => "active",
                Role::Passive => "passive",
                Role::Unknown => "unknown",
            }),
            Self::Host => Some(match status.node.ending.as_ref().map(|ending| ending.hands_over) {
                None => "staying",
                Some(false) => "noticed",
                Some(true) => "ending",
            }),
            Self::Peer => match status.peer.link {
                Link::Up => Some("up"),
                Link::OneWay => Some("one-way"),
                // Two lost datagrams are not worth anybody's attention.
                Link::Suspect => None,
                Link::PresumedDead | Link::NeverHeard => Some("silent"),
            },
            Self::Readiness => {
                let is_ready = match address {
                    Some(address) => address.ready.as_ref().map(|ready| ready.ready),
                    None => status.node.ready,
                };
                is_ready.map(|is_ready| if is_ready { "ready" } else { "unready" })
            }
            Self::Pair => Some(match status.state {
                State::Healthy => "healthy",
                State::Degraded => "degraded",
                State::Critical => "critical",
            }),
        }
    }
}

/// Whether hooks have something to learn from one document after the other, or may have.
pub fn differ(before: &Status, after: &Status) -> bool {
    states(before).ne(states(after))
}

/// How everything is, as far as it can be told: nothing before the daemon has looked around.
fn states(status: &Status) -> impl Iterator<Item = (Topic, &'static str)> {
    let has_looked = status.agent.uptime_ms >= LOOKED_AROUND_MS;
    Subject::ALL
        .into_iter()
        .filter(move |_| has_looked)
        .flat_map(|subject| subject.topics(status))
        .filter_map(|(subject, place)| Some(((subject, place), subject.state(place, status)?)))
}

impl Agenda {
    /// Takes in how things are. Returns the states that have gone again before any hook was told of them.
    pub(super) fn follow(&mut self, status: &Status) -> Vec<(Subject, &'static str)> {
        let mut gone = Vec::new();
        let shared = Arc::new(status.clone());
        for (topic, state) in states(status) {
            let (subject, _) = topic;
            let before = self.newest.get(&topic).map(|sight| sight.state);
            if before == Some(state) {
                continue;
            }
            let told = self.told.get(&topic).copied();
            gone.extend(before.filter(|_| before != told).map(|before| (subject, before)));
            let sight = Sight {
                state,
                at: wall_time(Duration::ZERO),
                status: Arc::clone(&shared),
            };
            self.newest.insert(topic, sight);
        }
        gone
    }

    /// The next thing to tell, which counts as told from here on; `None` if hooks know how everything is.
    pub(super) fn begin(&mut self) -> Option<Occasion> {
        let is_news = |(topic, sight): &(&Topic, &Sight)| self.told.get(topic) != Some(&sight.state);
        let (topic, sight) = self.newest.iter().find(is_news)?;
        let (subject, address) = *topic;
        Some(Occasion {
            subject,
            address,
            state: sight.state,
            previous: self.told.insert(*topic, sight.state),
            at: sight.at.clone(),
            status: Arc::clone(&sight.status),
        })
    }

    /// Whether another state has taken the place of this one.
    pub(super) fn is_superseded(&self, occasion: &Occasion) -> bool {
        let newest = self.newest.get(&(occasion.subject, occasion.address));
        newest.is_some_and(|newest| newest.state != occasion.state)
    }
}

/// What a daemon says of the pair before it has run for so long is not worth telling: it has just begun to look around.
const LOOKED_AROUND_MS: u64 = 5_000;

#[cfg(test)]
mod tests {
    use pair_wire::control::Status;
    use serde_json::json;

    use super::*;
    use crate::hooks::program::tests::status;

    fn with_role(role: &str) -> Status {
        let mut status = status();
        status.node.role = serde_json::from_value(json!(role)).unwrap();
        status
    }

    /// What hooks are told one after the other, when nothing happens meanwhile.
    fn all(agenda: &mut Agenda) -> Vec<(&'static str, Option<&'static str>, &'static str)> {
        std::iter::from_fn(|| agenda.begin())
            .map(|occasion| (occasion.subject.name(), occasion.previous, occasion.state))
            .collect()
    }

    #[test]
    fn at_the_start_everything_is_told_and_then_only_what_changes() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.follow(&with_role("passive")), []);
        let first = [
            ("role", None, "passive"),
            ("host", None, "staying"),
            ("peer", None, "up"),
            ("readiness", None, "ready"),
            ("pair", None, "healthy"),
        ];
        assert_eq!(all(&mut agenda), first);
        agenda.follow(&with_role("passive"));
        assert_eq!(all(&mut agenda), []);
        agenda.follow(&with_role("active"));
        assert_eq!(all(&mut agenda), [("role", Some("passive"), "active")]);
    }

    #[test]
    fn a_notice_of_aws_is_told_and_so_is_its_end() {
        let mut agenda = Agenda::default();
        agenda.follow(&status());
        all(&mut agenda);
        let mut noticed = status();
        for (hands_over, state, previous) in [(false, "noticed", "staying"), (true, "ending", "noticed")] {
            let ending = json!({ "cause": "spot", "left_ms": 120_000, "hands_over": hands_over });
            noticed.node.ending = serde_json::from_value(ending).unwrap();
            agenda.follow(&noticed);
            assert_eq!(all(&mut agenda), [("host", Some(previous), state)]);
        }
        agenda.follow(&status());
        assert_eq!(all(&mut agenda), [("host", Some("ending"), "staying")]);
    }

    #[test]
    fn of_several_addresses_each_has_a_role_and_a_readiness_of_its_own() {
        let mut agenda = Agenda::default();
        let mut status = status();
        let mut second = status.addresses[0].clone();
        second.role = Role::Active;
        status.addresses.push(second);
        status.addresses[0].role = Role::Passive;
        agenda.follow(&status);
        let told = |agenda: &mut Agenda| -> Vec<_> {
            std::iter::from_fn(|| agenda.begin())
                .map(|occasion| (occasion.subject.name(), occasion.address, occasion.state))
                .collect()
        };
        assert_eq!(
            told(&mut agenda),
            [
                ("role", Some(0), "passive"),
                ("role", Some(1), "active"),
                ("host", None, "staying"),
                ("peer", None, "up"),
                ("pair", None, "healthy"),
            ],
            "nothing is known of their readiness"
        );
        status.addresses[0].role = Role::Active;
        agenda.follow(&status);
        assert_eq!(told(&mut agenda), [("role", Some(0), "active")]);
    }

    #[test]
    fn before_the_daemon_has_looked_around_nothing_is_told() {
        let mut agenda = Agenda::default();
        let mut young = status();
        young.agent.uptime_ms = 4_999;
        young.state = State::Critical;
        agenda.follow(&young);
        assert_eq!(all(&mut agenda), []);
    }

    #[test]
    fn documents_differ_when_hooks_would_learn_something() {
        let passive = with_role("passive");
        assert!(!differ(&passive, &passive.clone()));
        assert!(differ(&passive, &with_role("active")));
        let mut young = with_role("passive");
        young.agent.uptime_ms = 4_999;
        assert!(differ(&young, &passive), "from here on there is something to tell");
        assert!(!differ(&young, &young.clone()));
        let mut busier = with_role("passive");
        busier.agent.uptime_ms += 1_000;
        busier.agent.as_of_ms += 1_000;
        assert!(!differ(&passive, &busier));
    }

    #[test]
    fn what_comes_and_goes_while_a_hook_runs_is_told_to_nobody() {
        let mut agenda = Agenda::default();
        agenda.follow(&with_role("passive"));
        all(&mut agenda);
        agenda.follow(&with_role("active"));
        let running = agenda.begin().unwrap();
        assert!(!agenda.is_superseded(&running));
        assert_eq!(agenda.follow(&with_role("unknown")), []);
        assert!(agenda.is_superseded(&running));
        assert_eq!(agenda.follow(&with_role("passive")), [(Subject::Role, "unknown")]);
        assert_eq!(all(&mut agenda), [("role", Some("active"), "passive")]);
    }

    #[test]
    fn what_is_as_hooks_were_told_again_is_not_told_twice() {
        let mut agenda = Agenda::default();
        agenda.follow(&with_role("passive"));
        all(&mut agenda);
        agenda.follow(&with_role("active"));
        assert_eq!(agenda.follow(&with_role("passive")), [(Subject::Role, "active")]);
        assert_eq!(all(&mut agenda), []);
    }

    #[test]
    fn a_suspicion_leaves_the_peer_as_it_was() {
        let mut agenda = Agenda::default();
        agenda.follow(&status());
        all(&mut agenda);
        let mut suspect = status();
        suspect.peer.link = Link::Suspect;
        agenda.follow(&suspect);
        assert_eq!(all(&mut agenda), []);
        suspect.peer.link = Link::PresumedDead;
        agenda.follow(&suspect);
        assert_eq!(all(&mut agenda), [("peer", Some("up"), "silent")]);
    }
}
