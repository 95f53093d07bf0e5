//! What must hold in every state, and what must be seen in some: the invariants of the simulator, in ticks.

use std::time::Duration;

use pair_core::{Decision, Fitness, Holder, Link, Member, Rule, Testimony, config::READ_WHILE_SILENT};
use stateright::Property;

use super::{
    PairModel,
    settings::{HOLDTIME, LOST_CONTACT, RESTART_GRACE, TICK},
    state::State,
    watch::Memory,
};
use crate::Owner;

macro_rules! laws {
    ($($(#[doc = $doc:literal])* $law:ident = $name:literal),* $(,)?) => {
        /// What must hold in every state. Those that the simulator has, too, have its names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Law {
            $($(#[doc = $doc])* $law,)*
        }

        impl Law {
            /// Every law.
            pub const ALL: &'static [Self] = &[$(Self::$law),*];

            /// The name, as `docs/FAILOVER.md` quotes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$law => $name,)*
                }
            }
        }

        /// Every law as something that holds always.
        pub(super) fn properties() -> impl Iterator<Item = Property<PairModel>> {
            let all = [$(Property::always($name, |model: &PairModel, state: &State| {
                !(Law::$law.is_broken(state) && model.is_first(u64::from(Law::$law.bit())))
            })),*];
            all.into_iter()
        }
    };
}

laws! {
    /// F-9: who holds the address outside the pair keeps it.
    StrangersAddress = "never_claims_a_strangers_address",
    /// F-2, F-6: no claim from a peer that the node itself sees up and fit.
    PeerUpAndFit = "no_claim_while_the_peer_is_up_and_fit",
    /// F-6: no address leaves a member in calm times.
    CalmTimes = "no_claim_from_a_healthy_peer_in_calm_times",
    /// F-12: nor while EC2 fails and nothing else does.
    ApiErrors = "api_errors_move_nothing",
    /// F-4, F-16: soon after its own pause a node takes nothing from a peer that was well.
    OutOfAPause = "no_claim_out_of_a_pause",
    /// F-20: while a witness reaches both, silence alone takes nothing from a peer that runs and serves.
    Witness = "a_witness_keeps_the_address_where_it_is_served",
    /// F-11: a claim is one call at a time.
    OneCall = "at_most_one_call_in_flight_per_claim",
    /// F-5: a claim stands on a fresh read, or on the peer's word.
    Fact = "never_claims_without_a_fact",
    /// F-5, F-21: who cannot serve does not take what has to be served.
    Unfit = "never_claims_while_unfit",
    /// F-8: the silence of heartbeats moves the address once.
    OnceASilence = "a_silence_moves_the_address_once",
    /// F-14: no claim under hold.
    Holds = "holds_are_kept",
    /// F-15: beyond three moves a claim waits.
    Budget = "the_budget_is_respected",
    /// F-6, F-11: a dead holder is replaced, every time, within the waits of the rules on the way.
    DeadHolder = "a_dead_holder_is_replaced",
    /// F-1: nobody is wrong about itself for long.
    WrongAboutItself = "no_node_is_wrong_about_itself_for_long",
    /// After the last fault has ended, one fit member holds the address, and both know it.
    Settles = "the_pair_settles",
    /// A node that was woken wants to be woken later.
    Timers = "timers_move_forward",
    /// No loop spins.
    Work = "work_is_bounded",
}

impl Law {
    /// Its place among the bits of broken laws.
    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Whether the tick that led to a state has broken it.
    fn is_broken(self, state: &State) -> bool {
        state.watch.broken & self.bit() != 0
    }
}

/// A claim as it is sent, and what was true then.
#[derive(Clone, Debug)]
pub(super) struct Sent<'a> {
    pub(super) by: Member,
    pub(super) decision: &'a Decision,
    pub(super) allow_reassociation: bool,
    pub(super) truth: Option<Owner>,
    /// For how long that has been so.
    pub(super) truth_for: u8,
    /// Another claim of the same node is under way.
    pub(super) is_second: bool,
    /// For how long network, hosts and services have been well.
    pub(super) calm: u8,
    pub(super) is_api_well: bool,
    /// For how long the peer has run and served, with a whole network.
    pub(super) peer_well: u8,
    /// For how long the peer has run and served, with a witness that reaches both.
    pub(super) witnessed: u8,
    pub(super) is_held_somewhere: bool,
    pub(super) memory: Memory,
}

/// The laws that a claim breaks, a bit each.
pub(super) fn broken_by(sent: &Sent<'_>) -> u32 {
    let broken = CLAIMS.iter().filter(|(_, keeps)| !keeps(sent));
    broken.fold(0, |bits, (law, _)| bits | law.bit())
}

type Keeps = fn(&Sent<'_>) -> bool;

const CLAIMS: &[(Law, Keeps)] = &[
    (Law::StrangersAddress, |sent| {
        let knows = sent.decision.evidence.holder == Some(Holder::Stranger);
        let is_strange = sent.truth == Some(Owner::Stranger) && sent.allow_reassociation;
        let could_know = is_strange && sent.truth_for > TO_LEARN;
        !knows && !could_know
    }),
    (Law::PeerUpAndFit, |sent| {
        let seen = &sent.decision.evidence;
        let is_outside = matches!(seen.holder, Some(Holder::Nobody | Holder::Former));
        let sees_it_well = seen.link == Link::Up && seen.peer_fitness == Some(Fitness::Fit);
        sent.is_wanted() || seen.peer_yielding || is_outside || !sees_it_well
    }),
    (Law::CalmTimes, |sent| !sent.takes_unasked() || sent.calm <= SOON),
    (Law::ApiErrors, |sent| {
        sent.is_api_well || !sent.takes_unasked() || sent.calm <= SOON
    }),
    (Law::OutOfAPause, |sent| {
        !sent.takes_unasked() || sent.memory.resumed >= SOON || sent.peer_well <= SOON
    }),
    (Law::Witness, |sent| {
        let by_ec2 = sent.decision.evidence.testimony == Some(Testimony::InstanceDown);
        let by_silence = sent.decision.rule == Rule::F6a && !by_ec2;
        !(by_silence && sent.takes_unasked()) || sent.witnessed <= SOON
    }),
    (Law::OneCall, |sent| !sent.is_second),
    (Law::Fact, |sent| {
        let is_known = sent.decision.evidence.holder.is_some();
        is_known && (sent.memory.read <= FACT || sent.memory.word <= FACT)
    }),
    (Law::Unfit, |sent| {
        sent.decision.evidence.fitness == Fitness::Fit && sent.decision.evidence.can_land
    }),
    (Law::OnceASilence, |sent| {
        !(sent.is_by_silence() && sent.takes_from_peer()) || sent.memory.won_in_this_silence == 0
    }),
    (Law::Holds, |sent| {
        let is_ordered = sent.decision.evidence.ordered || sent.decision.rule == Rule::F6b;
        let is_bound = sent.memory.held > 0 || (sent.is_held_somewhere && sent.decision.evidence.on_hold);
        is_ordered || !is_bound
    }),
    (Law::Budget, |sent| {
        !sent.costs() || sent.memory.wins < 3 || sent.memory.won >= BUDGET_WAIT
    }),
];

impl Sent<'_> {
    /// Whether an order asks for it, or the peer gives the address away.
    fn is_wanted(&self) -> bool {
        let by_rule = matches!(self.decision.rule, Rule::F6b | Rule::F6e | Rule::F6f);
        by_rule || self.decision.evidence.ordered
    }

    fn takes_from_peer(&self) -> bool {
        self.allow_reassociation && self.truth == Some(Owner::Member(self.by.peer()))
    }

    fn takes_unasked(&self) -> bool {
        !self.is_wanted() && self.takes_from_peer() && !self.meant_a_former()
    }

    /// Whether it was to take the address from a former member, and the peer has it for less long than a node need know: EC2 has
    /// no compare-and-set but `strict` (F-11), so whoever is later has it.
    fn meant_a_former(&self) -> bool {
        self.decision.evidence.holder == Some(Holder::Former) && self.truth_for <= TO_LEARN
    }

    /// Whether the silence of heartbeats is its only reason.
    pub(super) fn is_by_silence(&self) -> bool {
        let by_silence = self.decision.evidence.testimony == Some(Testimony::Heartbeats);
        self.decision.rule == Rule::F6a && by_silence
    }

    /// Whether the budget counts it (F-15).
    pub(super) fn costs(&self) -> bool {
        let by_ec2 = self.decision.evidence.testimony == Some(Testimony::InstanceDown);
        let by_rule = matches!(self.decision.rule, Rule::F6a | Rule::F6c | Rule::F6f);
        by_rule && !by_ec2 && !self.decision.evidence.ordered
    }
}

const fn ticks(time: Duration) -> u8 {
    (time.as_nanos() / TICK.as_nanos()) as u8
}

/// The age at which a fact is accepted: 5 s are a tick (F-5).
pub(super) const FACT: u8 = 1;

/// How late a node may learn of a stranger, or of what its peer has taken from a former member: the age of a fact, a silence and a call.
pub(super) const TO_LEARN: u8 = FACT + ticks(HOLDTIME) + 1;

/// Two holdtimes: what was well for longer was well before any silence began that a claim may come from.
pub(super) const SOON: u8 = 2 * ticks(HOLDTIME);

/// The first wait beyond the budget: 30 s (F-15).
pub(super) const BUDGET_WAIT: u8 = 6;

/// The longest wait of each rule on the way to a takeover: a service that was seen (F-7), a restart that was announced (F-13),
/// the silence itself, and the claim with a retry.
pub(super) const TO_REPLACE: u8 = ticks(LOST_CONTACT) + ticks(RESTART_GRACE) + ticks(HOLDTIME) + 2;

/// Trust in an own reply (10 s), and two readings.
pub(super) const TO_NOTICE: u8 = 5;

/// Whoever holds the address where it must not be touched is looked at each minute (F-9); then a claim.
pub(super) const TO_SETTLE: u8 = ticks(READ_WHILE_SILENT) + 2;
