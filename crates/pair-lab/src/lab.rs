//! The lab itself: endpoints, faults and records.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use thiserror::Error;
use tokio::sync::watch;

use crate::action::Action;
use crate::announcement::Announcements;
use crate::api_error::ApiError;
use crate::clock::Clock;
use crate::door::Door;
use crate::faults::Faults;
use crate::front;
use crate::ground::{Endpoint, Ground, Loopback};
use crate::http;
use crate::imds::Imds;
use crate::instances::Instances;
use crate::log::{Log, LogEntry};
use crate::query_client::QueryError;
use crate::register::{Address, Register};
use crate::shared::{Holder, Ownership, Shared};
use crate::upstream::Upstream;
use crate::world::{Machine, NodeSpec, World};

/// What a lab is made of.
#[derive(Debug, Clone)]
pub struct LabConfig {
    /// Who exists.
    pub world: World,
    /// Who answers the EC2 calls.
    pub backend: Backend,
    /// Where the endpoints are opened; by default on ephemeral ports of 127.0.0.1.
    pub ground: Arc<dyn Ground>,
    /// Where the lab's clock shows zero; by default its start.
    pub origin: Instant,
    /// Whether the emulator keeps the association id when an address is put where it is. What AWS does is not
    /// documented; moto makes a new one, and so does the emulator by default.
    pub keeps_association_id: bool,
}

/// Who answers the EC2 calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The emulator in this crate.
    Emulated,
    /// Another EC2 Query API at this address, in which the world exists.
    Upstream(SocketAddr),
}

/// A running lab. It needs the tokio runtime it was started on; dropped, its endpoints close.
#[derive(Debug)]
pub struct Lab {
    pub(crate) shared: Arc<Shared>,
    ec2: Door,
    nodes: BTreeMap<String, NodeDoors>,
}

#[derive(Debug)]
struct NodeDoors {
    ec2: Door,
    imds: Door,
}

/// What the lab could not do; unless a variant says otherwise, nothing changed.
#[derive(Debug, Error)]
pub enum LabError {
    /// No socket for an endpoint.
    #[error("could not open an endpoint")]
    Endpoint(#[source] io::Error),
    /// No node of this name: a mistake of the caller.
    #[error("no node is called {0:?}")]
    UnknownNode(String),
    /// No such allocation in the lab: a mistake of the caller.
    #[error("no address has allocation id {0:?}")]
    UnknownAllocation(String),
    /// The emulator refused.
    #[error("the emulated ec2 refused")]
    Refused(#[source] ApiError),
    /// The other EC2 refused or did not answer; in the latter case it may have done it.
    #[error("the ec2 behind the lab did not do it")]
    Upstream(#[source] QueryError),
    /// The node is no spot instance, and AWS tells this to no other: a mistake of the caller.
    #[error("node {0:?} is an on-demand instance: aws interrupts none, and recommends to replace none")]
    NotSpot(String),
    /// The other EC2 has no way to do this.
    #[error("the ec2 behind the lab cannot {0}")]
    Unsupported(&'static str),
}

impl LabConfig {
    /// Describes a lab with the emulator.
    pub fn emulated(nodes: &[NodeSpec]) -> Self {
        Self::new(World::invent(nodes), Backend::Emulated)
    }

    /// Describes a lab in front of another EC2, in which `world` exists.
    pub fn upstream(addr: SocketAddr, world: World) -> Self {
        Self::new(world, Backend::Upstream(addr))
    }

    fn new(world: World, backend: Backend) -> Self {
        Self {
            world,
            backend,
            ground: Arc::new(Loopback),
            origin: Instant::now(),
            keeps_association_id: false,
        }
    }
}

impl Lab {
    /// Opens one EC2 endpoint for everybody, and one EC2 and one IMDS endpoint for each node, where the
    /// configuration's ground has them.
    ///
    /// # Errors
    /// [`LabError::Endpoint`], or [`LabError::Upstream`] if the other EC2 cannot say where its addresses are.
    pub async fn start(config: LabConfig) -> Result<Self, LabError> {
        let clock = Clock::new(config.origin);
        let faults = Faults::new(clock);
        let upstream = match config.backend {
            Backend::Emulated => None,
            Backend::Upstream(addr) => Some(Upstream::new(addr)),
        };
        let allocation_id = config.world.allocation_id.clone();
        let nowhere = Address {
            allocation_id,
            public_ip: config.world.public_ip,
            association: None,
        };
        let mut register = Register::new(vec![nowhere], config.keeps_association_id, clock.ms());
        if let Some(upstream) = &upstream {
            let addresses = upstream.addresses().await.map_err(LabError::Upstream)?;
            let is_ours = |address: &Address| address.allocation_id == config.world.allocation_id;
            if let Some(address) = addresses.into_iter().find(is_ours) {
                register.mirror(clock.ms(), address);
            }
        }
        let shared = Arc::new(Shared {
            clock,
            log: Log::new(clock),
            faults,
            instances: Instances::begin(),
            upstream,
            register: Mutex::new(register),
            imds_requests: Mutex::default(),
            announcements: Announcements::default(),
            world: config.world,
        });
        let ground = &config.ground;
        let mut nodes = BTreeMap::new();
        for machine in &shared.world.nodes {
            let ec2 = ec2_door(ground, &shared, Some(machine.name.clone())).map_err(LabError::Endpoint)?;
            let imds = imds_door(ground, &shared, machine).map_err(LabError::Endpoint)?;
            nodes.insert(machine.name.clone(), NodeDoors { ec2, imds });
        }
        let ec2 = ec2_door(ground, &shared, None).map_err(LabError::Endpoint)?;
        Ok(Self { shared, ec2, nodes })
    }

    /// Gives the faults, to set and clear them.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Gives the address of the EC2 endpoint that everybody may use.
    pub fn ec2_addr(&self) -> SocketAddr {
        self.ec2.addr()
    }

    /// Gives the URL of the EC2 endpoint that everybody may use.
    pub fn ec2_endpoint(&self) -> String {
        url(&self.ec2)
    }

    /// Gives the URL of an EC2 endpoint for one node, which refuses connections when a fault says so.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn ec2_endpoint_of(&self, node: &str) -> Result<String, LabError> {
        self.doors(node).map(|doors| url(&doors.ec2))
    }

    /// Gives the URL of a node's metadata service.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn imds_endpoint(&self, node: &str) -> Result<String, LabError> {
        self.doors(node).map(|doors| url(&doors.imds))
    }

    /// Says who exists.
    pub fn world(&self) -> &World {
        &self.shared.world
    }

    /// Gives the allocation id of the shared address.
    pub fn allocation_id(&self) -> &str {
        &self.shared.world.allocation_id
    }

    /// Gives the shared address.
    pub fn public_ip(&self) -> Ipv4Addr {
        self.shared.world.public_ip
    }

    /// Gives what EC2 knows of a node.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn node(&self, node: &str) -> Result<&Machine, LabError> {
        self.world()
            .node(node)
            .ok_or_else(|| LabError::UnknownNode(node.to_owned()))
    }

    /// Gives the id of a node's instance.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn instance_id(&self, node: &str) -> Result<&str, LabError> {
        self.node(node).map(|machine| machine.instance_id.as_str())
    }

    /// Gives the id of a node's interface.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`].
    pub fn network_interface(&self, node: &str) -> Result<&str, LabError> {
        self.node(node).map(|machine| machine.network_interface_id.as_str())
    }

    /// Gives the clock that every record of the lab is on.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Reads that clock, in milliseconds.
    pub fn clock_ms(&self) -> u64 {
        self.shared.clock.ms()
    }

    /// Copies the request log, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.log.entries()
    }

    /// Says how many requests a node's metadata service was sent since the start, whatever came of them.
    pub fn imds_requests(&self, node: &str) -> u64 {
        let counts = self.shared.imds_requests();
        counts.get(node).map_or(0, |of_node| of_node.values().sum())
    }

    /// Says how many of them were for this path below `/latest/meta-data/`.
    pub fn imds_requests_for(&self, node: &str, category: &str) -> u64 {
        let path = format!("/latest/meta-data/{category}");
        let counts = self.shared.imds_requests();
        counts
            .get(node)
            .and_then(|of_node| of_node.get(&path))
            .copied()
            .unwrap_or_default()
    }

    /// Lists who really held the shared address when; the first entry is the start.
    pub fn ownership(&self) -> Vec<Ownership> {
        self.ownership_of(self.allocation_id())
    }

    /// Lists who really held any address when; the first entry is the start, or its allocation.
    pub fn ownership_of(&self, allocation_id: &str) -> Vec<Ownership> {
        self.shared.ownership(allocation_id)
    }

    /// Says who really holds the shared address.
    pub fn holder(&self) -> Option<Holder> {
        self.holder_of(self.allocation_id())
    }

    /// Says who really holds any address.
    pub fn holder_of(&self, allocation_id: &str) -> Option<Holder> {
        self.shared.holder(allocation_id)
    }

    /// Copies the addresses of the lab with their associations.
    pub fn addresses(&self) -> Vec<Address> {
        self.shared.register().addresses().to_vec()
    }

    /// Tells when an address moves.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.register().subscribe()
    }

    /// Gives what the forwarder follows: who holds the address, and when to look again.
    pub(crate) fn register_view(&self) -> (Arc<Shared>, watch::Receiver<()>) {
        (Arc::clone(&self.shared), self.changes())
    }

    fn doors(&self, node: &str) -> Result<&NodeDoors, LabError> {
        self.nodes
            .get(node)
            .ok_or_else(|| LabError::UnknownNode(node.to_owned()))
    }
}

fn ec2_door(ground: &Arc<dyn Ground>, shared: &Arc<Shared>, node: Option<String>) -> io::Result<Door> {
    let faults = shared.faults.clone();
    let changes = faults.subscribe();
    let shared = Arc::clone(shared);
    let endpoint = node.clone().map_or(Endpoint::Ec2, Endpoint::Ec2Of);
    Door::open(
        Arc::clone(ground),
        endpoint,
        changes,
        move || faults.is_shut(node.as_deref(), Action::Any),
        move |stream| http::serve(stream, Arc::clone(&shared), front::answer),
    )
}

fn imds_door(ground: &Arc<dyn Ground>, shared: &Arc<Shared>, machine: &Machine) -> io::Result<Door> {
    let faults = shared.faults.clone();
    let changes = faults.subscribe();
    let node = machine.name.clone();
    let imds = Arc::new(Imds::new(Arc::clone(shared), machine.clone()));
    Door::open(
        Arc::clone(ground),
        Endpoint::ImdsOf(node.clone()),
        changes,
        move || faults.is_shut(Some(&node), Action::Imds),
        move |stream| http::serve(stream, Arc::clone(&imds), Imds::answer),
    )
}

fn url(door: &Door) -> String {
    format!("http://{}", door.addr())
}
