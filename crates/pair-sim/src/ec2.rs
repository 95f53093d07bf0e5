//! EC2 as far as a pair sees it: a register with one owner at a time, its history, and the faults of the API.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use pair_core::{
    Association, AssociationId, Call, CallFault, CallRequest, Config, InstanceId, InstanceState, Instant, InterfaceId,
    Member, Members, Place, Reply,
};

use crate::{Dice, Limits, Settings, settings::private_ip};

/// Who holds the address in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A member of the pair, where it belongs.
    Member(Member),
    /// A member's interface, but another private IP of it.
    Misplaced(Member),
    /// An instance outside the pair.
    Stranger,
    /// The instance that was a member until it was replaced.
    Former(Member),
}

/// One stretch of ownership.
#[derive(Clone, Debug)]
pub struct Hold {
    /// When it began.
    pub since: Instant,
    /// Who holds; `None` while nobody does.
    pub owner: Option<Owner>,
    /// The association, if there is one.
    pub association: Option<AssociationId>,
    /// Which instance of each member this speaks of: how often it had been replaced.
    generations: [u32; 2],
}

/// One request as EC2 saw it.
#[derive(Clone, Debug)]
pub struct Request {
    /// When it reached EC2.
    pub at: Instant,
    /// Who sent it.
    pub by: Member,
    /// What it asked.
    pub call: Call,
    /// What was answered, whether or not the answer came back.
    pub answer: Result<Reply, CallFault>,
}

impl Request {
    /// Whether it asked for a change.
    #[must_use]
    pub const fn is_claim(&self) -> bool {
        self.call.is_change()
    }

    /// Whether it brought the address to its sender.
    #[must_use]
    pub const fn is_move(&self) -> bool {
        matches!(self.answer, Ok(Reply::Associated(_)))
    }
}

/// How the API treats a member's calls when it does not answer as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiFault {
    /// EC2 refuses: permission is missing.
    Denied,
    /// EC2 wants fewer calls.
    Throttled,
    /// EC2 fails.
    Failed,
    /// Requests vanish, and nothing comes back.
    BlackHole,
    /// No connection can be made.
    Unreachable,
}

/// Which calls a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every call.
    All,
    /// Only those that change something.
    Claims,
    /// Only those that change nothing.
    Reads,
    /// Only those on the pooled connection, which may be dead while EC2 is well.
    Pooled,
}

/// The register and the API in front of it.
#[derive(Clone, Debug)]
pub struct Ec2 {
    holds: Vec<Hold>,
    log: Vec<Request>,
    next_association: u64,
    stale_by: Duration,
    generations: [u32; 2],
    /// Whether the next instance of a member runs already, beside the present one.
    spares: [bool; 2],
    instances: [InstanceState; 2],
    doors: [Door; 2],
    /// The request limits of the account; `None` if it is far from them.
    limits: Option<Limits>,
    /// Whether each instance of a member has a private IP of its own.
    is_found: bool,
}

/// The way from one member to the API.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) latency: (Duration, Duration),
    pub(crate) fault: Option<(ApiFault, Scope)>,
    /// How many replies to claims will be lost although the claims are applied.
    pub(crate) lose_replies: u32,
    /// How long after it left the next claim lands, whatever its sender thinks of it by then.
    pub(crate) late_landing: Option<Duration>,
    /// How long requests wait in the host before they leave.
    pub(crate) stall: Duration,
}

impl Ec2 {
    pub(crate) fn new(settings: &Settings) -> Self {
        let door = Door {
            latency: settings.api_latency,
            fault: None,
            lose_replies: 0,
            late_landing: None,
            stall: Duration::ZERO,
        };
        Self {
            holds: vec![Hold {
                since: Instant::ZERO,
                owner: None,
                association: None,
                generations: [0; 2],
            }],
            log: Vec::new(),
            next_association: 1,
            stale_by: Duration::ZERO,
            generations: [0; 2],
            spares: [false; 2],
            instances: [InstanceState::Running { unreachable: false }; 2],
            doors: [door.clone(), door],
            limits: None,
            is_found: settings.is_found,
        }
    }

    pub(crate) const fn door(&mut self, member: Member) -> &mut Door {
        &mut self.doors[member.index()]
    }

    pub(crate) const fn set_stale_by(&mut self, lag: Duration) {
        self.stale_by = lag;
    }

    pub(crate) const fn set_instance(&mut self, member: Member, state: InstanceState) {
        self.instances[member.index()] = state;
    }

    /// The request limits, for whoever shares them with others of the account to put in and take out.
    pub(crate) const fn limits(&mut self) -> &mut Option<Limits> {
        &mut self.limits
    }

    /// Whether a member's calls are answered as they should be, and reads show the truth. Within
    /// limits nothing is promised.
    pub(crate) fn is_well(&self, member: Member) -> bool {
        let door = &self.doors[member.index()];
        let is_open = door.fault.is_none() && door.stall.is_zero() && door.latency.1 <= SLOW;
        let is_honest = door.lose_replies == 0 && door.late_landing.is_none() && self.stale_by.is_zero();
        is_open && is_honest && self.limits.is_none()
    }

    /// Puts the address where somebody outside of the pair wants it.
    pub(crate) fn put(&mut self, now: Instant, owner: Option<Owner>) -> Option<AssociationId> {
        let association = owner.map(|_| {
            let id = AssociationId::of(&format!("eipassoc-{}", self.next_association));
            self.next_association += 1;
            id
        });
        self.holds.push(Hold {
            since: now,
            owner,
            association,
            generations: self.generations,
        });
        association
    }

    /// Another instance comes to a member's place. What the old one holds stays with it.
    pub(crate) fn replace(&mut self, now: Instant, member: Member) {
        let hold = self.hold().clone();
        if hold.owner == Some(Owner::Member(member)) {
            self.holds.push(Hold {
                since: now,
                owner: Some(Owner::Former(member)),
                ..hold
            });
        }
        self.generations[member.index()] += 1;
        self.spares[member.index()] = false;
        self.instances[member.index()] = InstanceState::Running { unreachable: false };
    }

    /// Another instance that bears the pair's tag starts beside a member.
    pub(crate) const fn add_spare(&mut self, member: Member) {
        self.spares[member.index()] = true;
    }

    /// Forgets what was before the present hold, and what was asked: for a world that is copied very often.
    pub(crate) fn forget_history(&mut self) {
        self.holds.drain(..self.holds.len() - 1);
        self.log.clear();
    }

    /// A request reaches the API.
    pub(crate) fn answer(&mut self, now: Instant, by: Member, call: &Call) -> Result<Reply, CallFault> {
        let answer = self.judge(now, by, call);
        self.log.push(Request {
            at: now,
            by,
            call: call.clone(),
            answer: answer.clone(),
        });
        answer
    }

    /// What the IMDS of `member` shows, `lag` behind the truth.
    pub(crate) fn imds_shows(&self, now: Instant, member: Member, lag: Duration) -> bool {
        let hold = self.at(now - lag);
        let place = member.index();
        hold.owner == Some(Owner::Member(member)) && hold.generations[place] == self.generations[place]
    }

    /// The instance that is a member.
    pub(crate) fn instance_id(&self, member: Member) -> InstanceId {
        instance(member, self.generations[member.index()])
    }

    /// Where the address lands on a member's present instance.
    fn place(&self, member: Member) -> Place {
        let generation = self.generations[member.index()];
        Place {
            instance: instance(member, generation),
            private_ip: self.private_ip(member, generation),
        }
    }

    /// Who bears the pair's tag and is no member: of both members those that were before, the latest first, then the one that is
    /// to come.
    fn former(&self) -> Vec<InstanceId> {
        let others = Member::BOTH.into_iter().flat_map(|member| {
            let generations = (0..self.generations[member.index()]).rev();
            let former = generations.map(move |generation| instance(member, generation));
            former.chain(self.spare(member))
        });
        others.collect()
    }

    /// Who is at the place of `at`'s peer, and who else bears the tag: what EC2 tells whoever asks.
    pub(crate) fn members(&self, at: Member) -> Members {
        Members {
            peer: Some(self.place(at.peer())),
            former: self.former(),
        }
    }

    /// The configuration of an agent, which knows its own place; where members are found it knows no other.
    pub(crate) fn placed(&self, config: Config) -> Config {
        if !self.is_found {
            return config;
        }
        let mut private_ips = [Ipv4Addr::UNSPECIFIED.into(); 2];
        private_ips[config.me.index()] = self.place(config.me).private_ip;
        Config { private_ips, ..config }
    }

    /// How many instances a member has had.
    pub(crate) const fn generation(&self, member: Member) -> u32 {
        self.generations[member.index()]
    }

    fn private_ip(&self, member: Member, generation: u32) -> IpAddr {
        private_ip(member, if self.is_found { generation } else { 0 })
    }

    fn described(&self, hold: &Hold) -> Option<Association> {
        let id = hold.association?;
        let at = |member: Member, place: Option<[u8; 4]>| {
            let generation = hold.generations[member.index()];
            Association {
                id,
                interface: interface(member, generation),
                private_ip: place.map_or_else(|| self.private_ip(member, generation), IpAddr::from),
                instance: Some(instance(member, generation)),
            }
        };
        Some(match hold.owner? {
            Owner::Member(member) | Owner::Former(member) => at(member, None),
            Owner::Misplaced(member) => at(member, Some(MISPLACED)),
            Owner::Stranger => Association {
                id,
                interface: InterfaceId::of("eni-0fff"),
                private_ip: STRANGE.into(),
                instance: Some(InstanceId::of("i-0fff")),
            },
        })
    }

    /// Its interface.
    pub(crate) fn interface_id(&self, member: Member) -> InterfaceId {
        interface(member, self.generations[member.index()])
    }

    /// Who holds the address in truth.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.hold().owner
    }

    /// The present stretch of ownership.
    #[must_use]
    pub fn hold(&self) -> &Hold {
        self.holds.last().expect("the history begins with a hold")
    }

    /// All stretches of ownership, oldest first.
    #[must_use]
    pub fn history(&self) -> &[Hold] {
        &self.holds
    }

    /// Every request that reached EC2, oldest first.
    #[must_use]
    pub fn log(&self) -> &[Request] {
        &self.log
    }

    /// What EC2 says of a member's instance.
    #[must_use]
    pub const fn instance(&self, member: Member) -> InstanceState {
        self.instances[member.index()]
    }

    fn judge(&mut self, now: Instant, by: Member, call: &Call) -> Result<Reply, CallFault> {
        if let Some((fault, scope)) = self.doors[by.index()].fault
            && scope.strikes(call, true)
        {
            return Err(match fault {
                ApiFault::Denied => CallFault::Denied,
                ApiFault::Throttled => CallFault::Throttled,
                ApiFault::Failed => CallFault::Failed,
                // A request that was under way when the hole opened.
                ApiFault::BlackHole | ApiFault::Unreachable => CallFault::Unanswered,
            });
        }
        if let Some(limits) = &mut self.limits
            && !limits.take(now, call)
        {
            return Err(CallFault::Throttled);
        }
        match call {
            Call::ReadAddress => Ok(Reply::Address(self.described(self.at(now - self.stale_by)))),
            Call::ReadInstance(id) => Ok(Reply::Instance(self.state_of(id))),
            Call::Release(association) => {
                if self.hold().association.as_ref() != Some(association) {
                    return Err(CallFault::Gone);
                }
                self.put(now, None);
                Ok(Reply::Released)
            }
            Call::Associate { allow_reassociation } => {
                if !allow_reassociation && self.owner().is_some() {
                    return Err(CallFault::AlreadyAssociated);
                }
                let id = self.put(now, Some(Owner::Member(by)));
                Ok(Reply::Associated(id.expect("an owner comes with an association")))
            }
        }
    }

    fn state_of(&self, id: &InstanceId) -> InstanceState {
        let of = |is_it: &dyn Fn(Member) -> bool| Member::BOTH.into_iter().find(|member| is_it(*member));
        if let Some(member) = of(&|member| self.instance_id(member) == *id) {
            self.instance(member)
        } else if of(&|member| self.spare(member).as_ref() == Some(id)).is_some() {
            InstanceState::Running { unreachable: false }
        } else {
            // One that was replaced was terminated.
            InstanceState::Down
        }
    }

    /// The instance that waits beside a member, if there is one.
    fn spare(&self, member: Member) -> Option<InstanceId> {
        let place = member.index();
        self.spares[place].then(|| instance(member, self.generations[place] + 1))
    }

    fn at(&self, then: Instant) -> &Hold {
        let mut known = self.holds.iter().rev();
        known.find(|hold| hold.since <= then).unwrap_or(&self.holds[0])
    }
}

impl Scope {
    const fn strikes(self, call: &Call, fresh_connection: bool) -> bool {
        match self {
            Self::All => true,
            Self::Claims => call.is_change(),
            Self::Reads => !call.is_change(),
            Self::Pooled => !fresh_connection,
        }
    }
}

impl Door {
    pub(crate) fn latency(&self, dice: &mut Dice) -> Duration {
        dice.between(self.latency.0, self.latency.1)
    }

    /// What happens to a call on its way, if it never gets there.
    pub(crate) fn obstacle(&self, request: &CallRequest) -> Option<CallFault> {
        let (fault, scope) = self.fault?;
        if !scope.strikes(&request.call, request.fresh_connection) {
            return None;
        }
        match fault {
            ApiFault::BlackHole => Some(CallFault::Unanswered),
            ApiFault::Unreachable => Some(CallFault::Unreachable),
            ApiFault::Denied | ApiFault::Throttled | ApiFault::Failed => None,
        }
    }
}

/// The instance of a member after so many replacements.
fn instance(member: Member, generation: u32) -> InstanceId {
    InstanceId::of(&match member {
        Member::First => format!("i-{generation}aaa"),
        Member::Second => format!("i-{generation}bbb"),
    })
}

/// The interface of that instance.
fn interface(member: Member, generation: u32) -> InterfaceId {
    InterfaceId::of(&match member {
        Member::First => format!("eni-{generation}aaa"),
        Member::Second => format!("eni-{generation}bbb"),
    })
}

/// Latency beyond this is a fault.
const SLOW: Duration = Duration::from_millis(500);

const MISPLACED: [u8; 4] = [10, 0, 9, 10];
const STRANGE: [u8; 4] = [10, 0, 3, 10];
