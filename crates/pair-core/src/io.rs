//! What a node is told and what it wants: the only ways in and out of the core.

use core::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    AssociationId, Config, Ending, Event, Fitness, Heartbeat, Hold, InstanceId, Instant, InterfaceId, Member, Members,
    Zone,
};

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for a moment, and a heartbeat in a box would be an allocation each"
)]
pub enum Input {
    /// Time has passed, and every datagram that waited in the socket has been handled (F-4).
    Wakeup,
    /// An authentic heartbeat from the peer, no replay.
    Heartbeat(Heartbeat),
    /// The peer's host answered a heartbeat with "port unreachable": evidence for suspicion, never for death.
    PeerUnreachable,
    /// This node's IMDS said who it is.
    Identity(Identity),
    /// This node's IMDS was asked whether the address is associated with this node's private IP.
    Imds {
        /// Whether it is.
        mine: bool,
        /// When it was asked.
        asked_at: Instant,
    },
    /// The verdict of this node's own checks.
    Health {
        /// Whether the service can serve.
        fitness: Fitness,
        /// Whether the service is at its connection limit.
        saturated: bool,
    },
    /// Whether EC2 has said that another address is on the private IP on which this one would land (F-5).
    Neighbour {
        /// Whether one is.
        is_there: bool,
    },
    /// Whether this node has proven that it could take the address over.
    Readiness(bool),
    /// A probe of the peer's service ended.
    Probed {
        /// When it began.
        begun_at: Instant,
        /// Where it went.
        target: ProbeTarget,
        /// What it got.
        outcome: ProbeOutcome,
    },
    /// A witness was asked about the peer, and this much is known by now (F-20).
    Witnessed {
        /// When it was asked.
        begun_at: Instant,
        /// Which one.
        witness: WitnessIndex,
        /// What came of it.
        outcome: WitnessOutcome,
    },
    /// An EC2 call ended.
    Called {
        /// Which call.
        id: CallId,
        /// How it ended.
        result: Result<Reply, CallFault>,
    },
    /// An operator wants the address moved.
    Order {
        /// Names the order in its answer.
        id: OrderId,
        /// Where the address shall be.
        to: Member,
        /// Whether it shall go there although that node is not ready: readiness says that a call is likely to work, and nothing of
        /// whether it is safe.
        #[serde(default)]
        force: bool,
    },
    /// An operator wants the address to stay where it is for so long (F-14); zero ends a hold.
    Hold(Duration),
    /// An operator takes this node out of the pair: it gives away what it holds and claims nothing (F-13).
    Leave {
        /// Names the order in its answer.
        id: OrderId,
    },
    /// An operator brings this node back.
    Join,
    /// What AWS says of the end of this node's host, at present (F-13): `None` if nothing.
    HostEnds(Option<Ending>),
    /// What was kept on disk, at the start (F-14).
    Restored(Standing),
    /// The settings are others from here on: those that a run is about aside, which are [`Config::me`], [`Config::private_ips`],
    /// [`Config::version`] and the number of witnesses. The same again changes nothing.
    Configured(Config),
    /// Who is at the peer's place, where that is found and not configured: from the first time on it counts in place of the peer's
    /// [`Config::private_ips`]. The same again changes nothing.
    Members(Members),
    /// The agent is asked to end, and its service goes on: the peer is told (F-13).
    Stop,
}

/// Something that a node wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for a moment, and a heartbeat in a box would be an allocation each"
)]
pub enum Output {
    /// Send this heartbeat to the peer.
    Send(Heartbeat),
    /// Probe the peer's service on every target, each within this time.
    Probe {
        /// The time that a probe may take.
        timeout: Duration,
    },
    /// Ask every witness about the peer, each with a question of its own that was never asked before.
    AskWitnesses {
        /// The time that a question may take.
        timeout: Duration,
    },
    /// Make one attempt of an EC2 call.
    Call(CallRequest),
    /// An order has ended.
    Ordered {
        /// Which order.
        id: OrderId,
        /// How it ended.
        outcome: OrderOutcome,
    },
    /// Keep this on disk until the next one.
    Keep(Standing),
    /// The peer has heard that this agent ends, or the time for it is over: it may end.
    MayStop,
    /// Tell whoever listens.
    Event(Event),
}

/// What operators have ordered and a restart must not forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// The newest hold.
    pub hold: Option<Hold>,
    /// Whether this node has left the pair.
    pub is_leaving: bool,
}

/// Who this node is in EC2.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Its instance.
    pub instance: InstanceId,
    /// Its availability zone.
    pub zone: Zone,
    /// The interface that carries the private IP on which the address lands; `None` if no interface of the instance has it.
    pub interface: Option<InterfaceId>,
}

/// Names a call in its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u64);

/// Names an order in its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId(pub u64);

/// One attempt of an EC2 call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallRequest {
    /// Names the call in its result.
    pub id: CallId,
    /// What to ask.
    pub call: Call,
    /// How long the attempt may take.
    pub timeout: Duration,
    /// When the request is void if it has not left (F-4); the result is then [`CallFault::NotSent`].
    pub not_after: Instant,
    /// Whether it must go out on a connection of its own, because the pooled one may be dead (F-11).
    pub fresh_connection: bool,
}

/// What EC2 is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call {
    /// `DescribeAddresses`, filtered by the allocation id.
    ReadAddress,
    /// `DescribeInstanceStatus` of the instance that holds the address.
    ReadInstance(InstanceId),
    /// `DisassociateAddress` of exactly this association: the first half of a strict takeover (F-11).
    Release(AssociationId),
    /// `AssociateAddress` with this node's interface and private IP.
    Associate {
        /// Whether the address may be taken from another holder.
        allow_reassociation: bool,
    },
}

impl Call {
    /// Whether it changes something.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        match self {
            Self::ReadAddress | Self::ReadInstance(_) => false,
            Self::Release(_) | Self::Associate { .. } => true,
        }
    }
}

/// EC2's answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reply {
    /// To `DescribeAddresses`: by what the address is held, if it is.
    Address(Option<Association>),
    /// To `DescribeInstanceStatus`.
    Instance(InstanceState),
    /// To `DisassociateAddress`: that association is gone.
    Released,
    /// To `AssociateAddress`: the new association.
    Associated(AssociationId),
}

/// One association of the address, as `DescribeAddresses` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Association {
    /// Its id.
    pub id: AssociationId,
    /// The interface that it is on.
    pub interface: InterfaceId,
    /// The private IP that it is on.
    pub private_ip: IpAddr,
    /// The instance of that interface, if EC2 names it.
    pub instance: Option<InstanceId>,
}

/// What EC2 says of an instance (F-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InstanceState {
    /// It runs, or is about to.
    Running {
        /// Whether its reachability check fails.
        unreachable: bool,
    },
    /// It is on its way down, which proves nothing yet.
    Stopping,
    /// It is stopped or terminated.
    Down,
}

/// Why a call brought no reply that can be used. Never evidence about the peer or the holder (F-12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CallFault {
    /// The request did not leave in time, or was never sent: nothing happened.
    NotSent,
    /// EC2 could not be reached: nothing happened.
    Unreachable,
    /// Sent, and no reply came: it may have happened (F-11).
    Unanswered,
    /// EC2 failed and says that a retry can help.
    Failed,
    /// EC2 wants fewer calls.
    Throttled,
    /// This node's role does not allow the call.
    Denied,
    /// What the call names does not exist.
    Gone,
    /// The address is held, and the call did not allow to take it.
    AlreadyAssociated,
}

impl CallFault {
    /// Whether EC2 answered, so that this node is not cut off from it.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        match self {
            Self::NotSent | Self::Unreachable | Self::Unanswered => false,
            Self::Failed | Self::Throttled | Self::Denied | Self::Gone | Self::AlreadyAssociated => true,
        }
    }
}

/// Where a probe of the peer's service goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProbeTarget {
    /// The peer's private address.
    Private,
    /// The Elastic IP: it speaks of the peer only while the peer holds it.
    Elastic,
}

/// What a probe of the peer's service got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProbeOutcome {
    /// The expected answer.
    Served,
    /// An answer of the wrong status: bytes from the service all the same.
    WrongStatus,
    /// A reset, or a connection without a byte: only the peer's kernel lives.
    KernelOnly,
    /// Nothing at all.
    Nothing,
}

/// Names a witness by its place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WitnessIndex(pub u8);

/// What came of a question to a witness. A question has one outcome when its time is over or the peer's answer is there, and may
/// have [`Self::PassedOn`] before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WitnessOutcome {
    /// The peer's signed answer: it lives, and does not say that its service is unfit.
    Proved,
    /// The peer's signed answer: it lives, and says that its service is unfit.
    ProvedUnfit,
    /// The witness lives and has passed the question on; the time for the peer's answer is not over.
    PassedOn,
    /// The witness lives, and no answer of the peer has come: which proves nothing by itself.
    Unproven,
    /// Nothing at all.
    Nothing,
}

impl WitnessOutcome {
    /// Whether the witness has answered, whatever it brought.
    #[must_use]
    pub const fn is_answer(self) -> bool {
        match self {
            Self::Proved | Self::ProvedUnfit | Self::PassedOn | Self::Unproven => true,
            Self::Nothing => false,
        }
    }
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderOutcome {
    /// The address is where it was wanted.
    Done,
    /// It was there already.
    AlreadyThere,
    /// Nothing was done, for this reason.
    Refused(Refusal),
    /// The order's time ran out before the address moved.
    Expired,
}

/// Why an order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// Another order is under way.
    Busy,
    /// Who holds the address is not known.
    HolderUnknown,
    /// The address is held outside the pair (F-9), or on a wrong interface (F-1).
    NotOurs,
    /// This node does not hold the address: only the node that shall take it can be ordered to.
    AskTheOther,
    /// The node that shall take it is not up.
    TargetNotUp,
    /// The node that shall take it is not fit.
    TargetUnfit,
    /// The node that shall take it is not ready.
    TargetNotReady,
    /// The node that shall take it has left the pair.
    TargetLeaving,
    /// AWS takes the host away of the node that shall take it.
    TargetEnding,
}

/// Why a node wants to be woken. A late, early or repeated wake-up changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// When to send the next heartbeat.
    Beat,
    /// When to suspect the peer.
    Suspicion,
    /// When to presume it dead.
    Holdtime,
    /// When to send the next query of a burst.
    Query,
    /// When an unfitness of the peer has lasted long enough.
    Unfitness,
    /// When to probe the peer's service.
    Probe,
    /// When to ask the witnesses.
    Witness,
    /// When to read EC2.
    Read,
    /// When a claim goes on.
    Claim,
    /// When to repeat the notice of a restart.
    Notice,
}
