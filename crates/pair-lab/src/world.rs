//! Who exists in the lab: the nodes of the pair, a machine outside it, and the address.

use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// A node to create: what an operator chooses, the ids are EC2's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// The node's name in the pair.
    pub name: String,
    /// The primary private address of its interface.
    pub private_ip: Ipv4Addr,
    /// Secondary private addresses of the same interface.
    pub extra_private_ips: Vec<Ipv4Addr>,
    /// The availability zone, such as `us-east-1a`.
    pub availability_zone: String,
}

/// An instance with its one interface, as EC2 knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The node's name in the pair; the machine outside it is called `outside`.
    pub name: String,
    /// The instance id.
    pub instance_id: String,
    /// The id of the interface.
    pub network_interface_id: String,
    /// The subnet the interface is in.
    pub subnet_id: String,
    /// The interface's hardware address, in lower case with colons.
    pub mac: String,
    /// The private addresses of the interface, the primary one first; never empty.
    pub private_ips: Vec<Ipv4Addr>,
    /// The availability zone.
    pub availability_zone: String,
    /// The access key id that its IMDS hands out, by which its EC2 calls are told from others.
    pub access_key_id: String,
}

/// The machines of a lab and the address they share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct World {
    /// The AWS account.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// The allocation id of the shared address.
    pub allocation_id: String,
    /// The shared address itself.
    pub public_ip: Ipv4Addr,
    /// The nodes of the pair.
    pub nodes: Vec<Machine>,
    /// A machine that is no member of the pair, for a third party to hold the address.
    pub outside: Machine,
}

/// Where an operator moves an address to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The primary private address of a node.
    Node(String),
    /// Another private address of a node.
    At(String, Ipv4Addr),
    /// The machine outside the pair.
    Outside,
}

/// Text that is not `name=ip[,ip…]@zone`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not name=ip[,ip…]@zone")]
pub struct ParseNodeError {
    text: String,
}

impl NodeSpec {
    /// Describes a node with one private address.
    pub fn new(name: &str, private_ip: Ipv4Addr, availability_zone: &str) -> Self {
        Self {
            name: name.to_owned(),
            private_ip,
            extra_private_ips: Vec::new(),
            availability_zone: availability_zone.to_owned(),
        }
    }

    /// Lists the private addresses, the primary one first.
    pub fn private_ips(&self) -> Vec<Ipv4Addr> {
        core::iter::once(self.private_ip)
            .chain(self.extra_private_ips.iter().copied())
            .collect()
    }

    /// Describes the machine that is no member of the pair.
    pub(crate) fn outside() -> Self {
        Self::new(OUTSIDE, Ipv4Addr::new(127, 0, 255, 254), "us-east-1c")
    }
}

impl FromStr for NodeSpec {
    type Err = ParseNodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseNodeError { text: text.to_owned() };
        let (name, rest) = text.split_once('=').ok_or_else(refused)?;
        let (ips, zone) = rest.split_once('@').ok_or_else(refused)?;
        let mut ips = ips.split(',').map(str::parse::<Ipv4Addr>);
        let private_ip = ips.next().and_then(Result::ok).ok_or_else(refused)?;
        let extra_private_ips = ips.collect::<Result<_, _>>().map_err(|_| refused())?;
        if name.is_empty() || zone.is_empty() {
            return Err(refused());
        }
        Ok(Self {
            name: name.to_owned(),
            private_ip,
            extra_private_ips,
            availability_zone: zone.to_owned(),
        })
    }
}

impl Machine {
    /// Gives the primary private address.
    pub fn private_ip(&self) -> Ipv4Addr {
        self.private_ips
            .first()
            .copied()
            .expect("a machine is made from a specification, which has a primary address")
    }

    /// Makes the access key id for the machine at this place of the lab's list; 20 characters, as AWS's are.
    pub(crate) fn access_key_for(index: usize) -> String {
        format!("ASIALAB{index:013}")
    }

    fn invent(index: usize, spec: &NodeSpec) -> Self {
        Self {
            name: spec.name.clone(),
            instance_id: format!("i-0a{index:015x}"),
            network_interface_id: format!("eni-0b{index:015x}"),
            subnet_id: format!("subnet-0c{index:015x}"),
            mac: format!("02:00:00:00:{:02x}:{:02x}", index / 256 % 256, index % 256),
            private_ips: spec.private_ips(),
            availability_zone: spec.availability_zone.clone(),
            access_key_id: Self::access_key_for(index),
        }
    }
}

impl World {
    /// Invents ids for the emulator. The address is a loopback one, so a probe of it never leaves the machine.
    pub fn invent(nodes: &[NodeSpec]) -> Self {
        Self {
            account_id: ACCOUNT_ID.to_owned(),
            region: REGION.to_owned(),
            allocation_id: "eipalloc-0123456789abcdef0".to_owned(),
            public_ip: DEFAULT_PUBLIC_IP,
            nodes: nodes
                .iter()
                .enumerate()
                .map(|(at, spec)| Machine::invent(at + 1, spec))
                .collect(),
            outside: Machine::invent(0, &NodeSpec::outside()),
        }
    }

    /// Finds a node by its name.
    pub fn node(&self, name: &str) -> Option<&Machine> {
        self.nodes.iter().find(|machine| machine.name == name)
    }

    /// Finds a machine, of the pair or not, by its interface.
    pub fn by_interface(&self, network_interface_id: &str) -> Option<&Machine> {
        self.machines()
            .find(|machine| machine.network_interface_id == network_interface_id)
    }

    /// Finds a machine, of the pair or not, by its instance.
    pub fn by_instance(&self, instance_id: &str) -> Option<&Machine> {
        self.machines().find(|machine| machine.instance_id == instance_id)
    }

    /// Lists the nodes and the machine outside.
    pub fn machines(&self) -> impl Iterator<Item = &Machine> {
        self.nodes.iter().chain(core::iter::once(&self.outside))
    }

    /// Names the machine that signs with this access key id.
    pub(crate) fn name_by_key(&self, access_key_id: &str) -> Option<&str> {
        self.machines()
            .find(|machine| machine.access_key_id == access_key_id)
            .map(|machine| machine.name.as_str())
    }
}

/// The name of the machine that is no member of the pair.
const OUTSIDE: &str = "outside";
/// The account that moto answers for, so both backends give the same one.
pub(crate) const ACCOUNT_ID: &str = "123456789012";
/// The region of every lab.
pub(crate) const REGION: &str = "us-east-1";
/// The shared address unless a test chooses another.
const DEFAULT_PUBLIC_IP: Ipv4Addr = Ipv4Addr::new(127, 0, 113, 10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_written_as_name_addresses_and_zone() {
        let node: NodeSpec = "a=127.0.0.1,127.0.1.1@us-east-1a".parse().unwrap();
        assert_eq!(node.name, "a");
        assert_eq!(
            node.private_ips(),
            [Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::new(127, 0, 1, 1)]
        );
        assert_eq!(node.availability_zone, "us-east-1a");
    }

    #[test]
    fn other_text_is_no_node() {
        for text in [
            "",
            "a",
            "a=1.2.3.4",
            "a=x@z",
            "=1.2.3.4@z",
            "a=1.2.3.4,@z",
            "a=1.2.3.4@",
        ] {
            assert!(text.parse::<NodeSpec>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_machine_has_ids_of_its_own() {
        let world = World::invent(&[
            NodeSpec::new("a", Ipv4Addr::new(127, 0, 0, 1), "us-east-1a"),
            NodeSpec::new("b", Ipv4Addr::new(127, 0, 0, 2), "us-east-1b"),
        ]);
        let mut ids: Vec<&str> = world
            .machines()
            .map(|machine| machine.network_interface_id.as_str())
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 3);
        assert_eq!(world.name_by_key(&world.nodes[1].access_key_id), Some("b"));
        assert_eq!(world.name_by_key("AKIAUNKNOWN"), None);
    }
}
