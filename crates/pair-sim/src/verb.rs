//! The verbs with which a test acts upon the world.

use std::{collections::VecDeque, time::Duration};

use pair_core::{Ending, Input, InstanceState, Member, Node, OrderId};

use crate::{
    ApiFault, Fault, Owner, Scope, Service, Tuning, World, agenda::Happening, found::FINDING_TAKES, host::Pause,
    world::Witnessed,
};

/// Agents and hosts.
impl World {
    /// Starts the agent of a host that is on; nothing if it runs.
    pub fn start(&mut self, member: Member) {
        if self.host(member).node.is_some() || !self.host(member).is_on {
            return;
        }
        self.trace.note(self.now, || format!("start {member:?}"));
        let (seed, now) = (self.dice.number(), self.now);
        let config = self.settings.tuned(self.host(member).tuning).config(member);
        let config = self.ec2.placed(config);
        let host = self.host_mut(member);
        host.run += 1;
        host.paused = None;
        host.node = Some(Node::new(config, seed, host.local(now)));
        let (run, at) = (host.run, member);
        let ready = host.ready;
        self.witnessed[member.index()] = Witnessed::default();
        self.follow.reloaded[member.index()] = None;
        self.find(member, run);
        self.identify(member, run);
        let soon = self.now + Duration::from_millis(5);
        self.agenda.put(soon, Happening::AskImds { at, run });
        let check = Happening::Check { at, run, again: true };
        self.agenda.put(soon, check);
        let input = Input::Readiness(ready);
        let readiness = Happening::Reach { at, run, input };
        self.agenda.put(soon, readiness);
        let is_there = self.host(member).has_neighbour;
        let input = Input::Neighbour { is_there };
        self.agenda.put(soon, Happening::Reach { at, run, input });
        if let Some(ending) = self.host(member).ending {
            let input = Input::HostEnds(Some(ending));
            self.agenda.put(soon, Happening::Reach { at, run, input });
        }
        if let Some(kept) = self.host(member).kept {
            let input = Input::Restored(kept.by(self.now));
            self.handle(member, input);
        }
        self.wake(member);
    }

    /// Kills the agent; its service and its host live on.
    pub fn crash(&mut self, member: Member) {
        self.trace.note(self.now, || format!("crash {member:?}"));
        let host = self.host_mut(member);
        host.node = None;
        host.paused = None;
        host.calls.clear();
        host.questions.clear();
        host.wins.clear();
        host.may_stop = false;
        host.run += 1;
        self.disturbed_at = self.now;
    }

    /// Kills the host with all that runs on it. EC2 goes on saying that its instance runs.
    pub fn crash_host(&mut self, member: Member) {
        self.crash(member);
        self.host_mut(member).is_on = false;
    }

    /// Starts a host that is off, with its service, and its agent; restarts an agent that runs.
    pub fn restart(&mut self, member: Member) {
        self.crash(member);
        let host = self.host_mut(member);
        if !host.is_on {
            host.is_on = true;
            host.service = Service::Serving;
        }
        self.start(member);
    }

    /// Stops the agent's process. What reaches it waits.
    pub fn pause(&mut self, member: Member) {
        self.hold_up(member, true);
    }

    /// Stops the whole machine. Datagrams that reach it are lost.
    pub fn suspend(&mut self, member: Member) {
        self.hold_up(member, false);
    }

    /// Lets a paused or suspended host go on.
    pub fn resume(&mut self, member: Member) {
        self.trace.note(self.now, || format!("resume {member:?}"));
        self.disturbed_at = self.now;
        self.follow.resumed[member.index()] = Some(self.now);
        self.catch_up(member);
    }

    /// Lets wake-ups of a host come late by up to this time.
    pub fn starve(&mut self, member: Member, late: Duration) {
        self.disturbed_at = self.now;
        self.host_mut(member).wake_late = late;
    }

    /// Moves a host's clock forward.
    pub fn jump_clock(&mut self, member: Member, ahead: Duration) {
        self.trace
            .note(self.now, || format!("clock of {member:?} jumps {ahead:?} ahead"));
        self.host_mut(member).clock_ahead += ahead;
        self.disturbed_at = self.now;
    }

    /// Changes how a service does. A process that ends is noticed at once, the rest by the next check.
    pub fn set_service(&mut self, member: Member, service: Service) {
        self.trace
            .note(self.now, || format!("service of {member:?} is {service:?}"));
        self.host_mut(member).service = service;
        self.disturbed_at = self.now;
        if service == Service::Gone {
            let (at, run) = (member, self.host(member).run);
            let check = Happening::Check { at, run, again: false };
            self.agenda.put(self.now + Duration::from_millis(2), check);
        }
    }

    /// Changes whether a node has proven that it can take over.
    pub fn set_ready(&mut self, member: Member, ready: bool) {
        let host = self.host_mut(member);
        host.ready = ready;
        let (at, run) = (member, host.run);
        let input = Input::Readiness(ready);
        self.agenda.put(self.now, Happening::Reach { at, run, input });
    }

    /// Changes whether a host has the private IP on which the address lands.
    pub fn set_place(&mut self, member: Member, has_place: bool) {
        self.host_mut(member).has_place = has_place;
        let run = self.host(member).run;
        self.identify(member, run);
    }

    /// Somebody puts another address on the private IP on which the pair's would land, or takes it away again.
    pub fn set_neighbour(&mut self, member: Member, is_there: bool) {
        let host = self.host_mut(member);
        host.has_neighbour = is_there;
        let (at, run) = (member, host.run);
        let input = Input::Neighbour { is_there };
        self.agenda.put(self.now, Happening::Reach { at, run, input });
    }

    /// AWS says that it takes a host away, or that it does not any more; an agent that starts is told the same.
    pub fn end_host(&mut self, member: Member, ending: Option<Ending>) {
        self.trace
            .note(self.now, || format!("AWS takes {member:?}: {ending:?}"));
        let host = self.host_mut(member);
        host.ending = ending;
        let (at, run) = (member, host.run);
        let input = Input::HostEnds(ending);
        self.agenda.put(self.now, Happening::Reach { at, run, input });
    }

    /// Orders a node to move the address.
    pub fn order(&mut self, asked: Member, to: Member) -> OrderId {
        self.order_with(asked, to, false)
    }

    /// Orders a node to move the address, be the other one ready or not.
    pub fn order_by_force(&mut self, asked: Member, to: Member) -> OrderId {
        self.order_with(asked, to, true)
    }

    fn order_with(&mut self, asked: Member, to: Member, force: bool) -> OrderId {
        let id = OrderId(self.next_order);
        self.next_order += 1;
        self.trace
            .note(self.now, || format!("order {id:?} to {asked:?}: move to {to:?}"));
        let (at, run) = (asked, self.host(asked).run);
        let input = Input::Order { id, to, force };
        self.agenda.put(self.now, Happening::Reach { at, run, input });
        id
    }

    /// Begins to record every heartbeat that is sent.
    pub fn record(&mut self) {
        self.tape = Some(Vec::new());
    }

    /// Hands an input to a node as it is: for what no honest world would send.
    pub fn inject(&mut self, member: Member, input: Input) {
        self.handle(member, input);
    }

    /// Terminates a member's instance and puts another one in its place, with a disk of its own. An address that the old one
    /// holds stays with it.
    pub fn replace(&mut self, member: Member) {
        self.trace.note(self.now, || format!("{member:?} is replaced"));
        self.crash_host(member);
        self.lose_disk(member);
        self.ec2.replace(self.now, member);
        let host = self.host_mut(member);
        host.first_run = host.run + 1;
        self.restart(member);
        let at = member.peer();
        let run = self.host(at).run;
        self.agenda.put(self.now + FINDING_TAKES, Happening::Find { at, run });
    }

    /// Starts another instance that bears the tag beside a member. Its agent waits and claims nothing; both nodes are told of it,
    /// and the next replacement of that member is this one.
    pub fn spare(&mut self, member: Member) {
        self.trace
            .note(self.now, || format!("another instance beside {member:?}"));
        self.ec2.add_spare(member);
        for at in Member::BOTH {
            let run = self.host(at).run;
            self.agenda.put(self.now + FINDING_TAKES, Happening::Find { at, run });
        }
    }

    fn hold_up(&mut self, member: Member, keeps_datagrams: bool) {
        if !self.host(member).is_running() {
            return;
        }
        self.trace.note(self.now, || {
            format!("pause {member:?}, sockets keep: {keeps_datagrams}")
        });
        self.disturbed_at = self.now;
        self.host_mut(member).paused = Some(Pause {
            keeps_datagrams,
            datagrams: VecDeque::new(),
            results: VecDeque::new(),
        });
    }
}

/// The network.
impl World {
    /// Cuts both directions.
    pub fn partition(&mut self) {
        Member::BOTH.into_iter().for_each(|from| self.partition_oneway(from));
    }

    /// Cuts the way from one member to the other.
    pub fn partition_oneway(&mut self, from: Member) {
        self.trace.note(self.now, || format!("cut from {from:?}"));
        self.network.cut(from);
        self.disturbed_at = self.now;
    }

    /// Mends every cut, loss and duplication, and the ways to witnesses.
    pub fn heal(&mut self) {
        self.trace.note(self.now, || "heal".to_owned());
        self.disturbed_at = self.now;
        for from in Member::BOTH {
            self.network.mend(from);
            self.network.lose(from, 0);
            self.network.duplicate(from, 0);
            self.network.delay(from, self.settings.delay.0, self.settings.delay.1);
            self.set_witness_path(from, true);
        }
    }

    /// Loses datagrams at random in both directions.
    pub fn lose_datagrams(&mut self, percent: u8) {
        Member::BOTH
            .into_iter()
            .for_each(|from| self.network.lose(from, percent));
        self.disturbed_at = self.now;
    }

    /// Loses datagrams at random on the way from one member to the other.
    pub fn lose_oneway(&mut self, from: Member, percent: u8) {
        self.network.lose(from, percent);
        self.disturbed_at = self.now;
    }

    /// Loses datagrams in bursts in both directions: so many percent over time, so many at a time on average.
    pub fn lose_in_bursts(&mut self, percent: u8, burst: u8) {
        Member::BOTH
            .into_iter()
            .for_each(|from| self.network.lose_in_bursts(from, percent, burst));
        self.disturbed_at = self.now;
    }

    /// Doubles datagrams at random in both directions.
    pub fn duplicate_datagrams(&mut self, percent: u8) {
        Member::BOTH
            .into_iter()
            .for_each(|from| self.network.duplicate(from, percent));
    }

    /// Delays datagrams in both directions, each by a time of its own, so that they overtake each other.
    pub fn delay_datagrams(&mut self, least: Duration, most: Duration) {
        Member::BOTH
            .into_iter()
            .for_each(|from| self.network.delay(from, least, most));
        self.disturbed_at = self.now;
    }

    /// Opens or closes the way from each node to the Elastic IP.
    pub const fn set_elastic_path(&mut self, is_open: bool) {
        self.elastic_path = is_open;
    }

    /// Opens or closes the way of probes to the other node's private address.
    pub const fn set_probe_path(&mut self, is_open: bool) {
        self.probe_path = is_open;
    }

    /// Cuts a host off from its peer, from EC2, from the Elastic IP and from every witness.
    pub fn isolate(&mut self, member: Member) {
        self.partition();
        self.set_witness_path(member, false);
        self.black_hole(member);
    }
}

/// EC2.
impl World {
    /// Makes EC2 refuse a member's claims.
    pub fn deny(&mut self, member: Member) {
        self.set_api(member, Some((ApiFault::Denied, Scope::Claims)));
    }

    /// Makes EC2 throttle all calls of a member.
    pub fn throttle(&mut self, member: Member) {
        self.set_api(member, Some((ApiFault::Throttled, Scope::All)));
    }

    /// Makes all calls of a member vanish.
    pub fn black_hole(&mut self, member: Member) {
        self.set_api(member, Some((ApiFault::BlackHole, Scope::All)));
    }

    /// Treats a member's calls as they should be, or with a fault.
    pub fn set_api(&mut self, member: Member, fault: Option<(ApiFault, Scope)>) {
        self.trace.note(self.now, || format!("API of {member:?}: {fault:?}"));
        self.ec2.door(member).fault = fault;
    }

    /// Makes a member's calls take this long.
    pub const fn slow_api(&mut self, member: Member, latency: Duration) {
        self.ec2.door(member).latency = (latency, latency);
    }

    /// Lets requests of a member wait in their host before they leave.
    pub const fn stall(&mut self, member: Member, stall: Duration) {
        self.ec2.door(member).stall = stall;
    }

    /// Applies the next claim of a member and loses the reply.
    pub const fn lose_reply(&mut self, member: Member) {
        self.ec2.door(member).lose_replies += 1;
    }

    /// Lets the next claim of a member land this late.
    pub const fn land_late(&mut self, member: Member, late: Duration) {
        self.ec2.door(member).late_landing = Some(late);
    }

    /// Keeps the end of every call from a member's node, as a thread would that has died.
    pub const fn forget_results(&mut self, member: Member, forget: bool) {
        self.host_mut(member).forgets_results = forget;
    }

    /// Makes a member's calls work again.
    pub fn heal_api(&mut self, member: Member) {
        let latency = self.settings.api_latency;
        let door = self.ec2.door(member);
        door.fault = None;
        door.lose_replies = 0;
        door.late_landing = None;
        door.stall = Duration::ZERO;
        door.latency = latency;
    }

    /// Makes EC2's reads lag behind the truth.
    pub fn read_stale(&mut self, lag: Duration) {
        self.stale_by = lag;
        self.longest_stale = self.longest_stale.max(lag);
        self.ec2.set_stale_by(lag);
    }

    /// Changes what EC2 says of a member's instance.
    pub const fn set_instance(&mut self, member: Member, state: InstanceState) {
        self.ec2.set_instance(member, state);
    }

    /// Somebody outside of the pair moves the address, or drops it.
    pub fn put_address(&mut self, owner: Option<Owner>) {
        self.trace
            .note(self.now, || format!("somebody puts the address: {owner:?}"));
        self.ec2.put(self.now, owner);
    }
}

/// Instance metadata.
impl World {
    /// Lets IMDS show what was so long ago.
    pub fn lag_imds(&mut self, lag: Duration) {
        self.imds_lag = lag;
        self.longest_imds_lag = self.longest_imds_lag.max(lag);
    }

    /// Lets a member's IMDS answer or not.
    pub const fn set_imds(&mut self, member: Member, answers: bool) {
        self.host_mut(member).has_imds = answers;
    }
}

/// Schedules.
impl World {
    /// Lets a fault strike after a time.
    pub fn plan(&mut self, after: Duration, fault: Fault) {
        self.agenda.put(self.now + after, Happening::Strike(fault));
    }

    /// Ends every fault: all is as on the first day, but for who holds the address.
    pub fn make_well(&mut self) {
        self.heal();
        self.set_witnesses(true);
        self.read_stale(Duration::ZERO);
        self.set_elastic_path(true);
        self.set_probe_path(self.settings.probes_arrive);
        self.lag_imds(self.settings.imds_lag);
        for member in Member::BOTH {
            self.heal_api(member);
            self.forget_results(member, false);
            self.set_imds(member, true);
            self.starve(member, self.settings.wake_late);
            self.set_instance(member, InstanceState::Running { unreachable: false });
            if self.host(member).paused.is_some() {
                self.resume(member);
            }
            if !self.host(member).is_on {
                self.restart(member);
            }
            self.start(member);
            self.set_service(member, Service::Serving);
            self.set_ready(member, true);
            self.set_neighbour(member, false);
            if self.host(member).ending.is_some() {
                self.end_host(member, None);
            }
            self.join(member);
            self.end_hold(member);
            self.reload(member, Tuning::Own);
        }
        if !matches!(self.owner(), Some(Owner::Member(_))) {
            self.put_address(None);
        }
    }
}
