//! For how long conditions have held that invariants speak of.

use std::time::Duration;

use pair_core::{Fitness, HoldVersion, Instant, Link, Member};

use crate::{Owner, Service, World};

/// Since when each condition holds; `None` while it does not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Follow {
    /// Nothing is wrong with the network.
    pub(crate) network_calm: Option<Instant>,
    /// Some witness runs and reaches both members.
    pub(crate) has_witness: Option<Instant>,
    /// A member's host and agent run without a pause, and its service serves.
    pub(crate) well: [Option<Instant>; 2],
    /// A member runs, its calls are answered, and its IMDS speaks.
    can_know: [Option<Instant>; 2],
    /// A member hears its peer both ways, and knows that the peer holds the address.
    proven: [Option<Instant>; 2],
    /// The holder is dead, and the other one can take over.
    pub(crate) orphaned: Option<Instant>,
    /// A member that can know better is wrong about its own hold.
    pub(crate) wrong: [Option<Instant>; 2],
    /// When a member's last pause ended.
    pub(crate) resumed: [Option<Instant>; 2],
    /// When a member was last told other settings.
    pub(crate) reloaded: [Option<Instant>; 2],
    /// The newest hold that was asked of anybody, and until when it lasts by the clock of each host: whichever counts it down
    /// first tells the other (F-14). None that it lasts: it was ended, lost, or may have been overtaken.
    pub(crate) newest_hold: Option<(HoldVersion, Option<[Instant; 2]>)>,
}

impl World {
    /// Follows every condition over one step.
    pub(crate) fn follow_conditions(&mut self) {
        let mut follow = self.follow;
        let now = self.now;
        let track = |since: &mut Option<Instant>, holds: bool| {
            if holds {
                since.get_or_insert(now);
            } else {
                *since = None;
            }
        };
        track(&mut follow.network_calm, self.network.is_calm());
        track(&mut follow.has_witness, self.has_witness());
        for member in Member::BOTH {
            let place = member.index();
            let host = self.host(member);
            let is_running = host.is_running();
            let is_well = is_running && host.service == Service::Serving && !self.is_starved(host);
            track(&mut follow.well[place], is_well);
            let knows = is_running && host.has_imds && !host.forgets_results && self.ec2.is_well(member);
            track(&mut follow.can_know[place], knows);
            let is_proven = is_running && self.is_proven(member);
            track(&mut follow.proven[place], is_proven);
            let is_wrong = is_running && self.is_wrong_about_itself(member);
            let can_know = follow.can_know[place].is_some();
            track(&mut follow.wrong[place], can_know && is_wrong);
        }
        track(&mut follow.orphaned, self.is_orphaned(&self.follow));
        // What was proven before the death counts; the death itself ends the proof of today.
        if follow.orphaned.is_some() {
            follow.proven = self.follow.proven;
        }
        self.follow = follow;
    }

    /// How long `since` ago is; zero if the condition does not hold.
    pub(crate) fn lasting(&self, since: Option<Instant>) -> Duration {
        since.map_or(Duration::ZERO, |since| self.now.since(since))
    }

    fn is_proven(&self, member: Member) -> bool {
        let node = self.host(member).node.as_ref();
        self.owner() == Some(Owner::Member(member.peer()))
            && node.is_some_and(|node| node.link() == Link::Up && node.is_active() == Some(false))
    }

    fn is_wrong_about_itself(&self, member: Member) -> bool {
        let says = self.host(member).node.as_ref().and_then(pair_core::Node::is_active);
        says.is_some_and(|says| says != self.holds(member))
    }

    /// Whether the holder is dead, and the other one could take the address at once.
    fn is_orphaned(&self, before: &Follow) -> bool {
        let Some(Owner::Member(holder)) = self.owner() else {
            return false;
        };
        let (dead, standby) = (self.host(holder), self.host(holder.peer()));
        let is_dead =
            !dead.is_on || (dead.node.is_none() && !matches!(dead.service, Service::Serving | Service::Saturated));
        let place = standby.member.index();
        let can_take = standby.is_running()
            && standby.service.fitness() == Fitness::Fit
            && standby.has_place
            && !standby.has_neighbour
            && !standby.forgets_results
            && self.ec2.is_well(standby.member);
        let was_proven = before.orphaned.is_some() || self.lasting(before.proven[place]) >= PROVEN;
        is_dead && can_take && was_proven && !self.is_bound(standby.member)
    }

    /// Whether an order keeps a member from claims.
    fn is_bound(&self, member: Member) -> bool {
        let kept = self.host(member).kept;
        self.is_held()
            || kept.is_some_and(|kept| {
                let standing = kept.by(self.now);
                standing.is_leaving || standing.hold.is_some_and(|hold| !hold.remaining.is_zero())
            })
    }
}

/// How long a channel must have carried life to count as proven beyond doubt: the hands may have changed in between.
const PROVEN: Duration = Duration::from_secs(3);
