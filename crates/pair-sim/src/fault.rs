//! Faults as values: what a schedule is made of.

use std::time::Duration;

use pair_core::{Ending, EndingCause, InstanceState, Member};

use crate::{ApiFault, Owner, Scope, Service, Tuning, World};

/// One fault, or the end of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Cut both directions.
    Partition,
    /// Cut the way from a member.
    PartitionOneway(Member),
    /// Lose so many datagrams in a hundred.
    Lose(u8),
    /// Lose so many datagrams in a hundred on the way from a member.
    LoseOneway(Member, u8),
    /// Lose datagrams in bursts of this many on average, so many in a hundred over time.
    LoseBursts(u8, u8),
    /// Double so many datagrams in a hundred.
    Duplicate(u8),
    /// Delay datagrams by up to this time.
    Delay(Duration),
    /// Cut both directions, and the API of a member.
    Isolate(Member),
    /// Mend the network.
    Heal,
    /// Kill an agent.
    Crash(Member),
    /// Kill a host.
    CrashHost(Member),
    /// Start an agent, or a host with its agent.
    Restart(Member),
    /// Stop an agent's process.
    Pause(Member),
    /// Stop a whole machine.
    Suspend(Member),
    /// Let it go on.
    Resume(Member),
    /// Move a host's clock forward.
    JumpClock(Member, Duration),
    /// Let a host's wake-ups come late.
    Starve(Member, Duration),
    /// Put another instance in the place of a member.
    Replace(Member),
    /// Start another instance that bears the tag beside a member: it waits to come in its place.
    Spare(Member),
    /// Change how a service does.
    Service(Member, Service),
    /// Change whether a node is ready.
    Ready(Member, bool),
    /// Put another address on the private IP on which the pair's would land at a member, or take it away.
    Neighbour(Member, bool),
    /// Order one node to move the address to another.
    Order(Member, Member),
    /// Break the API for a member.
    Api(Member, ApiFault, Scope),
    /// Make the API slow for a member.
    Slow(Member, Duration),
    /// Let requests of a member wait before they leave.
    Stall(Member, Duration),
    /// Lose the reply to a member's next claim.
    LoseReply(Member),
    /// Let a member's next claim land late.
    LandLate(Member, Duration),
    /// Tell a member's node nothing of how its calls end, or tell it again.
    Forget(Member, bool),
    /// Make a member's API well.
    HealApi(Member),
    /// Make reads stale.
    ReadStale(Duration),
    /// Let IMDS show what was so long ago.
    ImdsLag(Duration),
    /// Take a member's IMDS away, or bring it back.
    Imds(Member, bool),
    /// Change what EC2 says of a member's instance.
    Instance(Member, InstanceState),
    /// Move the address from outside.
    Put(Option<Owner>),
    /// Open or close the way to the Elastic IP.
    ElasticPath(bool),
    /// Open or close the way of probes to the peer's private address.
    ProbePath(bool),
    /// Turn every witness off, or on.
    Witnesses(bool),
    /// Cut the ways between a member and every witness, or mend them.
    WitnessPath(Member, bool),
    /// Hold the address for so long, asked of a member; zero ends a hold.
    HoldFor(Member, Duration),
    /// Take a member out of the pair.
    Leave(Member),
    /// Bring a member back into the pair.
    Join(Member),
    /// Let AWS say that it takes a member's host away, or does not any more.
    EndHost(Member, bool),
    /// Ask an agent to end.
    Stop(Member),
    /// Lose what an agent has kept on disk.
    LoseDisk(Member),
    /// Write other settings into a host's file, and let its agent read it again.
    Reload(Member, Tuning),
}

/// A notice after which the node gives away what it holds.
const SPOT: Ending = Ending {
    cause: EndingCause::Spot,
    at: None,
    hands_over: true,
};

impl Fault {
    /// Whether it is about one address, and not about a host, the network or the API: in a pair with several it strikes that one
    /// and no other.
    #[must_use]
    pub const fn is_of_one_address(self) -> bool {
        match self {
            Self::Ready(..)
            | Self::Neighbour(..)
            | Self::Order(..)
            | Self::LoseReply(_)
            | Self::LandLate(..)
            | Self::Put(_)
            | Self::ElasticPath(_)
            | Self::HoldFor(..) => true,
            Self::Partition
            | Self::PartitionOneway(_)
            | Self::Lose(_)
            | Self::LoseOneway(..)
            | Self::LoseBursts(..)
            | Self::Duplicate(_)
            | Self::Delay(_)
            | Self::Isolate(_)
            | Self::Heal
            | Self::Crash(_)
            | Self::CrashHost(_)
            | Self::Restart(_)
            | Self::Pause(_)
            | Self::Suspend(_)
            | Self::Resume(_)
            | Self::JumpClock(..)
            | Self::Starve(..)
            | Self::Replace(_)
            | Self::Spare(_)
            | Self::Service(..)
            | Self::Api(..)
            | Self::Slow(..)
            | Self::Stall(..)
            | Self::Forget(..)
            | Self::HealApi(_)
            | Self::ReadStale(_)
            | Self::ImdsLag(_)
            | Self::Imds(..)
            | Self::Instance(..)
            | Self::ProbePath(_)
            | Self::Witnesses(_)
            | Self::WitnessPath(..)
            | Self::Leave(_)
            | Self::Join(_)
            | Self::EndHost(..)
            | Self::Stop(_)
            | Self::LoseDisk(_)
            | Self::Reload(..) => false,
        }
    }
}

impl World {
    /// Lets a fault strike.
    pub fn strike(&mut self, fault: Fault) {
        self.tally.struck(fault);
        match fault {
            Fault::Partition => self.partition(),
            Fault::PartitionOneway(from) => self.partition_oneway(from),
            Fault::Lose(percent) => self.lose_datagrams(percent),
            Fault::LoseOneway(from, percent) => self.lose_oneway(from, percent),
            Fault::LoseBursts(percent, length) => self.lose_in_bursts(percent, length),
            Fault::Isolate(member) => self.isolate(member),
            Fault::Duplicate(percent) => self.duplicate_datagrams(percent),
            Fault::Delay(most) => self.delay_datagrams(Duration::ZERO, most),
            Fault::Heal => self.heal(),
            Fault::Crash(member) => self.crash(member),
            Fault::CrashHost(member) => self.crash_host(member),
            Fault::Restart(member) => self.restart(member),
            Fault::Pause(member) => self.pause(member),
            Fault::Suspend(member) => self.suspend(member),
            Fault::Resume(member) => self.resume(member),
            Fault::JumpClock(member, ahead) => self.jump_clock(member, ahead),
            Fault::Starve(member, late) => self.starve(member, late),
            Fault::Replace(member) => self.replace(member),
            Fault::Spare(member) => self.spare(member),
            Fault::Service(member, service) => self.set_service(member, service),
            Fault::Ready(member, ready) => self.set_ready(member, ready),
            Fault::Neighbour(member, is_there) => self.set_neighbour(member, is_there),
            Fault::Order(asked, to) => {
                self.order(asked, to);
            }
            Fault::Api(member, fault, scope) => self.set_api(member, Some((fault, scope))),
            Fault::Slow(member, latency) => self.slow_api(member, latency),
            Fault::Stall(member, stall) => self.stall(member, stall),
            Fault::LoseReply(member) => self.lose_reply(member),
            Fault::LandLate(member, late) => self.land_late(member, late),
            Fault::Forget(member, forget) => self.forget_results(member, forget),
            Fault::HealApi(member) => self.heal_api(member),
            Fault::ReadStale(lag) => self.read_stale(lag),
            Fault::ImdsLag(lag) => self.lag_imds(lag),
            Fault::Imds(member, answers) => self.set_imds(member, answers),
            Fault::Instance(member, state) => self.set_instance(member, state),
            Fault::Put(owner) => self.put_address(owner),
            Fault::ElasticPath(is_open) => self.set_elastic_path(is_open),
            Fault::ProbePath(is_open) => self.set_probe_path(is_open),
            Fault::Witnesses(are_on) => self.set_witnesses(are_on),
            Fault::WitnessPath(member, is_open) => self.set_witness_path(member, is_open),
            Fault::HoldFor(asked, length) => self.hold(asked, length),
            Fault::Leave(member) => {
                self.leave(member);
            }
            Fault::Join(member) => self.join(member),
            Fault::EndHost(member, does_end) => self.end_host(member, does_end.then_some(SPOT)),
            Fault::Stop(member) => self.stop(member),
            Fault::LoseDisk(member) => self.lose_disk(member),
            Fault::Reload(member, tuning) => self.reload(member, tuning),
        }
    }
}
