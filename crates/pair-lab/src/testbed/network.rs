//! The wires: a router with a leg in each of five networks.
//!
//! ```text
//!                        ┌──────────────── router ────────────────┐
//!   client 198.51.100.10 ┤ internet gateway: 203.0.113.10 ⇄ holder├ a       10.0.1.10, 10.0.1.11   us-east-1a
//!                        │ EC2 API 192.0.2.1                      ├ b       10.0.2.10, 10.0.2.11   us-east-1b
//!                        │                                        ├ c       10.0.4.10              us-east-1b, the instance after b
//!                        └────────────────────────────────────────┴ origin  10.0.3.10
//! ```
//!
//! Everything between two of them passes the router, so that is where faults are made. Each node has a second interface on a second leg,
//! 10.0.11.10 and so on, which leads to those of the other nodes and nowhere else: a second path for heartbeats. And each has IMDS at
//! 169.254.169.254, one hop away on a link of its own.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};

use super::place::Place;

/// A machine on a leg of the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Host {
    /// Its name, which is that of the router's leg, too.
    pub(crate) name: &'static str,
    /// Its address in a network of 24 bits, in which the router is number 1.
    pub(crate) address: Ipv4Addr,
}

pub(crate) const NODE_A: Host = Host::new("a", [10, 0, 1, 10]);
pub(crate) const NODE_B: Host = Host::new("b", [10, 0, 2, 10]);
pub(crate) const NODE_C: Host = Host::new("c", [10, 0, 4, 10]);
pub(crate) const ORIGIN: Host = Host::new("origin", [10, 0, 3, 10]);
pub(crate) const CLIENT: Host = Host::new("client", [198, 51, 100, 10]);

/// The Elastic IP of the pair.
pub(crate) const ELASTIC_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);

/// The second one, in the scenario in which the pair has two: it lands on the second private addresses.
pub(crate) const SECOND_ELASTIC_IP: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 20);

/// Where EC2 is: for everybody, and for one node each.
pub(crate) const EC2: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const EC2_OF_A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);
pub(crate) const EC2_OF_B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 12);
pub(crate) const EC2_OF_C: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 13);

/// Where the router takes heartbeats that are to be late, by who sent them.
pub(crate) const RELAY_FOR_A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 21);
pub(crate) const RELAY_FOR_B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 22);

/// Where the metadata service is, on every instance.
pub(crate) const IMDS: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

impl Host {
    const fn new(name: &'static str, [a, b, c, d]: [u8; 4]) -> Self {
        Self {
            name,
            address: Ipv4Addr::new(a, b, c, d),
        }
    }

    /// The second private address of a node.
    pub(crate) fn second(self) -> Ipv4Addr {
        let [a, b, c, d] = self.address.octets();
        Ipv4Addr::new(a, b, c, d + 1)
    }

    /// The name of a node's second leg.
    pub(crate) fn second_leg(self) -> String {
        format!("{}2", self.name)
    }

    /// The address of a node on its second leg, in a network of its own.
    pub(crate) fn on_second_leg(self) -> Ipv4Addr {
        let [a, b, c, d] = self.address.octets();
        Ipv4Addr::new(a, b, c + 10, d)
    }

    /// The router's address on its leg.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        gateway_to(self.address)
    }
}

/// Makes the router forward and answer at the addresses of EC2 and the relay.
pub(crate) fn prepare_router(router: &Place) -> Result<()> {
    let addresses = [EC2, EC2_OF_A, EC2_OF_B, EC2_OF_C, RELAY_FOR_A, RELAY_FOR_B];
    let addresses = addresses.map(|address| format!("addr add {address}/32 dev lo\n"));
    router.ip(addresses.concat())?;
    router
        .run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))
        .context("cannot make the router forward")
}

/// Puts a machine on a leg of the router; `mac` is what its metadata service tells.
pub(crate) fn connect(router: &Place, place: &Place, host: Host, mac: Option<&str>) -> Result<()> {
    let Host { name, address } = host;
    let (gateway, far) = (host.gateway(), place.network().display());
    router.ip(format!(
        "link add name {name} type veth peer name eth0 netns {far}\n\
         addr add {gateway}/24 dev {name}\n\
         link set dev {name} up"
    ))?;
    let mac = mac
        .map(|mac| format!("link set dev eth0 address {mac}\n"))
        .unwrap_or_default();
    place.ip(format!(
        "{mac}addr add {address}/24 dev eth0\n\
         link set dev eth0 up\n\
         route add default via {gateway}"
    ))
}

/// Puts a node on a second leg of the router, by which it reaches the second legs of others and nothing else.
pub(crate) fn connect_second(router: &Place, place: &Place, host: Host) -> Result<()> {
    let (name, address, far) = (host.second_leg(), host.on_second_leg(), place.network().display());
    let gateway = gateway_to(address);
    router.ip(format!(
        "link add name {name} type veth peer name eth1 netns {far}\n\
         addr add {gateway}/24 dev {name}\n\
         link set dev {name} up"
    ))?;
    place.ip(format!(
        "addr add {address}/24 dev eth1\n\
         link set dev eth1 up\n\
         route add {SECOND_LEGS} via {gateway} dev eth1"
    ))
}

/// Makes a leg of the router at which qemu can put a machine, to which the router is the metadata service, too.
pub(crate) fn open_socket(router: &Place, host: Host) -> Result<()> {
    let (name, gateway) = (host.name, host.gateway());
    router.ip(format!(
        "tuntap add dev {name} mode tap\n\
         addr add {gateway}/24 dev {name}\n\
         addr replace {IMDS}/32 dev lo\n\
         link set dev {name} up"
    ))
}

/// Makes the place where a node's metadata service is, on a link that nobody else has.
pub(crate) fn attach_imds(node: &Place) -> Result<Place> {
    let imds = Place::found("imds", || Ok(()))?;
    let far = imds.network().display();
    node.ip(format!(
        "link add name imds type veth peer name eth0 netns {far}\n\
         link set dev imds up\n\
         route add {IMDS}/32 dev imds"
    ))?;
    imds.ip(format!(
        "addr add {IMDS}/32 dev eth0\n\
         link set dev eth0 up\n\
         route add default dev eth0"
    ))?;
    Ok(imds)
}

/// The router's address in the network of this one.
fn gateway_to(address: Ipv4Addr) -> Ipv4Addr {
    let [a, b, c, _] = address.octets();
    Ipv4Addr::new(a, b, c, 1)
}

/// The networks of all second legs.
const SECOND_LEGS: &str = "10.0.8.0/21";
