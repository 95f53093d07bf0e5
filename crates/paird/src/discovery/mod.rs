//! Members that are found and not configured: whoever bears the pair's tag in the zone of a node is that node.
//!
//! ```text
//!  at the start   IMDS: who am I ─► EC2: who bears the tag ─► roster ── member ──► the agent runs
//!                                          │ no answer          └────── spare ────► waits, and says so
//!                                          └─► what was found last, kept on disk
//!  while it runs  peer silent, or somebody with the pair's key knocks ─► EC2 again ─► another one at the peer's place?
//! ```
//!
//! What comes over the network makes a node ask, and never tells it whom to believe: the peer is who EC2 says it is. While the
//! peer is heard nothing is asked but once an hour, to tell of a third one. [`roster`] has the rule of who is a member.

mod doorbell;
mod kept;
mod pace;
pub mod roster;
mod search;
mod seeker;

use std::net::Ipv4Addr;
use std::sync::Arc;

use pair_core::{InstanceId, Member, Members, Place};
use pair_ec2::Tag;
use pair_wire::key::KeyRing;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, watch};
use tracing::warn;

use crate::config::{Config, NOWHERE};
use crate::news::News;

pub use roster::{Found, Outside, Roster};
pub use search::{Begun, Wanting, look, search};
pub use seeker::Need;

use doorbell::Doorbell;
use seeker::Seeker;

/// What was found, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who is who.
    pub roster: Roster,
    /// When EC2 said so, in milliseconds of Unix time.
    pub at_unix_ms: u64,
}

/// What the event loop knows of those that bear the tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// The tag.
    pub tag: Tag,
    /// Who is at the peer's place, as this node follows it.
    pub peer: Option<Found>,
    /// What was found last.
    pub last: Finding,
    /// Why nothing was found since.
    pub error: Option<String>,
}

/// How the event loop has EC2 asked.
#[derive(Debug)]
pub struct Prompt {
    /// How this node stands to its peer.
    pub need: watch::Sender<Need>,
    /// Wants it asked soon.
    pub soon: Arc<Notify>,
    /// The keys of those who may knock.
    pub ring: watch::Sender<KeyRing>,
}

/// Goes on asking for as long as the agent runs, on the runtime `elsewhere`; gives what the event loop works with. `None` if
/// the nodes are configured.
#[must_use]
pub fn go_on(begun: Begun, ring: &KeyRing, elsewhere: &Handle, tell: mpsc::Sender<News>) -> Option<(Company, Prompt)> {
    let Begun {
        config,
        me,
        finding,
        is_kept,
        ec2,
        instance_id,
    } = begun;
    let (me, finding, tag) = (me?, finding?, config.discovery.clone()?);
    let prompt = Prompt {
        need: watch::Sender::default(),
        soon: Arc::default(),
        ring: watch::Sender::new(ring.clone()),
    };
    let own = finding.roster.own.address().into();
    // Its readiness is that runtime's affair.
    let entered = elsewhere.enter();
    let names = config.addresses.iter().map(|address| config.heartbeat_name(address));
    let doorbell = Doorbell::open(own, config.heartbeat.port, names.collect(), me, prompt.ring.subscribe());
    drop(entered);
    if let Err(error) = &doorbell {
        warn!(%error, "a peer at another address is found by asking alone");
    }
    let zone = |member: Member| config.nodes[member.index()].zone.clone().unwrap_or_default();
    let seeker = Seeker {
        tag: tag.clone(),
        zones: [me, me.peer()].map(zone),
        instance_id,
        ec2,
        call_timeout: config.ec2.call_timeout,
        addresses: allocations(&config),
        folder: config.state_directory.clone(),
        doorbell: doorbell.ok(),
        need: prompt.need.subscribe(),
        soon: Arc::clone(&prompt.soon),
        tell,
    };
    elsewhere.spawn(seeker.run((!is_kept).then(|| finding.roster.clone())));
    let company = Company {
        tag,
        peer: finding.roster.peer.clone(),
        last: finding,
        error: None,
    };
    Some((company, prompt))
}

impl Config {
    /// This configuration with both nodes where they were found.
    #[must_use]
    pub fn with_places(mut self, me: Member, own: &Found, peer: Option<&Found>) -> Self {
        let places = [(me, Some(own)), (me.peer(), peer)];
        for (member, found) in places {
            self.nodes[member.index()].address = found.map_or(NOWHERE, Found::address).into();
            for address in &mut self.addresses {
                let lands = found.and_then(|found| landing(found, address.private_ip_index));
                address.private_ips.get_or_insert([NOWHERE; 2])[member.index()] = lands.unwrap_or(NOWHERE);
            }
        }
        self
    }
}

/// The tag and the allocation of each address that was found, in the order of the file.
fn allocations(config: &Config) -> Vec<(Tag, String)> {
    let found = config.addresses.iter();
    let found = found.filter_map(|address| Some((address.tag.clone()?, address.allocation_id.clone())));
    found.collect()
}

/// What the core is told of who was found.
#[must_use]
pub fn members(peer: Option<&Found>, roster: &Roster, private_ip_index: usize) -> Members {
    let others = roster.former.iter().chain(&roster.spares);
    let is_peer = |id: &&String| peer.is_some_and(|peer| peer.instance_id == **id);
    Members {
        peer: peer.map(|peer| Place {
            instance: InstanceId::of(&peer.instance_id),
            private_ip: landing(peer, private_ip_index).unwrap_or(NOWHERE).into(),
        }),
        former: others.filter(|id| !is_peer(id)).map(|id| InstanceId::of(id)).collect(),
    }
}

/// The private IP on which the address lands there; `None` if the instance has not so many.
#[must_use]
pub fn landing(found: &Found, index: usize) -> Option<Ipv4Addr> {
    found.private_ips.get(index).copied()
}

/// Whether the roster's peer is to be followed to its place.
///
/// Nobody is followed while the peer of so far is heard: that proves more than a list. While it holds the address, its
/// silence is what a takeover is built on, and its successor waits until EC2 says that it is down: then F-9 takes the address.
#[must_use]
pub fn is_followed(current: Option<&Found>, roster: &Roster, is_heard: bool, holds: bool) -> bool {
    let Some(next) = &roster.peer else { return false };
    match current {
        None => true,
        Some(current) if current == next => false,
        Some(current) if current.instance_id == next.instance_id => true,
        Some(current) => !is_heard && (!holds || roster.is_down(&current.instance_id)),
    }
}

/// A tag as people write it.
#[must_use]
pub fn tag(tag: &Tag) -> String {
    format!("{}={}", tag.key, tag.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, last: u8) -> Found {
        Found {
            instance_id: id.to_owned(),
            private_ips: vec![Ipv4Addr::new(10, 0, 2, last), Ipv4Addr::new(10, 0, 2, last + 1)],
        }
    }

    fn roster(peer: Option<Found>, spares: &[&str], former: &[&str]) -> Roster {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Roster {
            own: found("i-a", 1),
            peer,
            spares: owned(spares),
            former: owned(former),
        }
    }

    #[test]
    fn a_successor_is_followed_when_the_one_before_it_is_silent_and_has_nothing_to_lose() {
        let (old, new) = (found("i-b", 10), found("i-c", 20));
        let gone = roster(Some(new.clone()), &[], &["i-b"]);
        let (heard, holds) = (true, true);
        assert!(is_followed(Some(&old), &gone, !heard, !holds));
        assert!(
            is_followed(Some(&old), &gone, !heard, holds),
            "EC2 says that it is down"
        );
        assert!(
            !is_followed(Some(&old), &gone, heard, !holds),
            "it lives, whatever is listed"
        );
        let both = roster(Some(new), &["i-b"], &[]);
        assert!(
            !is_followed(Some(&old), &both, !heard, holds),
            "its silence is in question"
        );
        assert!(is_followed(Some(&old), &both, !heard, !holds));
    }

    #[test]
    fn the_first_one_is_followed_and_nobody_is_not() {
        let peer = found("i-b", 10);
        assert!(is_followed(None, &roster(Some(peer.clone()), &[], &[]), false, false));
        assert!(!is_followed(Some(&peer), &roster(None, &[], &["i-b"]), false, false));
        assert!(!is_followed(None, &roster(None, &[], &[]), false, false));
    }

    #[test]
    fn another_private_ip_of_the_same_instance_is_followed_at_once() {
        let mut more = found("i-b", 10);
        more.private_ips.push(Ipv4Addr::new(10, 0, 2, 99));
        let now = roster(Some(more), &[], &[]);
        assert!(is_followed(Some(&found("i-b", 10)), &now, true, true));
    }

    #[test]
    fn whoever_bears_the_tag_and_is_not_the_peer_is_no_stranger() {
        let peer = found("i-b", 10);
        let roster = roster(Some(found("i-c", 20)), &["i-b", "i-d"], &["i-e"]);
        let members = members(Some(&peer), &roster, 1);
        assert_eq!(members.former, ["i-e", "i-d"].map(InstanceId::of));
        let place = members.peer.unwrap();
        assert_eq!(place.private_ip, Ipv4Addr::new(10, 0, 2, 11));
    }

    #[test]
    fn both_nodes_are_put_where_they_were_found() {
        let text = "pair = \"lb-1\"\n[[node]]\nname = \"a\"\nzone = \"us-east-1a\"\n[[node]]\nname = \"b\"\n\
                    zone = \"us-east-1b\"\n[discovery]\ntag = \"paird:pair\"\n[[address]]\n\
                    tag = \"paird:pair\"\nprivate_ip_index = 1\n[check]\nnone = true\n[probe]\nnone = true\n\
                    [security]\ninsecure_no_key = true\n";
        let config = Config::parse("paird.toml", text).unwrap();
        let digest = config.digest();
        let placed = config.with_places(Member::Second, &found("i-b", 10), Some(&found("i-a", 1)));
        assert_eq!(placed.nodes[0].address, Ipv4Addr::new(10, 0, 2, 1));
        assert_eq!(placed.nodes[1].address, Ipv4Addr::new(10, 0, 2, 10));
        let lands = [Ipv4Addr::new(10, 0, 2, 2), Ipv4Addr::new(10, 0, 2, 11)];
        assert_eq!(placed.addresses[0].private_ips, Some(lands));
        assert_eq!(placed.digest(), digest, "what was found is not what the file says");
        let alone = placed.with_places(Member::Second, &found("i-b", 10), None);
        assert_eq!(alone.nodes[0].address, NOWHERE);
    }
}
