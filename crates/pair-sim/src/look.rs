//! What can be seen of the world.

use std::time::Duration;

use pair_core::{Event, Heartbeat, Holder, Instant, Link, Member, OrderId, OrderOutcome, View};

use crate::{Claim, Ec2, Host, Network, Owner, Request, Service, Settings, Tally, World};

impl World {
    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// What the world was built with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// One of the two hosts.
    #[must_use]
    pub const fn host(&self, member: Member) -> &Host {
        &self.hosts[member.index()]
    }

    /// EC2.
    #[must_use]
    pub const fn ec2(&self) -> &Ec2 {
        &self.ec2
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Who holds the address in truth.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        self.ec2.owner()
    }

    /// Whether `member` holds the address in truth.
    #[must_use]
    pub fn holds(&self, member: Member) -> bool {
        self.owner() == Some(Owner::Member(member))
    }

    /// What a node knows.
    ///
    /// # Panics
    /// If its agent does not run.
    #[must_use]
    pub fn view(&self, member: Member) -> View {
        let host = self.host(member);
        let node = host.node().expect("a view needs an agent that runs");
        node.view(host.local(self.now))
    }

    /// Every claim that left a node, oldest first.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The claims that EC2 saw, oldest first.
    #[must_use]
    pub fn claim_requests(&self) -> Vec<&Request> {
        self.ec2.log().iter().filter(|request| request.is_claim()).collect()
    }

    /// How often the address changed hands by a request of the pair.
    #[must_use]
    pub fn moves(&self) -> usize {
        self.ec2.log().iter().filter(|request| request.is_move()).count()
    }

    /// Whether one running, fit member holds the address, both know it, and both links are up.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let Some(Owner::Member(owner)) = self.owner() else {
            return false;
        };
        Member::BOTH.into_iter().all(|member| {
            self.host(member).is_running() && {
                let view = self.view(member);
                view.link == Link::Up
                    && view.fact.is_some_and(|fact| fact.holder == Holder::Member(owner))
                    && self.host(member).claims_in_flight() == 0
            }
        })
    }

    /// Whether an agent ever told an event that `is_it`.
    #[must_use]
    pub fn told(&self, member: Member, is_it: impl Fn(&Event) -> bool) -> bool {
        self.host(member).events().iter().any(|(_, event)| is_it(event))
    }

    /// How an order ended, if it has.
    #[must_use]
    pub fn outcome(&self, order: OrderId) -> Option<OrderOutcome> {
        let outcomes = self.hosts.iter().flat_map(Host::outcomes);
        outcomes
            .filter(|(id, _)| *id == order)
            .map(|(_, outcome)| *outcome)
            .next()
    }

    /// The claims of the present step.
    #[must_use]
    pub fn new_claims(&self) -> &[Claim] {
        &self.claims[self.claims_checked..]
    }

    /// Whether the preferred member may yet take the address back by itself.
    #[must_use]
    pub fn wants_back(&self) -> bool {
        self.settings.preempt_delay.is_some()
    }

    /// Whether a hold that was asked of either node is in force.
    #[must_use]
    pub fn is_held(&self) -> bool {
        Member::BOTH.into_iter().any(|member| self.is_held_at(member))
    }

    /// Whether a hold that was asked of this very node is in force.
    #[must_use]
    pub fn is_held_at(&self, member: Member) -> bool {
        let Some((version, Some(until))) = self.follow.newest_hold else {
            return false;
        };
        let mut hosts = self.hosts.iter().zip(until);
        version.by == member && hosts.all(|(host, until)| host.local(self.now) < until)
    }

    /// How far behind the truth EC2's reads are.
    #[must_use]
    pub const fn stale_by(&self) -> Duration {
        self.stale_by
    }

    /// A timer that was due again at once after a wake-up, if there was one.
    #[must_use]
    pub fn stuck_timer(&self) -> Option<&str> {
        self.stuck.as_deref()
    }

    /// How many wake-ups and calls the present second has seen.
    #[must_use]
    pub const fn work_in_this_second(&self) -> (u32, u32) {
        (self.work.wakes, self.work.calls)
    }

    /// The heartbeats that `from` has sent since recording began, and when.
    pub fn recorded(&self, from: Member) -> impl Iterator<Item = &(Instant, Heartbeat)> {
        let tape = self.tape.iter().flatten();
        tape.filter(move |(_, heartbeat)| heartbeat.prefix.sender == from)
    }

    /// What has happened so far, in numbers.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The trace so far.
    #[must_use]
    pub fn trace(&self) -> String {
        self.trace.to_string()
    }

    /// Whether a host's wake-ups come later than they should.
    pub(crate) fn is_starved(&self, host: &Host) -> bool {
        host.wake_late > self.settings.wake_late
    }

    /// Whether nothing is wrong with network, hosts and services. The API may still fail: that is no reason to claim (F-12).
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.network.is_calm()
            && self
                .hosts
                .iter()
                .all(|host| host.is_running() && host.service == Service::Serving && !self.is_starved(host))
    }
}
