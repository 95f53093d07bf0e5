//! What must be seen at least once: a model that never gets there has shown nothing about it.

use pair_core::{Alarm, Rule, Verdict};
use stateright::Property;

use super::{
    PairModel,
    bound::{Bound, Kind},
    law::Law,
    state::State,
    watch::Plot,
};

macro_rules! sights {
    ($($(#[doc = $doc:literal])* $sight:ident = $name:literal),* $(,)?) => {
        /// Something that some path must reach.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Sight {
            $($(#[doc = $doc])* $sight,)*
        }

        impl Sight {
            /// Every sight.
            pub const ALL: &'static [Self] = &[$(Self::$sight),*];

            /// What is seen, in words.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$sight => $name,)*
                }
            }
        }

        /// Every sight that `bound` can show, as something that is seen sometimes.
        pub(super) fn properties(bound: &Bound) -> impl Iterator<Item = Property<PairModel>> {
            let all = [$((Sight::$sight, Property::sometimes($name, |model: &PairModel, state: &State| {
                Sight::$sight.is_seen(state) && model.is_first(Sight::$sight.bit())
            }))),*];
            all.into_iter().filter(|(sight, _)| sight.is_in_reach(bound)).map(|(_, property)| property)
        }
    };
}

sights! {
    /// A fault, a takeover, all of it mended and the pair settled, a second fault, and a second takeover, on one path.
    SecondTakeover = "fault, takeover, heal, second fault, second takeover",
    /// A claim from a peer that is presumed dead.
    ClaimFromTheDead = "a claim from a peer that is presumed dead (F-6a)",
    /// A claim from a peer that is unfit.
    ClaimFromTheUnfit = "a claim from a peer that is unfit (F-6c)",
    /// A claim because an operator wants it.
    ClaimByOrder = "a claim that an operator wants (F-6b)",
    /// A claim of what nobody holds.
    ClaimOfNobodys = "a claim of what nobody holds (F-6d)",
    /// A claim of what the instance before the peer holds.
    ClaimFromAFormer = "a claim of what a former member holds (F-9)",
    /// A claim that was held up moves the address long after.
    LateLanding = "a claim that was held up moves the address (F-11)",
    /// A silent peer that serves keeps its address.
    SilentButServing = "silent but serving (F-7)",
    /// A claim waits, since the witness is silent together with the peer.
    CutOff = "silent together with the witness (F-20)",
    /// An address stays where it is for a hold.
    KeptByAHold = "kept where it is by a hold (F-14)",
    /// A stranger's address is left alone.
    HeldByAStranger = "held by a stranger (F-9)",
    /// A silence that nobody proves moves nothing.
    SilenceUnproven = "a silence that nobody proves (F-8)",
}

impl Sight {
    /// Its place among what has been shown: behind the laws.
    const fn bit(self) -> u64 {
        1 << (Law::ALL.len() + self as usize)
    }

    /// Whether a bound can show it.
    pub(super) fn is_in_reach(self, bound: &Bound) -> bool {
        let any = |kinds: &[Kind]| kinds.iter().any(|kind| bound.kinds.contains(kind));
        let kills = any(&[Kind::HostDies, Kind::MachineIsIsolated]);
        match self {
            Self::SecondTakeover => kills && bound.faults >= 2,
            Self::ClaimFromTheDead => kills,
            Self::ClaimFromTheUnfit => any(&[Kind::ServiceGoes, Kind::ServiceFails]),
            Self::ClaimByOrder => any(&[Kind::OperatorOrders]),
            Self::ClaimOfNobodys | Self::HeldByAStranger => any(&[Kind::AddressIsMoved]),
            Self::ClaimFromAFormer => bound.found && any(&[Kind::InstanceIsReplaced]),
            Self::LateLanding => kills && any(&[Kind::ClaimIsHeldUp]) && bound.faults >= 2,
            Self::SilentButServing => (bound.probes || bound.witness) && any(&[Kind::NetworkIsCut]),
            Self::CutOff => bound.witness && kills && any(&[Kind::WitnessIsSilent]) && bound.faults >= 2,
            Self::KeptByAHold => kills && any(&[Kind::OperatorHolds]) && bound.faults >= 2,
            Self::SilenceUnproven => any(&[Kind::NetworkIsCut, Kind::MachineIsIsolated]),
        }
    }

    /// Whether a state shows it.
    pub(super) fn is_seen(self, state: &State) -> bool {
        let by = |rule| state.watch.by_rule.contains(&Some(rule));
        match self {
            Self::SecondTakeover => state.watch.plot == Plot::SecondTakeover,
            Self::ClaimFromTheDead => by(Rule::F6a),
            Self::ClaimFromTheUnfit => by(Rule::F6c),
            Self::ClaimByOrder => by(Rule::F6b),
            Self::ClaimOfNobodys => by(Rule::F6d),
            Self::ClaimFromAFormer => by(Rule::F9),
            Self::LateLanding => state.watch.straggled,
            Self::SilentButServing => raises(state, Alarm::SilentButServing),
            Self::CutOff => raises(state, Alarm::WitnessesSilent),
            Self::KeptByAHold => raises(state, Alarm::OnHold),
            Self::HeldByAStranger => raises(state, Alarm::HeldByStranger),
            Self::SilenceUnproven => raises(state, Alarm::SilenceUnproven),
        }
    }
}

/// Whether a node raises this alarm.
fn raises(state: &State, alarm: Alarm) -> bool {
    let mut thoughts = state.watch.thoughts.iter().flatten();
    thoughts.any(|thought| thought.verdict == Verdict::Alarm(alarm))
}
