//! Who of those that bear the tag is a member of the pair.
//!
//! A pair is in two availability zones, and the zone says which member an instance is: that is so over every replacement, it is
//! the same to both nodes, and an autoscaling group of two does it by itself. In each zone **the member is who has run the
//! longest** of those that bear the tag (at the same second, who has the lower id). EC2 counts from the last start of an instance,
//! so whoever stops or ends loses its place for good to the next one, and whoever comes while the member runs is a spare: it
//! claims nothing and waits. Both nodes and the spare itself read the same list, so they agree without a word between them.
//!
//! ```text
//!  bears the tag ── runs ── in a zone of the pair ── longest there → member    else → spare
//!               │       └── in another zone → spare
//!               └── stopped, terminated, or on the way → former member: what it holds, the pair held (F-9)
//! ```

use std::fmt::{self, Display, Formatter};
use std::net::Ipv4Addr;

use pair_ec2::TaggedInstance;
use serde::{Deserialize, Serialize};

/// A member, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Its instance.
    pub instance_id: String,
    /// The private addresses of its first interface, the primary one first; never empty.
    pub private_ips: Vec<Ipv4Addr>,
}

impl Found {
    /// Where its heartbeats come from and go to.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.private_ips[0]
    }
}

/// As people are told: the instance, and its address.
impl Display for Found {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}", self.instance_id, self.address())
    }
}

/// Who is who, as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// This node.
    pub own: Found,
    /// The other member; `None` while nobody runs in its zone.
    pub peer: Option<Found>,
    /// Who bears the tag, runs, and is no member.
    pub spares: Vec<String>,
    /// Who bears the tag and does not run, the one that was started last first.
    pub former: Vec<String>,
}

impl Roster {
    /// Whether an instance has ended for good or does not run: whoever comes in its place need not wait for it.
    #[must_use]
    pub fn is_down(&self, instance_id: &str) -> bool {
        let is = |known: &String| known == instance_id;
        let is_alive = self.spares.iter().any(is) || self.peer.as_ref().is_some_and(|peer| is(&peer.instance_id));
        !is_alive
    }
}

/// Why a node is no member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// Another instance of its zone has run for longer.
    Spare {
        /// Who is the member there.
        member: String,
        /// That zone.
        zone: String,
    },
    /// EC2 does not list it among those that bear the tag: it lacks the tag, or has had it for moments only.
    Untagged,
    /// EC2 says that it is about to stop or to end.
    Ending,
}

/// Sorts those that bear the tag, for the instance `own` in the zone `zones[0]`, whose peer is in `zones[1]`.
///
/// # Errors
/// If that instance is no member.
pub fn sort(tagged: &[TaggedInstance], own: &str, zones: [&str; 2]) -> Result<Roster, Outside> {
    let mut tagged: Vec<&TaggedInstance> = tagged.iter().collect();
    tagged.sort_by_key(|instance| (instance.launched_at_s, instance.instance_id.clone()));
    let myself = tagged.iter().find(|instance| instance.instance_id == own);
    let myself = myself.ok_or(Outside::Untagged)?;
    if !has_place(myself) {
        return Err(Outside::Ending);
    }
    let member_of = |zone: &str| {
        let mut there = tagged.iter().filter(|instance| instance.availability_zone == zone);
        there.find(|instance| has_place(instance)).copied()
    };
    let [own_zone, peer_zone] = zones;
    if let Some(member) = member_of(own_zone).filter(|member| member.instance_id != own) {
        return Err(Outside::Spare {
            member: member.instance_id.clone(),
            zone: own_zone.to_owned(),
        });
    }
    let peer = member_of(peer_zone);
    let others = tagged.iter().rev().filter(|instance| {
        let is_peer = peer.is_some_and(|peer| peer.instance_id == instance.instance_id);
        instance.instance_id != own && !is_peer
    });
    let (spares, former): (Vec<_>, Vec<_>) = others.partition(|instance| instance.is_alive());
    let ids = |instances: Vec<&&TaggedInstance>| instances.iter().map(|one| one.instance_id.clone()).collect();
    Ok(Roster {
        own: found(myself),
        peer: peer.map(found),
        spares: ids(spares),
        former: ids(former),
    })
}

/// Whether it runs, with an address to be spoken to.
fn has_place(instance: &TaggedInstance) -> bool {
    instance.is_alive() && !instance.private_ips.is_empty()
}

fn found(instance: &TaggedInstance) -> Found {
    Found {
        instance_id: instance.instance_id.clone(),
        private_ips: instance.private_ips.clone(),
    }
}

#[cfg(test)]
mod tests {
    use pair_ec2::InstanceState;

    use super::*;

    const ZONES: [&str; 2] = ["us-east-1a", "us-east-1b"];
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Terminated};

    fn instance(id: &str, zone: usize, launched_at_s: i64, state: InstanceState) -> TaggedInstance {
        let last = id.bytes().last().unwrap();
        TaggedInstance {
            instance_id: id.to_owned(),
            availability_zone: ["us-east-1a", "us-east-1b", "us-east-1c"][zone].to_owned(),
            state,
            launched_at_s,
            private_ips: if state == Terminated {
                Vec::new()
            } else {
                vec![Ipv4Addr::new(10, 0, zone as u8, last)]
            },
        }
    }

    fn peer_of(tagged: &[TaggedInstance]) -> Option<String> {
        let roster = sort(tagged, "i-a", ZONES).unwrap();
        roster.peer.map(|peer| peer.instance_id)
    }

    #[test]
    fn the_one_in_each_zone_is_the_member_there() {
        let tagged = [instance("i-b", 1, 20, Running), instance("i-a", 0, 10, Running)];
        let roster = sort(&tagged, "i-a", ZONES).unwrap();
        assert_eq!(roster.own.address(), Ipv4Addr::new(10, 0, 0, b'a'));
        assert_eq!(roster.peer.unwrap().instance_id, "i-b");
        let other = sort(&tagged, "i-b", [ZONES[1], ZONES[0]]).unwrap();
        assert_eq!(other.peer.unwrap().instance_id, "i-a");
    }

    #[test]
    fn a_replaced_instance_is_the_member_once_the_one_before_it_is_on_its_way_down() {
        let a = instance("i-a", 0, 10, Running);
        for state in [Pending, Running] {
            let tagged = [
                a.clone(),
                instance("i-b", 1, 20, state),
                instance("i-c", 1, 30, Running),
            ];
            assert_eq!(peer_of(&tagged).as_deref(), Some("i-b"));
            let outside = sort(&tagged, "i-c", [ZONES[1], ZONES[0]]);
            let member = "i-b".to_owned();
            let zone = ZONES[1].to_owned();
            assert_eq!(outside, Err(Outside::Spare { member, zone }));
        }
        for state in [ShuttingDown, Stopped, Terminated] {
            let tagged = [
                a.clone(),
                instance("i-b", 1, 20, state),
                instance("i-c", 1, 30, Pending),
            ];
            assert_eq!(peer_of(&tagged).as_deref(), Some("i-c"));
            assert_eq!(sort(&tagged, "i-a", ZONES).unwrap().former, ["i-b"]);
            assert!(sort(&tagged, "i-c", [ZONES[1], ZONES[0]]).is_ok());
        }
    }

    /// EC2 counts from the new start, so the one that came meanwhile stays.
    #[test]
    fn who_was_stopped_and_starts_again_comes_after_the_one_in_its_place() {
        let tagged = [
            instance("i-a", 0, 10, Running),
            instance("i-b", 1, 40, Running),
            instance("i-c", 1, 30, Running),
        ];
        assert_eq!(peer_of(&tagged).as_deref(), Some("i-c"));
        assert_eq!(sort(&tagged, "i-a", ZONES).unwrap().spares, ["i-b"]);
    }

    #[test]
    fn of_two_that_were_started_in_the_same_second_every_node_chooses_the_same() {
        let mut tagged = [
            instance("i-c", 1, 20, Running),
            instance("i-a", 0, 20, Running),
            instance("i-b", 1, 20, Running),
        ];
        for _ in 0..3 {
            tagged.rotate_left(1);
            assert_eq!(peer_of(&tagged).as_deref(), Some("i-b"));
        }
    }

    #[test]
    fn a_third_one_is_no_member_wherever_it_is() {
        let tagged = [
            instance("i-a", 0, 30, Running),
            instance("i-b", 1, 30, Running),
            instance("i-d", 1, 31, Running),
            instance("i-c", 2, 10, Running),
        ];
        let roster = sort(&tagged, "i-a", ZONES).unwrap();
        assert_eq!(roster.peer.as_ref().unwrap().instance_id, "i-b");
        assert_eq!(roster.spares, ["i-d", "i-c"]);
        assert!(!roster.is_down("i-b") && !roster.is_down("i-c"));
    }

    #[test]
    fn while_nobody_runs_in_the_other_zone_there_is_no_peer() {
        let tagged = [instance("i-a", 0, 30, Running), instance("i-b", 1, 30, Terminated)];
        let roster = sort(&tagged, "i-a", ZONES).unwrap();
        assert_eq!(roster.peer, None);
        assert_eq!(roster.former, ["i-b"]);
        assert!(roster.is_down("i-b") && roster.is_down("i-unknown"));
    }

    #[test]
    fn a_list_without_oneself_is_no_list() {
        let tagged = [instance("i-b", 1, 30, Running)];
        assert_eq!(sort(&tagged, "i-a", ZONES), Err(Outside::Untagged));
        let tagged = [instance("i-a", 0, 30, ShuttingDown)];
        assert_eq!(sort(&tagged, "i-a", ZONES), Err(Outside::Ending));
    }
}
