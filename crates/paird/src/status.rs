//! The status document: what the core and the daemon know, in the words of `pairctl status`.

use std::time::Duration;

use pair_core::{Config as CoreConfig, Holder, Instant, Link as CoreLink, Member, Notice, View};
use pair_wire::control::{
    AddressStatus, AgentStatus, DecisionStatus, EndingStatus, KeysStatus, Link, NodeStatus, PathState as StatusOfPath,
    PathStatus, PeerKeysStatus, PeerStatus, ReadyStatus, Role, STATUS_VERSION, State, Status, TakeoverStatus,
};
use pair_wire::datagram::{Drops, PeerKeys};
use pair_wire::key::{Key, KeyRing};

use crate::clock::{millis, unix_ms, wall_time};
use crate::config::{Address, Config, Security};
use crate::knowledge::{AddressKnowledge, Knowledge};
use crate::names::Names;
use crate::paths::{Path, PathState, Paths};
use crate::problems::{self, Sight};
use crate::text;

/// A loop that has not turned for this long, or for a holdtime, says nothing about the present.
const LOOP_STALE_AFTER: Duration = Duration::from_secs(2);

/// What a status document is made of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The file.
    pub config: &'a Config,
    /// The names of the nodes.
    pub names: &'a Names,
    /// What the daemon knows beside the cores.
    pub known: &'a Knowledge,
    /// Each address, in the order of the file.
    pub seats: Vec<SeatSources<'a>>,
    /// The paths of heartbeats.
    pub paths: &'a Paths,
    /// What was dropped.
    pub drops: &'a Drops,
    /// This node's keys.
    pub ring: &'a KeyRing,
    /// The peer's, as it showed them.
    pub peer_keys: Option<PeerKeys>,
    /// How long the daemon has been running.
    pub uptime: Duration,
    /// How long ago the event loop last turned.
    pub loop_age: Duration,
}

/// What a status document says of one address.
#[derive(Debug)]
pub struct SeatSources<'a> {
    /// The address.
    pub address: &'a Address,
    /// What the core was told of the configuration.
    pub core: &'a CoreConfig,
    /// What the core knows.
    pub view: &'a View,
    /// What the daemon knows beside it.
    pub known: &'a AddressKnowledge,
}

impl Sources<'_> {
    /// Writes the document.
    #[must_use]
    pub fn status(&self) -> Status {
        let seat = &self.seats[0];
        let SeatSources { core, view, known, .. } = *seat;
        let problems = problems::of(Sight { view, known }, self.known, self.names, core.me);
        let reasons = problems::against_readiness(self.known, known, view.fitness);
        Status {
            version: STATUS_VERSION,
            pair: self.config.pair.clone(),
            state: State::of(&problems),
            problems,
            node: self.own(seat),
            peer: self.peer(seat),
            addresses: self.seats.iter().map(|seat| self.address(seat)).collect(),
            ready: ReadyStatus {
                ready: reasons.is_empty(),
                reasons,
                checked_ago_ms: known.rehearsed_at.map(|at| {
                    let at = Duration::from_nanos(at.as_nanos());
                    millis(self.uptime.saturating_sub(at))
                }),
            },
            decision: DecisionStatus {
                verdict: text::verdict(view.decision.verdict).to_owned(),
                rule: Some(view.decision.rule.id().to_owned()),
                evidence: text::evidence(&view.decision.evidence, self.names),
            },
            hold_left_ms: view.hold_left().map(millis),
            moves_lately: view.moves as u64,
            last_takeover: self.takeover(view),
            drops: self.drops.by_name(),
            keys: self.keys(view),
            recorder: self.known.recorder,
            agent: AgentStatus {
                version: core.version.clone(),
                pid: std::process::id(),
                uptime_ms: millis(self.uptime),
                as_of_ms: unix_ms(),
                written_at_loop_age_ms: millis(self.loop_age),
                loop_stale_after_ms: millis(LOOP_STALE_AFTER.max(core.holdtime)),
            },
        }
    }

    fn keys(&self, view: &View) -> Option<KeysStatus> {
        let Security::KeyFile(file) = &self.config.security else {
            return None;
        };
        let is_heard = matches!(view.link, CoreLink::Up | CoreLink::OneWay);
        let peer = self.peer_keys.filter(|_| is_heard).map(|peer| PeerKeysStatus {
            signs: peer.signs(),
            accepts: self.ring.keys().filter(|key| peer.accepts(key)).map(Key::id).collect(),
            accepts_another: peer.accepts_another_than(self.ring),
        });
        Some(KeysStatus {
            file: file.display().to_string(),
            signs: self.ring.signer().id(),
            accepts: self.ring.keys().map(Key::id).collect(),
            peer,
        })
    }

    fn own(&self, seat: &SeatSources<'_>) -> NodeStatus {
        let identity = seat.known.identity.as_ref();
        NodeStatus {
            name: self.names.me().to_owned(),
            instance_id: identity.map(|identity| identity.instance.0.clone()),
            private_ip: Some(seat.private_ip(seat.core.me)),
            zone: identity.map(|identity| identity.zone.clone()),
            role: seat.role(seat.core.me),
            service: text::fitness(self.known.service, seat.view.fitness),
            ready: Some(seat.view.ready),
            leaving: Some(seat.view.is_leaving),
            ending: seat.view.ending.map(|ending| EndingStatus {
                cause: ending.cause.into(),
                left_ms: ending.at.map(|at| millis(at.since(Instant::from_origin(self.uptime)))),
                hands_over: ending.hands_over,
            }),
        }
    }

    fn peer(&self, seat: &SeatSources<'_>) -> PeerStatus {
        let peer = seat.core.me.peer();
        let report = seat.view.peer.as_ref();
        let current = report.filter(|_| matches!(seat.view.link, CoreLink::Up | CoreLink::OneWay));
        PeerStatus {
            node: NodeStatus {
                name: self.names.peer().to_owned(),
                instance_id: report
                    .and_then(|report| report.instance.as_ref())
                    .map(|id| id.0.clone()),
                private_ip: Some(seat.private_ip(peer)),
                zone: report.map(|report| report.zone.clone()).filter(|zone| !zone.is_empty()),
                role: seat.role(peer),
                service: current.map_or_else(
                    || format!("{} unknown", self.known.service),
                    |report| text::fitness(self.known.service, report.fitness),
                ),
                ready: current.map(|report| report.ready),
                leaving: current.map(|report| report.notice == Some(Notice::Leaving)),
                ending: current.and_then(|report| report.notice).and_then(ending_of),
            },
            link: match seat.view.link {
                CoreLink::NeverHeard => Link::NeverHeard,
                CoreLink::Up => Link::Up,
                CoreLink::OneWay => Link::OneWay,
                CoreLink::Suspect => Link::Suspect,
                CoreLink::PresumedDead => Link::PresumedDead,
            },
            heard_ago_ms: seat.view.heard_age.map(millis),
            rtt_ms: seat.view.round_trip.map(|rtt| rtt.as_secs_f64() * 1000.0),
            loss_percent: seat.view.loss_percent.map(f64::from),
            probe: seat.view.probe.map(|outcome| text::probe(outcome).to_owned()),
            agent_version: report.map(|report| report.version.clone()),
            paths: self.paths.iter().map(|path| self.path(path)).collect(),
        }
    }

    fn path(&self, path: &Path) -> PathStatus {
        let now = Instant::from_origin(self.uptime);
        PathStatus {
            own: path.own.to_string(),
            peer: path.peer.to_string(),
            state: match path.state() {
                PathState::Alive => StatusOfPath::Alive,
                PathState::Silent => StatusOfPath::Silent,
                PathState::NeverHeard => StatusOfPath::NeverHeard,
                PathState::Closed => StatusOfPath::Closed,
            },
            heard_ago_ms: path.heard_at().map(|at| millis(now.since(at))),
            loss_percent: path.loss_percent(),
        }
    }

    fn address(&self, seat: &SeatSources<'_>) -> AddressStatus {
        let fact = seat.view.fact.as_ref();
        let (source, age) = seat.view.confirmed.unzip();
        let target = fact.and_then(|fact| match fact.holder {
            Holder::Member(member) => Some(seat.private_ip(member)),
            Holder::Nobody | Holder::Misplaced(_) | Holder::Stranger | Holder::Former => None,
        });
        AddressStatus {
            public_ip: seat.known.public_ip.map(|ip| ip.to_string()),
            allocation_id: seat.address.allocation_id.clone(),
            association_id: fact.and_then(|fact| fact.association.as_ref()).map(|id| id.0.clone()),
            holder: fact.map(|fact| self.names.holder_name(fact.holder)),
            holder_source: source.map(Into::into),
            holder_age_ms: age.map(millis),
            target_private_ip: target,
            ec2_checked_ago_ms: seat.view.ec2_read_age.map(millis),
        }
    }

    fn takeover(&self, view: &View) -> Option<TakeoverStatus> {
        let takeover = view.takeover.as_ref()?;
        let ago = self
            .uptime
            .saturating_sub(Duration::from_nanos(takeover.decided_at.as_nanos()));
        Some(TakeoverStatus {
            from: Some(self.names.holder_name(takeover.from)),
            to: self.names.me().to_owned(),
            rule: takeover.rule.id().to_owned(),
            at: wall_time(ago),
            ago_ms: millis(ago),
            detect_ms: takeover.detect.map(millis),
            api_ms: Some(millis(takeover.api)),
            verify_ms: takeover.verify.map(millis),
            attempts: takeover.attempts,
        })
    }
}

impl SeatSources<'_> {
    fn role(&self, member: Member) -> Role {
        match &self.view.fact {
            None => Role::Unknown,
            Some(fact) if fact.holder == Holder::Member(member) => Role::Active,
            Some(_) => Role::Passive,
        }
    }

    fn private_ip(&self, member: Member) -> String {
        self.core.private_ips[member.index()].to_string()
    }
}

/// What the peer has said of the end of its host.
fn ending_of(notice: Notice) -> Option<EndingStatus> {
    match notice {
        Notice::HostEnds {
            cause,
            left,
            hands_over,
        } => Some(EndingStatus {
            cause: cause.into(),
            left_ms: left.map(millis),
            hands_over,
        }),
        Notice::Restarting { .. } | Notice::Leaving => None,
    }
}
