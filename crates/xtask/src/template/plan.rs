//! The fleet that a template describes: who is where.

use std::net::Ipv4Addr;
use std::str::FromStr;

use anyhow::{Result, bail};

/// The first host of a subnet that a node gets. AWS keeps the first four for itself (Amazon VPC User Guide, "Subnet sizing");
/// the rest below is for whatever else has to be at a known place.
const FIRST_HOST: u32 = 10;

/// Both nodes of each pair, and the subnets they are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) pairs: Vec<Pair>,
    /// One for each side.
    pub(super) subnets: [Block; 2],
    /// The network of both, or `None` if it is there already.
    pub(super) network: Option<Block>,
    /// Names of the zones, or `None` for the first two of the region.
    pub(super) zones: Option<[String; 2]>,
}

/// A pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// Counted from 1.
    pub(super) number: u32,
    pub(super) nodes: [Node; 2],
    /// Which of the two goes first when nobody holds the address.
    pub(super) preferred: usize,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// Its primary private IP.
    pub(super) private_ip: Ipv4Addr,
    /// The secondary one, on which the Elastic IP lands.
    pub(super) landing: Ipv4Addr,
}

/// A block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    first: Ipv4Addr,
    length: u8,
}

impl Plan {
    /// Places `count` pairs. The zone that is preferred alternates, so that each has half of the addresses while all is well.
    ///
    /// # Errors
    /// If the subnets are too small for that many nodes.
    pub(super) fn new(
        count: u32,
        subnets: [Block; 2],
        network: Option<Block>,
        zones: Option<[String; 2]>,
    ) -> Result<Self> {
        let pairs: Result<Vec<Pair>> = (1..=count)
            .map(|number| {
                let host = FIRST_HOST + 2 * (number - 1);
                let nodes = [Node::at(subnets[0], host)?, Node::at(subnets[1], host)?];
                // An agent calls the node with the lower address "a".
                if nodes[0].private_ip >= nodes[1].private_ip {
                    bail!("{} must come before {}", subnets[0], subnets[1]);
                }
                Ok(Pair {
                    number,
                    nodes,
                    preferred: usize::from(number % 2 == 0),
                })
            })
            .collect();
        Ok(Self {
            pairs: pairs?,
            subnets,
            network,
            zones,
        })
    }

    /// Whether pairs can bear witness for each other: nobody does for its own pair.
    pub(super) const fn has_witnesses(&self) -> bool {
        self.pairs.len() > 1
    }
}

impl Pair {
    /// Its name in the configurations.
    pub(super) fn name(&self) -> String {
        format!("lb-{}", self.number)
    }

    /// How the names of its resources begin.
    pub(super) fn prefix(&self) -> String {
        format!("Pair{}", self.number)
    }
}

impl Node {
    fn at(subnet: Block, host: u32) -> Result<Self> {
        Ok(Self {
            private_ip: subnet.host(host)?,
            landing: subnet.host(host + 1)?,
        })
    }
}

/// The words for the two sides, in resources and in node names.
pub(super) const SIDES: [&str; 2] = ["A", "B"];

impl Block {
    /// The second and the third 256 addresses of it, for the two subnets.
    ///
    /// # Errors
    /// If it does not have them.
    pub(super) fn subnets(self) -> Result<[Self; 2]> {
        if self.length > 22 {
            bail!("{self} is too small for two subnets of 256 addresses: /22 at least");
        }
        Ok([1, 2].map(|number| Self {
            first: Ipv4Addr::from_bits(self.first.to_bits() + number * 256),
            length: 24,
        }))
    }

    fn host(self, number: u32) -> Result<Ipv4Addr> {
        let size = 1_u64 << (32 - u32::from(self.length));
        // The last one is AWS's, too.
        if u64::from(number) + 1 >= size {
            bail!("{self} is too small for that many pairs");
        }
        Ok(Ipv4Addr::from_bits(self.first.to_bits() + number))
    }
}

impl std::fmt::Display for Block {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.first, self.length)
    }
}

impl FromStr for Block {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once('/').and_then(|(first, length)| {
            let (first, length) = (first.parse::<Ipv4Addr>().ok()?, length.parse::<u8>().ok()?);
            // Those that a subnet may have (Amazon VPC User Guide, "Subnet sizing").
            let is_block = (16..=28).contains(&length) && first.to_bits() << length == 0;
            is_block.then_some(Self { first, length })
        });
        match parsed {
            Some(block) => Ok(block),
            None => bail!("{text:?} is no block such as 10.77.0.0/16, from /16 to /28"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(count: u32, subnets: [&str; 2]) -> Result<Plan> {
        Plan::new(count, subnets.map(|block| block.parse().unwrap()), None, None)
    }

    #[test]
    fn the_preferred_zone_alternates_and_no_address_is_given_twice() {
        let plan = plan(3, ["10.0.1.0/24", "10.0.2.0/24"]).unwrap();
        let preferred: Vec<usize> = plan.pairs.iter().map(|pair| pair.preferred).collect();
        assert_eq!(preferred, [0, 1, 0]);
        let mut addresses: Vec<Ipv4Addr> = plan
            .pairs
            .iter()
            .flat_map(|pair| pair.nodes.iter().flat_map(|node| [node.private_ip, node.landing]))
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 12);
        assert_eq!(plan.pairs[2].nodes[1].landing, Ipv4Addr::new(10, 0, 2, 15));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(plan(2, ["10.0.1.0/28", "10.0.2.0/28"]).is_ok());
        let refused = plan(3, ["10.0.1.0/28", "10.0.2.0/28"]).unwrap_err().to_string();
        assert_eq!(refused, "10.0.1.0/28 is too small for that many pairs");
        let refused = plan(1, ["10.0.2.0/24", "10.0.1.0/24"]).unwrap_err().to_string();
        assert_eq!(refused, "10.0.2.0/24 must come before 10.0.1.0/24");
        assert!("10.0.4.0/22".parse::<Block>().unwrap().subnets().is_ok());
        assert!("10.0.4.0/23".parse::<Block>().unwrap().subnets().is_err());
        for text in ["10.0.1.0", "10.0.1.1/24", "10.0.0.0/8", "10.0.1.0/29", "a/24"] {
            assert!(text.parse::<Block>().is_err(), "{text}");
        }
    }
}
