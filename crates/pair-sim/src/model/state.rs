//! A state of the model: two machines with real nodes, the ways between them, EC2, and what has to be remembered of the path.

use std::hash::{Hash, Hasher};

use pair_core::{Holder, Instant, Link, Member};

use super::{
    bound::Bound,
    fold::{Fold, Row},
    machine::Machine,
    settings,
    watch::Watch,
};
use crate::{Ec2, Owner, Settings};

/// A state, between two ticks.
#[derive(Clone, Debug)]
pub struct State {
    pub(super) now: Instant,
    pub(super) settings: Settings,
    pub(super) machines: [Machine; 2],
    /// Whether the way from a member is cut.
    pub(super) cut: [bool; 2],
    pub(super) is_witness_silent: bool,
    pub(super) ec2: Ec2,
    /// Which instance of its peer each member speaks to, where members are found.
    pub(super) spoken_to: [u32; 2],
    /// How many faults have struck.
    pub(super) faults: u8,
    pub(super) watch: Watch,
    pub(super) horizon: u64,
}

impl State {
    /// A pair at rest: the preferred member holds the address, both nodes know it, and every channel is proven.
    pub(super) fn at_rest(bound: &Bound) -> Self {
        let settings = settings::settings(bound);
        let mut state = Self {
            now: Instant::from_origin(settings::TICK),
            machines: Member::BOTH.map(Machine::new),
            cut: [false; 2],
            is_witness_silent: false,
            ec2: Ec2::new(&settings),
            spoken_to: [0; 2],
            faults: 0,
            watch: Watch::default(),
            settings,
            horizon: bound.ticks,
        };
        for member in Member::BOTH {
            state.start(member);
        }
        for _ in 0..TO_REST {
            state.tick(None);
        }
        state.watch.begin_path();
        state
    }

    /// Who holds the address in truth.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.ec2.owner()
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    pub(super) const fn machine(&self, member: Member) -> &Machine {
        &self.machines[member.index()]
    }

    pub(super) const fn machine_mut(&mut self, member: Member) -> &mut Machine {
        &mut self.machines[member.index()]
    }

    /// Whether a datagram gets from `from` to the other machine, and is heard there.
    pub(super) fn carries(&self, from: Member) -> bool {
        let is_isolated = self.machine(from).is_isolated || self.machine(from.peer()).is_isolated;
        !self.cut[from.index()] && !is_isolated && self.are_in_touch()
    }

    /// Whether each speaks to the other's present instance: nobody hears another one.
    pub(super) fn are_in_touch(&self) -> bool {
        Member::BOTH.into_iter().all(|member| self.knows_its_peer(member))
    }

    /// Whether a member can find that its peer is another instance by now: it asks EC2.
    pub(super) fn can_find(&self, member: Member) -> bool {
        let machine = self.machine(member);
        machine.is_running() && machine.reaches_api() && !self.knows_its_peer(member)
    }

    fn knows_its_peer(&self, member: Member) -> bool {
        self.spoken_to[member.index()] == self.ec2.generation(member.peer())
    }

    /// Whether there is a witness that answers.
    pub(super) const fn has_witness(&self) -> bool {
        self.settings.witnesses.count > 0 && !self.is_witness_silent
    }

    /// Whether neither way is cut by itself.
    pub(super) fn is_network_whole(&self) -> bool {
        self.cut == [false; 2]
    }

    /// Whether nothing is wrong with network, hosts and services.
    pub(super) fn is_calm(&self) -> bool {
        self.is_network_whole()
            && self
                .machines
                .iter()
                .all(|machine| machine.is_well() && !machine.is_isolated)
    }

    /// Whether EC2 answers both as it should, and no old request is on its way.
    pub(super) fn is_api_well(&self) -> bool {
        let is_well = |machine: &Machine| machine.reaches_api() && machine.straggler.is_none();
        self.machines.iter().all(is_well)
    }

    /// Whether every fault has ended, and nothing keeps the pair from its work.
    pub(super) fn is_mended(&self) -> bool {
        let is_whole = self.is_calm() && self.is_api_well() && self.are_in_touch();
        is_whole && self.owner() != Some(Owner::Stranger) && !self.is_bound()
    }

    /// Whether an operator binds either node.
    pub(super) fn is_bound(&self) -> bool {
        let thoughts = self.watch.thoughts.iter().flatten();
        thoughts.into_iter().any(|thought| thought.is_bound)
    }

    /// Whether one fit member holds the address, both know it, and nothing is under way.
    pub(super) fn is_settled(&self) -> bool {
        let Some(Owner::Member(owner)) = self.owner() else {
            return false;
        };
        self.machines.iter().all(|machine| {
            let knows = self
                .thought(machine.member)
                .is_some_and(|thought| thought.link == Link::Up && thought.holder == Some(Holder::Member(owner)));
            machine.is_well() && machine.claim.is_none() && knows
        })
    }

    /// The state without what does not matter: see `fold`.
    pub(super) fn folded(&self, horizon: u64) -> Row {
        let mut fold = Fold::new(self.now, horizon);
        fold.add((self.cut, self.is_witness_silent, self.faults));
        fold.add((self.spoken_to, Member::BOTH.map(|member| self.ec2.generation(member))));
        fold.add(self.owner());
        fold.add_association(self.ec2.hold().association.as_ref());
        for member in Member::BOTH {
            fold.add(matches!(self.ec2.instance(member), pair_core::InstanceState::Down));
            self.machine(member).fold(&mut fold, self.now);
        }
        fold.add(&self.watch);
        fold.finish()
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.folded(self.horizon) == other.folded(self.horizon)
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.folded(self.horizon).hash(hasher);
    }
}

/// How many ticks a pair takes until nothing changes any more but the time, counts of what lasts included.
const TO_REST: u32 = 40;
