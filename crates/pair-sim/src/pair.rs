//! A pair with several addresses: a world for each, and what their cores have in common.
//!
//! ```text
//!               host A             host B
//!  address 1    Node ── network ── Node ──► register ──┐
//!  address 2    Node ── network ── Node ──► register ──┼──► one bucket of requests
//!                └─ one clock, one fate ─┘             │
//!  one virtual clock: the world whose next event is the earliest goes on
//! ```
//!
//! A daemon runs a core for each address, and no core knows of another (ARCHITECTURE, "A core for each address"). So each address is
//! a [`World`] as in every story, with its own nodes, heartbeats, register and every invariant. What is of the host, of the network
//! or of EC2's API strikes all of them at the same moment; what is of one address strikes that one ([`Fault::is_of_one_address`]).
//! A host has one clock and one daemon: that one ends when each of its cores may.

use std::{fmt, time::Duration};

use pair_core::{Instant, Member};

use crate::{Fault, Limits, Owner, Settings, Tally, Violation, World};

/// Two hosts with a core for each address on both of them.
#[derive(Debug)]
pub struct Pair {
    worlds: Vec<World>,
    now: Instant,
    seed: u64,
    /// The bucket of requests that all share, while no world has its turn; `None` if the account is far from its limits.
    limits: Option<Limits>,
}

impl Pair {
    /// A pair in which no agent runs yet and nobody holds anything: an address for each of the settings, which differ at most in
    /// which member is preferred. With one of them it is the world of that seed, throw for throw.
    #[must_use]
    pub fn dark(settings: &[Settings], seed: u64) -> Self {
        let seeds = (0_u64..).map(|number| seed ^ number.wrapping_mul(APART));
        let dark = settings
            .iter()
            .zip(seeds)
            .map(|(settings, seed)| World::dark(settings.clone(), seed));
        let mut worlds: Vec<World> = dark.collect();
        let ahead = Member::BOTH.map(|member| worlds[0].host(member).clock_ahead);
        let is_shared = worlds.len() > 1;
        for world in &mut worlds {
            world.is_shared = is_shared;
            for member in Member::BOTH {
                world.host_mut(member).clock_ahead = ahead[member.index()];
            }
        }
        Self {
            now: worlds[0].now(),
            worlds,
            seed,
            limits: None,
        }
    }

    /// The same with all agents started, for long enough that every channel is proven and each address is at its preferred member.
    #[must_use]
    pub fn settled(settings: &[Settings], seed: u64) -> Self {
        let mut pair = Self::dark(settings, seed);
        for member in Member::BOTH {
            pair.start(member);
        }
        pair.run_for(Duration::from_secs(15));
        assert!(pair.is_settled(), "two healthy nodes settle within 15 s\n{pair:#?}");
        pair
    }

    /// A pair at rest in which each member holds one address, and backs the other one up.
    #[must_use]
    pub fn mutual(settings: &Settings, seed: u64) -> Self {
        let preferred = |preferred| Settings {
            preferred,
            ..settings.clone()
        };
        Self::settled(&Member::BOTH.map(preferred), seed)
    }

    /// Records what happens from here on, to be shown with a violation.
    #[must_use]
    pub fn traced(mut self) -> Self {
        self.worlds = self.worlds.into_iter().map(World::traced).collect();
        self
    }

    /// Lets all addresses share the request limits of one account.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Lets time pass.
    ///
    /// # Panics
    /// If an invariant is violated.
    pub fn run_for(&mut self, time: Duration) {
        if let Err(violation) = self.try_run_for(time) {
            self.fail(&violation);
        }
    }

    /// Lets time pass until `condition` holds, and says how long that took; `None` if it was not within `limit`.
    ///
    /// # Panics
    /// If an invariant is violated.
    pub fn run_until(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> Option<Duration> {
        let began = self.now;
        let end = began + limit;
        loop {
            if condition(self) {
                return Some(self.now.since(began));
            }
            match self.step(end) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(violation) => self.fail(&violation),
            }
        }
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// The first invariant that is violated; the pair stands at that moment.
    pub fn try_run_for(&mut self, time: Duration) -> Result<(), Violation> {
        let end = self.now + time;
        while self.step(end)? {}
        Ok(())
    }

    /// Lets a fault strike: all that share what it is about, or the first address if it is of one.
    pub fn strike(&mut self, fault: Fault) {
        self.strike_at(0, fault);
    }

    /// Lets a fault strike; if it is of one address, that one.
    pub fn strike_at(&mut self, address: usize, fault: Fault) {
        self.meet();
        for world in self.struck(address, fault) {
            world.strike(fault);
        }
    }

    /// Lets a fault strike after a time, as [`Self::strike_at`] does.
    pub fn plan(&mut self, after: Duration, address: usize, fault: Fault) {
        self.meet();
        for world in self.struck(address, fault) {
            world.plan(after, fault);
        }
    }

    /// Starts the agent of a host that is on; nothing if it runs.
    pub fn start(&mut self, member: Member) {
        self.each(|world| world.start(member));
    }

    /// Kills a host with all that runs on it.
    pub fn crash_host(&mut self, member: Member) {
        self.each(|world| world.crash_host(member));
    }

    /// Starts a host that is off, with its service, and its agent; restarts an agent that runs.
    pub fn restart(&mut self, member: Member) {
        self.each(|world| world.restart(member));
    }

    /// Ends every fault: all is as on the first day, but for who holds what.
    pub fn make_well(&mut self) {
        self.each(World::make_well);
    }

    /// The world of one address.
    #[must_use]
    pub fn address(&self, address: usize) -> &World {
        &self.worlds[address]
    }

    /// The worlds of all addresses, in their order.
    #[must_use]
    pub fn addresses(&self) -> &[World] {
        &self.worlds
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// Who holds each address in truth.
    #[must_use]
    pub fn owners(&self) -> Vec<Option<Owner>> {
        self.worlds.iter().map(World::owner).collect()
    }

    /// How many claims there were for each address, by either member.
    #[must_use]
    pub fn claims(&self) -> Vec<usize> {
        self.worlds.iter().map(|world| world.claims().len()).collect()
    }

    /// Whether a running, fit member holds each address, both know it, and all links are up.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.worlds.iter().all(World::is_settled)
    }

    /// The request limits that all share.
    #[must_use]
    pub const fn limits(&self) -> Option<&Limits> {
        self.limits.as_ref()
    }

    /// What has happened so far to all addresses, in numbers.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut all = Tally::default();
        for world in &self.worlds {
            all.add(world.tally());
        }
        all
    }

    /// The trace so far, one address after the other.
    #[must_use]
    pub fn trace(&self) -> String {
        let told = self
            .worlds
            .iter()
            .zip(1..)
            .map(|(world, number)| match self.worlds.len() {
                1 => world.trace(),
                _ => format!("address {number}\n{}", world.trace()),
            });
        told.collect()
    }

    /// Lets the next thing happen if it is due by `limit`, else stops there and says so.
    fn step(&mut self, limit: Instant) -> Result<bool, Violation> {
        let turns = self.worlds.iter().enumerate();
        let next = turns
            .filter_map(|(index, world)| Some((world.agenda.next_at()?, index)))
            .min();
        let Some((at, index)) = next.filter(|(at, _)| *at <= limit) else {
            self.now = self.now.max(limit);
            self.meet();
            return Ok(false);
        };
        self.now = self.now.max(at);
        let world = &mut self.worlds[index];
        std::mem::swap(world.ec2.limits(), &mut self.limits);
        let stepped = world.step(at);
        std::mem::swap(world.ec2.limits(), &mut self.limits);
        stepped.map_err(|violation| self.of_address(index, violation))?;
        self.end_daemons();
        Ok(true)
    }

    /// Ends each daemon all of whose cores may stop.
    fn end_daemons(&mut self) {
        for member in Member::BOTH {
            if self.worlds.iter().all(|world| world.host(member).may_stop) {
                self.each(|world| world.crash(member));
            }
        }
    }

    /// Does the same to each address at the same moment.
    fn each(&mut self, act: impl FnMut(&mut World)) {
        self.meet();
        self.worlds.iter_mut().for_each(act);
    }

    /// Lets it be the same time in all worlds: nothing was due in between.
    fn meet(&mut self) {
        for world in &mut self.worlds {
            world.now = world.now.max(self.now);
        }
    }

    /// The worlds that a fault strikes.
    fn struck(&mut self, address: usize, fault: Fault) -> &mut [World] {
        if fault.is_of_one_address() {
            &mut self.worlds[address..=address]
        } else {
            &mut self.worlds
        }
    }

    fn of_address(&self, index: usize, violation: Violation) -> Violation {
        if self.worlds.len() == 1 {
            return violation;
        }
        Violation {
            seen: format!("address {}: {}", index + 1, violation.seen),
            ..violation
        }
    }

    fn fail(&self, violation: &impl fmt::Display) -> ! {
        panic!("seed {}: {violation}\n{}", self.seed, self.trace())
    }
}

/// Keeps the seeds of addresses apart: the golden ratio, as in `Dice`.
const APART: u64 = 0x9e37_79b9_7f4a_7c15;
