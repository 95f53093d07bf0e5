//! What may happen between two ticks, apart from nothing: a fault, or the end of one.

use pair_core::{InstanceState, Member};

use super::{
    bound::Kind,
    settings::{HOLD, TICK},
    state::State,
};
use crate::{ApiFault, Fault, Owner, Scope, Service};

/// A fault, or the end of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A host dies with all that runs on it. EC2 goes on saying that its instance runs.
    CrashHost(Member),
    /// A host is stopped, and EC2 says so.
    StopInstance(Member),
    /// An agent dies; its service goes on.
    CrashAgent(Member),
    /// An agent is asked to end; its service goes on.
    StopAgent(Member),
    /// A machine stands still.
    Suspend(Member),
    /// Both ways between the nodes are cut.
    Cut,
    /// The way from a member is cut.
    CutFrom(Member),
    /// A machine is cut off from its peer, from EC2 and from everybody else.
    Isolate(Member),
    /// The witness falls silent.
    SilenceWitness,
    /// The calls of a member vanish.
    CutApi(Member),
    /// A service begins to do badly.
    Fail(Member, Service),
    /// EC2 fails at the claim that is under way.
    Refuse(Member),
    /// The claim under way is held up: its sender hears nothing, and it may reach EC2 at any time, or never.
    HoldUp(Member),
    /// Somebody moves the address.
    Put(Option<Owner>),
    /// An operator orders the holder to hand over.
    Order(Member),
    /// An operator wants the address to stay where it is.
    Hold(Member),
    /// The instance of a member is terminated, and another one comes in its place. What the old one holds stays with it.
    Replace(Member),
    /// A host, or the agent on it, starts.
    Start(Member),
    /// A machine goes on.
    Resume(Member),
    /// The network is mended.
    Heal,
    /// A machine is no longer cut off.
    Reconnect(Member),
    /// The witness answers again.
    WakeWitness,
    /// The calls of a member are answered again.
    MendApi(Member),
    /// A service serves again.
    Repair(Member),
    /// A claim that was held up reaches EC2.
    Land(Member),
    /// A member finds the instance that came to its peer's place.
    Find(Member),
}

impl Event {
    /// Whether it hurts, and counts against the bound.
    pub(super) const fn is_fault(self) -> bool {
        match self {
            Self::CrashHost(_)
            | Self::StopInstance(_)
            | Self::CrashAgent(_)
            | Self::StopAgent(_)
            | Self::Suspend(_)
            | Self::Cut
            | Self::CutFrom(_)
            | Self::Isolate(_)
            | Self::SilenceWitness
            | Self::CutApi(_)
            | Self::Fail(..)
            | Self::Refuse(_)
            | Self::HoldUp(_)
            | Self::Put(_)
            | Self::Order(_)
            | Self::Hold(_)
            | Self::Replace(_) => true,
            Self::Start(_)
            | Self::Resume(_)
            | Self::Heal
            | Self::Reconnect(_)
            | Self::WakeWitness
            | Self::MendApi(_)
            | Self::Repair(_)
            | Self::Land(_)
            | Self::Find(_) => false,
        }
    }

    /// Whether somebody tells a node something, rather than that something befalls its surroundings.
    pub(super) const fn is_said(self) -> bool {
        match self {
            Self::StopAgent(_) | Self::Order(_) | Self::Hold(_) | Self::Start(_) | Self::Find(_) => true,
            Self::CrashHost(_)
            | Self::StopInstance(_)
            | Self::CrashAgent(_)
            | Self::Suspend(_)
            | Self::Cut
            | Self::CutFrom(_)
            | Self::Isolate(_)
            | Self::SilenceWitness
            | Self::CutApi(_)
            | Self::Fail(..)
            | Self::Refuse(_)
            | Self::HoldUp(_)
            | Self::Put(_)
            | Self::Resume(_)
            | Self::Heal
            | Self::Reconnect(_)
            | Self::WakeWitness
            | Self::MendApi(_)
            | Self::Repair(_)
            | Self::Replace(_)
            | Self::Land(_) => false,
        }
    }

    /// The faults of one kind that can strike `state`.
    pub(super) fn faults(kind: Kind, state: &State) -> Vec<Self> {
        let those = |can: &dyn Fn(Member) -> bool, event: fn(Member) -> Self| -> Vec<Self> {
            Member::BOTH.into_iter().filter(|of| can(*of)).map(event).collect()
        };
        let of = |member: Member| state.machine(member);
        match kind {
            Kind::HostDies => those(&|member| of(member).is_on, Self::CrashHost),
            Kind::InstanceStops => those(&|member| of(member).is_on, Self::StopInstance),
            Kind::AgentDies => those(&|member| of(member).node.is_some(), Self::CrashAgent),
            Kind::AgentRestarts => those(&|member| of(member).is_running(), Self::StopAgent),
            Kind::MachineStandsStill => those(&|member| of(member).is_running(), Self::Suspend),
            Kind::NetworkIsCut if state.is_network_whole() => vec![Self::Cut],
            Kind::OneWayIsCut if state.is_network_whole() => those(&|_| true, Self::CutFrom),
            Kind::NetworkIsCut | Kind::OneWayIsCut => Vec::new(),
            Kind::MachineIsIsolated => those(&|member| of(member).is_on && !of(member).is_isolated, Self::Isolate),
            Kind::WitnessIsSilent if state.has_witness() => vec![Self::SilenceWitness],
            Kind::WitnessIsSilent => Vec::new(),
            Kind::ApiIsCut => those(&|member| of(member).reaches_api(), Self::CutApi),
            Kind::ServiceGoes => those(&|member| of(member).service == Service::Serving, |member| {
                Self::Fail(member, Service::Gone)
            }),
            Kind::ServiceFails => those(&|member| of(member).service == Service::Serving, |member| {
                Self::Fail(member, Service::Failing)
            }),
            Kind::ClaimIsRefused => those(&|member| of(member).claim.is_some(), Self::Refuse),
            Kind::ClaimIsHeldUp => those(&|member| of(member).claim.is_some(), Self::HoldUp),
            Kind::AddressIsMoved => {
                let owners = [
                    None,
                    Some(Owner::Stranger),
                    Some(Owner::Member(Member::First)),
                    Some(Owner::Member(Member::Second)),
                ];
                owners
                    .into_iter()
                    .filter(|owner| *owner != state.owner())
                    .map(Self::Put)
                    .collect()
            }
            Kind::OperatorOrders => those(
                &|member| of(member).is_running() && state.owner() == Some(Owner::Member(member)),
                Self::Order,
            ),
            Kind::OperatorHolds => those(&|member| of(member).is_running(), Self::Hold),
            Kind::InstanceIsReplaced if state.settings.is_found => those(&|_| true, Self::Replace),
            Kind::InstanceIsReplaced => Vec::new(),
        }
    }

    /// What can end a fault of `state`.
    pub(super) fn repairs(state: &State) -> Vec<Self> {
        let mut repairs = Vec::new();
        if !state.is_network_whole() {
            repairs.push(Self::Heal);
        }
        if state.is_witness_silent {
            repairs.push(Self::WakeWitness);
        }
        for member in Member::BOTH {
            let machine = state.machine(member);
            let possible = [
                (machine.node.is_none(), Self::Start(member)),
                (machine.is_suspended, Self::Resume(member)),
                (machine.is_isolated, Self::Reconnect(member)),
                (machine.is_api_cut, Self::MendApi(member)),
                (
                    machine.is_on && machine.service != Service::Serving,
                    Self::Repair(member),
                ),
                (machine.straggler.is_some(), Self::Land(member)),
                (state.can_find(member), Self::Find(member)),
            ];
            repairs.extend(possible.into_iter().filter(|(can, _)| *can).map(|(_, event)| event));
        }
        repairs
    }

    /// Whether a trace of `pair-sim` has the very same fault, so that nothing need be said besides: its `heal` mends more than
    /// the model's, a claim that is refused there is any claim from then on, and an instance that replaces another starts at once.
    pub(super) fn is_one_fault(self) -> bool {
        self.in_a_trace().len() == 1 && !matches!(self, Self::Refuse(_) | Self::Heal | Self::Replace(_))
    }

    /// What a trace of `pair-sim` calls it: one fault or two, or none for what comes by itself there.
    pub(super) fn in_a_trace(self) -> Vec<Fault> {
        match self {
            Self::CrashHost(member) => vec![Fault::CrashHost(member)],
            Self::StopInstance(member) => vec![Fault::CrashHost(member), Fault::Instance(member, InstanceState::Down)],
            Self::CrashAgent(member) => vec![Fault::Crash(member)],
            Self::StopAgent(member) => vec![Fault::Stop(member)],
            Self::Suspend(member) => vec![Fault::Suspend(member)],
            Self::Cut => vec![Fault::Partition],
            Self::CutFrom(member) => vec![Fault::PartitionOneway(member)],
            Self::Isolate(member) => vec![Fault::Isolate(member), Fault::ElasticPath(false)],
            Self::SilenceWitness => vec![Fault::Witnesses(false)],
            Self::WakeWitness => vec![Fault::Witnesses(true)],
            Self::CutApi(member) => vec![Fault::Api(member, ApiFault::BlackHole, Scope::All)],
            Self::Fail(member, service) => vec![Fault::Service(member, service)],
            Self::Refuse(member) => vec![Fault::Api(member, ApiFault::Failed, Scope::Claims)],
            Self::HoldUp(member) => vec![Fault::LandLate(member, TICK), Fault::LoseReply(member)],
            Self::Put(owner) => vec![Fault::Put(owner)],
            Self::Order(asked) => vec![Fault::Order(asked, asked.peer())],
            Self::Hold(asked) => vec![Fault::HoldFor(asked, HOLD)],
            Self::Replace(member) => vec![Fault::Replace(member)],
            Self::Start(member) => vec![
                Fault::Instance(member, InstanceState::Running { unreachable: false }),
                Fault::Restart(member),
            ],
            Self::Resume(member) => vec![Fault::Resume(member)],
            Self::Heal => vec![Fault::Heal],
            Self::Reconnect(member) => vec![Fault::Heal, Fault::HealApi(member), Fault::ElasticPath(true)],
            Self::MendApi(member) => vec![Fault::HealApi(member)],
            Self::Repair(member) => vec![Fault::Service(member, Service::Serving)],
            Self::Land(_) | Self::Find(_) => Vec::new(),
        }
    }
}
