//! What the servers of a lab share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

use crate::announcement::Announcements;
use crate::clock::Clock;
use crate::faults::Faults;
use crate::instances::Instances;
use crate::log::Log;
use crate::register::{Address, Register};
use crate::upstream::Upstream;
use crate::world::{Machine, World};

/// The state behind every endpoint.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) instances: Instances,
    pub(crate) announcements: Announcements,
    /// The EC2 that answers, if it is not the emulator.
    pub(crate) upstream: Option<Upstream>,
    pub(crate) register: Mutex<Register>,
    /// How many requests each node's metadata service was sent, by their path.
    pub(crate) imds_requests: Mutex<BTreeMap<String, BTreeMap<String, u64>>>,
}

/// Who holds the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A node of the pair.
    Node(String),
    /// An interface outside the pair.
    Outside(String),
}

/// Who really held the address from a moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ownership {
    /// From when, in milliseconds on the lab's clock.
    pub ms: u64,
    /// The holder; `None` is nobody.
    pub holder: Option<Holder>,
    /// The association by which it was held.
    pub association_id: Option<String>,
}

impl Shared {
    /// Gives the register. It is never held across an await.
    pub(crate) fn register(&self) -> MutexGuard<'_, Register> {
        self.register
            .lock()
            .expect("no code panics while it holds the register")
    }

    /// Gives the counts of requests for metadata, by node and path. They are never held across an await.
    pub(crate) fn imds_requests(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<String, u64>>> {
        self.imds_requests
            .lock()
            .expect("no code panics while it holds the counts")
    }

    /// Counts one of them.
    pub(crate) fn count_imds_request(&self, node: &str, path: &str) {
        let mut counts = self.imds_requests();
        let of_node = counts.entry(node.to_owned()).or_default();
        *of_node.entry(path.to_owned()).or_default() += 1;
    }

    /// Says who holds an address.
    pub(crate) fn holder(&self, allocation_id: &str) -> Option<Holder> {
        let register = self.register();
        self.machine_of(register.address(allocation_id)?)
    }

    /// Lists who held an address when; the first entry is the start of the lab, or of the address.
    pub(crate) fn ownership(&self, allocation_id: &str) -> Vec<Ownership> {
        let register = self.register();
        let mut history: Vec<Ownership> = Vec::new();
        for snapshot in register.past() {
            let Some(address) = snapshot
                .addresses
                .iter()
                .find(|address| address.allocation_id == allocation_id)
            else {
                continue;
            };
            let association_id = address.association.as_ref().map(|association| association.id.clone());
            if history.last().is_none_or(|last| last.association_id != association_id) {
                history.push(Ownership {
                    ms: snapshot.ms,
                    holder: self.machine_of(address),
                    association_id,
                });
            }
        }
        history
    }

    fn machine_of(&self, address: &Address) -> Option<Holder> {
        let interface = &address.association.as_ref()?.network_interface_id;
        let node = self
            .world
            .nodes
            .iter()
            .find(|node: &&Machine| node.network_interface_id == *interface);
        Some(match node {
            Some(node) => Holder::Node(node.name.clone()),
            None => Holder::Outside(interface.clone()),
        })
    }
}
