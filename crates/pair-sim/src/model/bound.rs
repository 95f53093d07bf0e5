//! How far the model looks: how many faults are on a path, and which.

use std::str::FromStr;

use thiserror::Error;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $kind:ident = $name:literal),* $(,)?) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A host dies, and EC2 does not know.
    HostDies = "host-dies",
    /// A host is stopped, and EC2 says so.
    InstanceStops = "instance-stops",
    /// An agent dies and its service goes on.
    AgentDies = "agent-dies",
    /// An agent restarts and gives notice of it (F-13).
    AgentRestarts = "agent-restarts",
    /// A whole machine stands still for a while (F-16).
    MachineStandsStill = "machine-stands-still",
    /// Both ways between the nodes are cut.
    NetworkIsCut = "network-is-cut",
    /// One way is cut.
    OneWayIsCut = "one-way-is-cut",
    /// A machine is cut off from everything.
    MachineIsIsolated = "machine-is-isolated",
    /// The witness falls silent (F-20).
    WitnessIsSilent = "witness-is-silent",
    /// The calls of a member vanish.
    ApiIsCut = "api-is-cut",
    /// The process of a service ends.
    ServiceGoes = "service-goes",
    /// A service fails its check.
    ServiceFails = "service-fails",
    /// EC2 fails at a claim.
    ClaimIsRefused = "claim-is-refused",
    /// A claim gets no reply, and reaches EC2 at any later time, or never (F-11).
    ClaimIsHeldUp = "claim-is-held-up",
    /// Somebody moves the address, or takes it away.
    AddressIsMoved = "address-is-moved",
    /// An operator orders the address to the other member (F-6e).
    OperatorOrders = "operator-orders",
    /// An operator holds the address where it is (F-14).
    OperatorHolds = "operator-holds",
    /// An instance is terminated and another one comes in its place, where members are found by their tag (F-9).
    InstanceIsReplaced = "instance-is-replaced",
}

/// A name that no kind of fault has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name:?} is none of {}", names())]
pub struct UnknownKind {
    /// As it was written.
    pub name: String,
}

/// How far the model looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// How many faults are on a path at most. What ends a fault is free.
    pub faults: u8,
    /// Which kinds of fault.
    pub kinds: Vec<Kind>,
    /// Whether the nodes probe each other's service (F-7).
    pub probes: bool,
    /// Whether there is a witness (F-20).
    pub witness: bool,
    /// Whether the members are found by their tag (F-9).
    pub found: bool,
    /// How many ticks a wait may last to be looked at to its end: the horizon of the folding.
    pub ticks: u64,
}

impl Bound {
    /// Deaths, pauses and cuts, and claims that get no reply.
    #[must_use]
    pub fn of_deaths_and_cuts() -> Self {
        Self::of(&[
            Kind::HostDies,
            Kind::AgentDies,
            Kind::MachineStandsStill,
            Kind::NetworkIsCut,
            Kind::OneWayIsCut,
            Kind::ServiceGoes,
            Kind::ClaimIsHeldUp,
        ])
    }

    /// Deaths that are announced or seen by EC2, an EC2 that fails, and what people want.
    #[must_use]
    pub fn of_people_and_ec2() -> Self {
        Self::of(&[
            Kind::HostDies,
            Kind::InstanceStops,
            Kind::AgentRestarts,
            Kind::ApiIsCut,
            Kind::ServiceFails,
            Kind::ClaimIsRefused,
            Kind::AddressIsMoved,
            Kind::OperatorOrders,
            Kind::OperatorHolds,
        ])
    }

    /// Machines that are cut off from everything, and claims that were on their way.
    #[must_use]
    pub fn of_isolation() -> Self {
        Self::of(&[Kind::HostDies, Kind::MachineIsIsolated, Kind::ClaimIsHeldUp])
    }

    /// Nodes that probe each other's service, and what makes a difference to them.
    #[must_use]
    pub fn of_probes() -> Self {
        Self {
            probes: true,
            ..Self::of(&[
                Kind::HostDies,
                Kind::AgentDies,
                Kind::NetworkIsCut,
                Kind::OneWayIsCut,
                Kind::ServiceFails,
            ])
        }
    }

    /// A pair with a witness, and what makes a difference to it.
    #[must_use]
    pub fn of_a_witness() -> Self {
        Self {
            witness: true,
            ..Self::of(&[
                Kind::HostDies,
                Kind::NetworkIsCut,
                Kind::OneWayIsCut,
                Kind::WitnessIsSilent,
                Kind::ServiceFails,
            ])
        }
    }

    /// Members that are found by their tag, instances that replace each other, and what can strike meanwhile.
    #[must_use]
    pub fn of_replacements() -> Self {
        Self {
            found: true,
            ..Self::of(&[
                Kind::InstanceIsReplaced,
                Kind::HostDies,
                Kind::NetworkIsCut,
                Kind::ApiIsCut,
                Kind::ClaimIsHeldUp,
            ])
        }
    }

    fn of(kinds: &[Kind]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            ..Self::default()
        }
    }
}

impl Default for Bound {
    /// Two faults of any kind that strikes configured members, without probes or a witness. Eight ticks, two holdtimes, are longer than every wait that can be set, and
    /// than all fixed ones but those of a minute and more.
    fn default() -> Self {
        Self {
            faults: 2,
            kinds: Kind::ALL.to_vec(),
            probes: false,
            witness: false,
            found: false,
            ticks: 8,
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let kind = Self::ALL.iter().find(|kind| kind.name() == name);
        kind.copied().ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}

fn names() -> String {
    Kind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}
