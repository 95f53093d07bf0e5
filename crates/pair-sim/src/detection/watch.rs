//! Two real nodes that watch each other over a lossy path, and nothing else: no EC2, no service, no probe.

use std::time::Duration;

use pair_core::{CallFault, Event, Heartbeat, Input, Instant, Link, Member, Node, Output};

use super::{Loss, Profile, path::Path};
use crate::{Dice, Settings};

/// Two nodes, two paths, virtual time.
///
/// It does less than a [`World`](crate::World) and is quicker for it: a curve needs hundreds of days.
#[derive(Debug)]
pub struct Watch {
    now: Instant,
    ends: [End; 2],
    in_flight: Vec<Flight>,
    dice: Dice,
    wake_late: Duration,
}

/// One node, the way from it to the other, and what it has seen.
#[derive(Debug)]
struct End {
    /// `None` once it is dead.
    node: Option<Node>,
    way: Path,
    /// When it wanted to be woken, and when it will be.
    wish: Instant,
    wake: Instant,
    presumed: u64,
    silence: Duration,
}

/// A datagram under way.
#[derive(Debug)]
struct Flight {
    at: Instant,
    to: Member,
    heartbeat: Heartbeat,
}

impl Watch {
    /// Two nodes of a profile that start within an interval of each other, in the history of `seed`.
    #[must_use]
    pub fn new(profile: &Profile, loss: Loss, seed: u64) -> Self {
        let settings = profile.settings();
        let mut dice = Dice::new(!seed);
        let ends = Member::BOTH.map(|member| {
            let start = Instant::ZERO + dice.between(Duration::ZERO, profile.interval);
            End::new(&settings, loss, seed, member, start, dice.number())
        });
        Self {
            now: Instant::ZERO,
            ends,
            in_flight: Vec::new(),
            dice,
            wake_late: settings.wake_late,
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
        self.now = end;
    }

    /// Kills the node of `member`: what it has sent still arrives.
    pub fn kill(&mut self, member: Member) {
        self.ends[member.index()].node = None;
    }

    /// Lets time pass until the node of `member` presumes its peer dead, at most for `limit`. Returns how long that took.
    pub fn run_until_presumed(&mut self, member: Member, limit: Duration) -> Option<Duration> {
        let (began, before) = (self.now, self.presumed(member));
        while self.presumed(member) == before {
            if !self.step(began + limit) {
                return None;
            }
        }
        Some(self.now.since(began))
    }

    /// How often the node of `member` has presumed its peer dead.
    #[must_use]
    pub const fn presumed(&self, member: Member) -> u64 {
        self.ends[member.index()].presumed
    }

    /// How long the node of `member` had heard no life when it last presumed its peer dead.
    #[must_use]
    pub const fn silence(&self, member: Member) -> Duration {
        self.ends[member.index()].silence
    }

    /// What the node of `member` makes of its peer; `None` if it is dead itself.
    #[must_use]
    pub fn link(&self, member: Member) -> Option<Link> {
        self.ends[member.index()].node.as_ref().map(Node::link)
    }

    /// Lets the next thing happen if it is due by `limit`. What arrives is heard before a node is woken (F-4).
    fn step(&mut self, limit: Instant) -> bool {
        let landing = (0..self.in_flight.len()).min_by_key(|index| self.in_flight[*index].at);
        let lands_at = landing.map(|index| self.in_flight[index].at);
        let alive = Member::BOTH
            .into_iter()
            .filter(|member| self.ends[member.index()].node.is_some());
        let sleeper = alive.min_by_key(|member| self.ends[member.index()].wake);
        let wakes_at = sleeper.map(|member| self.ends[member.index()].wake);
        match (landing, sleeper) {
            (Some(index), _) if lands_at <= Some(limit) && wakes_at.is_none_or(|wake| lands_at <= Some(wake)) => {
                let flight = self.in_flight.swap_remove(index);
                self.now = flight.at;
                self.handle(flight.to, Input::Heartbeat(flight.heartbeat));
                true
            }
            (_, Some(member)) if wakes_at <= Some(limit) => {
                self.now = self.ends[member.index()].wake;
                self.handle(member, Input::Wakeup);
                true
            }
            (Some(_) | None, Some(_) | None) => false,
        }
    }

    fn handle(&mut self, at: Member, input: Input) {
        let now = self.now;
        let end = &mut self.ends[at.index()];
        let Some(node) = &mut end.node else { return };
        node.handle(now, input);
        while let Some(output) = node.poll_output() {
            match output {
                Output::Send(heartbeat) => {
                    let to = at.peer();
                    let arrival = end.way.carry(now);
                    self.in_flight.extend(arrival.map(|at| Flight { at, to, heartbeat }));
                }
                Output::Event(Event::LinkChanged {
                    to: Link::PresumedDead,
                    silence,
                    ..
                }) => {
                    end.presumed += 1;
                    end.silence = silence;
                }
                // EC2 has no say here: whatever it is asked, it refuses.
                Output::Call(request) => {
                    let result = Err(CallFault::Denied);
                    node.handle(now, Input::Called { id: request.id, result });
                }
                Output::Event(_)
                | Output::Probe { .. }
                | Output::AskWitnesses { .. }
                | Output::Ordered { .. }
                | Output::Keep(_)
                | Output::MayStop => {}
            }
        }
        let (wish, _) = node.poll_timeout();
        if wish != end.wish || end.wake <= now {
            end.wish = wish;
            end.wake = wish.max(now) + self.dice.between(Duration::ZERO, self.wake_late);
        }
    }
}

impl End {
    fn new(settings: &Settings, loss: Loss, seed: u64, me: Member, start: Instant, chance: u64) -> Self {
        Self {
            node: Some(Node::new(settings.config(me), chance, start)),
            way: Path::new(loss, settings, seed, me),
            wish: start,
            wake: start,
            presumed: 0,
            silence: Duration::ZERO,
        }
    }
}
