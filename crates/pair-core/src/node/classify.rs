//! Says whose an association is (F-1, F-9).
//!
//! ```text
//!  this node's interface ── its private IP → this node          another IP → misplaced
//!  this node's instance ─── another interface → misplaced
//!  configured:  a former member's instance → former     the peer's private IP → the peer, unless another instance has it
//!  found:       the peer's instance and private IP → the peer     another IP → misplaced     who bears the tag → former
//!  anything else → a stranger
//! ```

use super::Node;
use crate::{Association, Holder, InstanceId, Members, config::MOST_FORMER, running::RunTime};

impl Node {
    /// Takes in who is at the peer's place, where that is found and not configured.
    pub(super) fn hear_members(&mut self, run: RunTime, mut members: Members) {
        members.former.truncate(MOST_FORMER);
        if self.members.as_ref() == Some(&members) {
            return;
        }
        self.members = Some(members);
        // What was read before was judged by what was known before: the address may be with an instance that is gone.
        self.reads.want_now(run);
    }

    /// Says whose an association is.
    pub(super) fn classify(&self, association: Option<&Association>) -> Holder {
        let Some(held) = association else { return Holder::Nobody };
        let me = self.config.me;
        let own_ip = self.config.private_ips[me.index()];
        let own = self.identity.as_ref();
        let on_own_interface = own
            .and_then(|own| own.interface.as_ref())
            .map(|interface| *interface == held.interface);
        let on_own_instance = own.is_some_and(|own| held.instance.as_ref() == Some(&own.instance));
        match on_own_interface {
            Some(true) | None if held.private_ip == own_ip => Holder::Member(me),
            Some(true) => Holder::Misplaced(me),
            Some(false) | None if on_own_instance => Holder::Misplaced(me),
            Some(false) | None => match &self.members {
                Some(members) => self.classify_found(held, members),
                None => self.classify_configured(held),
            },
        }
    }

    /// Whether an instance was a member of the pair, and is none any more (F-9).
    pub(super) fn is_former(&self, instance: &InstanceId) -> bool {
        match &self.members {
            None => self.peer.former() == Some(instance),
            Some(members) => {
                let is_peer = members.peer.as_ref().is_some_and(|place| place.instance == *instance);
                let was_heard = self.peer.former() == Some(instance) || self.peer.instance() == Some(instance);
                !is_peer && (was_heard || members.former.contains(instance))
            }
        }
    }

    fn classify_configured(&self, held: &Association) -> Holder {
        let peer = self.config.me.peer();
        let peer_instance = self.peer.instance();
        let on_peer_instance = held.instance.is_some() && held.instance.as_ref() == peer_instance;
        if held.instance.as_ref().is_some_and(|instance| self.is_former(instance)) {
            Holder::Former
        } else if held.private_ip == self.config.private_ips[peer.index()] {
            // The peer's place on another instance than the one that speaks: life belongs to an instance.
            let is_other = held.instance.is_some() && peer_instance.is_some() && !on_peer_instance;
            if is_other {
                Holder::Stranger
            } else {
                Holder::Member(peer)
            }
        } else if on_peer_instance {
            Holder::Misplaced(peer)
        } else {
            Holder::Stranger
        }
    }

    /// A private IP may have another instance by now: where EC2 names the instance, that is who holds.
    fn classify_found(&self, held: &Association, members: &Members) -> Holder {
        let peer = self.config.me.peer();
        let place = members.peer.as_ref();
        let at_peers_ip = place.is_some_and(|place| place.private_ip == held.private_ip);
        match &held.instance {
            Some(instance) if place.is_some_and(|place| place.instance == *instance) => {
                if at_peers_ip {
                    Holder::Member(peer)
                } else {
                    Holder::Misplaced(peer)
                }
            }
            Some(instance) if self.is_former(instance) => Holder::Former,
            None if at_peers_ip => Holder::Member(peer),
            Some(_) | None => Holder::Stranger,
        }
    }
}
