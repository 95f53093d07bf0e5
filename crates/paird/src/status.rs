//! The status document: what the core and the daemon know, in the words of `pairctl status`.

use std::net::IpAddr;
use std::time::Duration;

use pair_core::{Holder, Instant, Link as CoreLink, Member, Notice, Report, View, WitnessIndex};
use pair_wire::control::{
    AddressStatus, AgentStatus, DecisionStatus, DiscoveryStatus, EndingStatus, KeysStatus, Link, NodeStatus,
    PathState as StatusOfPath, PathStatus, PeerKeysStatus, PeerStatus, ReadyStatus, Role, STATUS_VERSION, State,
    Status, TakeoverStatus, WitnessStatus,
};
use pair_wire::datagram::{Drops, PeerKeys};
use pair_wire::key::{Key, KeyRing};

use crate::clock::{millis, unix_ms, wall_time};
use crate::config::{Address, Config, Security};
use crate::discovery;
use crate::knowledge::{AddressKnowledge, Knowledge};
use crate::names::Names;
use crate::paths::{Path, PathState, Paths};
use crate::problems::{self, Sight};
use crate::run::VERSION;
use crate::text;

/// A loop that has not turned for this long, or for a holdtime, says nothing about the present.
const LOOP_STALE_AFTER: Duration = Duration::from_secs(2);

/// What a status document is made of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The file.
    pub config: &'a Config,
    /// Which of the two nodes this is.
    pub me: Member,
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
    /// The private IPs on which it lands, by node.
    pub places: [IpAddr; 2],
    /// What the core knows.
    pub view: &'a View,
    /// What the daemon knows beside it.
    pub known: &'a AddressKnowledge,
}

impl Sources<'_> {
    /// Writes the document.
    #[must_use]
    pub fn status(&self) -> Status {
        let sights: Vec<Sight<'_>> = self.seats.iter().map(SeatSources::sight).collect();
        let problems = problems::of(&sights, self.known, self.names, self.me);
        let addresses: Vec<AddressStatus> = self.seats.iter().map(|seat| self.address(seat)).collect();
        // The one whose heartbeats were heard last tells of the peer: an address that only this node has yet is heard by nobody.
        let heard = self.seats.iter().min_by_key(|seat| {
            let age = seat.view.heard_age;
            (age.is_none(), age)
        });
        let seat = heard.unwrap_or(&self.seats[0]);
        let reasons = problems::against_readiness_of(&sights, self.known);
        let newest = addresses.iter().filter_map(|address| address.last_takeover.clone());
        Status {
            version: STATUS_VERSION,
            pair: self.config.pair.clone(),
            state: State::of(&problems),
            problems,
            node: self.own(),
            peer: self.peer(seat),
            witnesses: self.witnesses(self.seats[0].view),
            ready: ReadyStatus {
                ready: reasons.is_empty(),
                reasons,
                checked_ago_ms: self.checked_ago(&self.seats[0]),
            },
            decision: self.decision(self.seats[0].view),
            hold_left_ms: addresses.iter().filter_map(|address| address.hold_left_ms).max(),
            moves_lately: addresses.iter().map(|address| address.moves_lately).max().unwrap_or(0),
            last_takeover: newest.min_by_key(|takeover| takeover.ago_ms),
            drops: self.drops.by_name(),
            keys: self.keys(seat.view),
            recorder: self.known.recorder,
            discovery: self.known.company.as_ref().map(|company| DiscoveryStatus {
                tag: discovery::tag(&company.tag),
                asked_ago_ms: unix_ms().saturating_sub(company.last.at_unix_ms),
                spares: company.last.roster.spares.clone(),
            }),
            agent: AgentStatus {
                version: VERSION.to_owned(),
                pid: std::process::id(),
                uptime_ms: millis(self.uptime),
                as_of_ms: unix_ms(),
                written_at_loop_age_ms: millis(self.loop_age),
                loop_stale_after_ms: millis(LOOP_STALE_AFTER.max(self.config.heartbeat.holdtime)),
            },
            addresses,
        }
    }

    fn checked_ago(&self, seat: &SeatSources<'_>) -> Option<u64> {
        seat.known.rehearsed_at.map(|at| {
            let at = Duration::from_nanos(at.as_nanos());
            millis(self.uptime.saturating_sub(at))
        })
    }

    fn decision(&self, view: &View) -> DecisionStatus {
        DecisionStatus {
            verdict: text::verdict(view.decision.verdict).to_owned(),
            rule: Some(view.decision.rule.id().to_owned()),
            evidence: text::evidence(&view.decision.evidence, self.names),
        }
    }

    /// What the witnesses have told the first address: all of them are asked by each.
    fn witnesses(&self, view: &View) -> Vec<WitnessStatus> {
        let witnesses = (0..).map(WitnessIndex).zip(&view.witnesses);
        witnesses
            .map(|(index, witness)| WitnessStatus {
                address: self.names.witness(index).to_owned(),
                answers: witness.last.map(|_| !witness.is_silent),
                answered_ago_ms: witness.answered_age.map(millis),
                proved_ago_ms: witness.proved_age.map(millis),
                last: witness.last.map(|outcome| text::witness(outcome).to_owned()),
            })
            .collect()
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

    fn own(&self) -> NodeStatus {
        let seat = &self.seats[0];
        let identity = seat.known.identity.as_ref();
        NodeStatus {
            name: self.names.me().to_owned(),
            instance_id: identity.map(|identity| identity.instance.to_string()),
            private_ip: seat.private_ip(self.me),
            zone: identity.map(|identity| identity.zone.to_string()),
            role: self.role(self.me),
            service: text::fitness(self.known.service, seat.view.fitness),
            ready: Some(self.seats.iter().all(|seat| seat.view.ready)),
            leaving: Some(self.seats.iter().any(|seat| seat.view.is_leaving)),
            ending: seat.view.ending.map(|ending| EndingStatus {
                cause: ending.cause.into(),
                left_ms: ending.at.map(|at| millis(at.since(Instant::from_origin(self.uptime)))),
                hands_over: ending.hands_over,
            }),
        }
    }

    /// The peer, as the heartbeats of this seat tell.
    fn peer(&self, seat: &SeatSources<'_>) -> PeerStatus {
        let peer = self.me.peer();
        let report = seat.view.peer.as_ref();
        let current = seat.current_report();
        let hears_us = seat.view.link == CoreLink::Up;
        let path = |(index, path)| self.path(index, path, hears_us);
        PeerStatus {
            node: NodeStatus {
                name: self.names.peer().to_owned(),
                instance_id: report
                    .and_then(|report| report.instance.as_ref())
                    .map(ToString::to_string),
                private_ip: self.seats[0].private_ip(peer),
                zone: report
                    .map(|report| report.zone.to_string())
                    .filter(|zone| !zone.is_empty()),
                role: self.role(peer),
                service: current.map_or_else(
                    || format!("{} unknown", self.known.service),
                    |report| text::fitness(self.known.service, report.fitness),
                ),
                ready: current.map(|_| self.seats.iter().all(|seat| seat.peer_ready() == Some(true))),
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
            agent_version: report.map(|report| report.version.to_string()),
            paths: self.paths.iter().enumerate().map(path).collect(),
        }
    }

    fn path(&self, index: usize, path: &Path, is_peer_heard: bool) -> PathStatus {
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
            // What a peer that is silent said last is not how it is.
            peer_hears: self.paths.is_heard_by_peer(index).filter(|_| is_peer_heard),
        }
    }

    fn address(&self, seat: &SeatSources<'_>) -> AddressStatus {
        let view = seat.view;
        let fact = view.fact.as_ref();
        let (source, age) = view.confirmed.unzip();
        let target = fact.and_then(|fact| match fact.holder {
            Holder::Member(member) => seat.private_ip(member),
            Holder::Nobody | Holder::Misplaced(_) | Holder::Stranger | Holder::Former => None,
        });
        let reasons = problems::against_readiness(self.known, seat.known, view.fitness);
        AddressStatus {
            name: seat.address.name.clone(),
            public_ip: seat.known.public_ip.map(|ip| ip.to_string()),
            allocation_id: seat.address.allocation_id.clone(),
            association_id: fact.and_then(|fact| fact.association.as_ref()).map(ToString::to_string),
            holder: fact.map(|fact| self.names.holder_name(fact.holder)),
            holder_source: source.map(Into::into),
            holder_age_ms: age.map(millis),
            target_private_ip: target,
            ec2_checked_ago_ms: view.ec2_read_age.map(millis),
            role: seat.role(self.me),
            private_ip: seat.private_ip(self.me),
            ready: Some(ReadyStatus {
                ready: reasons.is_empty(),
                reasons,
                checked_ago_ms: self.checked_ago(seat),
            }),
            peer_ready: seat.peer_ready(),
            decision: Some(self.decision(view)),
            hold_left_ms: view.hold_left().map(millis),
            moves_lately: view.moves as u64,
            last_takeover: self.takeover(view),
        }
    }

    /// Whether a member holds any of the addresses.
    fn role(&self, member: Member) -> Role {
        let mut roles = self.seats.iter().map(|seat| seat.role(member));
        // Active comes before passive, and what is unknown of one address is known of the node by another.
        roles.by_ref().min().unwrap_or_default()
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
    fn sight(&self) -> Sight<'_> {
        Sight {
            allocation_id: &self.address.allocation_id,
            view: self.view,
            known: self.known,
        }
    }

    /// What the peer says of itself, while it is heard.
    fn current_report(&self) -> Option<&Report> {
        let is_heard = matches!(self.view.link, CoreLink::Up | CoreLink::OneWay);
        self.view.peer.as_ref().filter(|_| is_heard)
    }

    fn peer_ready(&self) -> Option<bool> {
        self.current_report().map(|report| report.ready)
    }

    fn role(&self, member: Member) -> Role {
        match &self.view.fact {
            None => Role::Unknown,
            Some(fact) if fact.holder == Holder::Member(member) => Role::Active,
            Some(_) => Role::Passive,
        }
    }

    /// Where the address lands on a member, unless that one is not found.
    fn private_ip(&self, member: Member) -> Option<String> {
        let ip = self.places[member.index()];
        (!ip.is_unspecified()).then(|| ip.to_string())
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

#[cfg(test)]
mod tests;
