//! By which way this node reaches EC2, and whether a move of the address takes that way from it.
//!
//! Associating an Elastic IP with a private IP releases a public IPv4 that was assigned to it automatically, and a node that
//! loses its only public address has no way to EC2 but a NAT gateway or an interface endpoint (Amazon VPC User Guide, "IP
//! addressing"). From within only the public addresses can be seen; that EC2 answers shows that there is a way.

use std::net::Ipv4Addr;

use pair_ec2::PublicAddress;
use pair_wire::control::Examined;

use super::chart::found;
use crate::problems::degraded;

/// Names the way of a node with these public addresses; those of the pair are `moving`, and one would land on `private_ip`.
pub(super) fn examine(public: &[PublicAddress], private_ip: Ipv4Addr, moving: &[Ipv4Addr]) -> Examined {
    let lands_on = |address: &&PublicAddress| address.private_ips.contains(&private_ip);
    let mut others = public.iter().filter(|address| !moving.contains(&address.public_ip));
    if let Some(address) = others.clone().find(lands_on) {
        return found(degraded(
            "egress-ends-with-move",
            format!(
                "the public IPv4 {} is on {private_ip}, where the address would land: the first takeover releases it, and \
                 after the next move this node may have no way to EC2",
                address.public_ip
            ),
            "let the address land on a secondary private IP (address.private_ips), or give the subnet an interface endpoint of EC2",
        ));
    }
    let seen = match others.next() {
        Some(address) => format!(
            "by the public IPv4 {}, which stays whoever holds the address",
            address.public_ip
        ),
        None if public.is_empty() => {
            "no public IPv4, and EC2 answers: by a NAT gateway or an interface endpoint, which stays whoever holds the address; \
             an endpoint alone reaches no mirrors and no probe of the address"
                .to_owned()
        }
        None => "the address itself is the only public IPv4 here: without a NAT gateway or an interface endpoint EC2 is out of \
                 reach when it moves away"
            .to_owned(),
    };
    Examined::Sound { seen }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 10);
    const PRIMARY: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 9);
    const ELASTIC: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
    const ASSIGNED: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

    fn examined(public: &[(Ipv4Addr, Ipv4Addr)]) -> String {
        let public: Vec<PublicAddress> = public
            .iter()
            .map(|(public_ip, private_ip)| PublicAddress {
                public_ip: *public_ip,
                private_ips: vec![*private_ip],
            })
            .collect();
        match examine(&public, TARGET, &[ELASTIC]) {
            Examined::Sound { seen } => seen,
            Examined::Found { findings } => findings[0].id.clone(),
            Examined::Skipped { why } => why,
        }
    }

    #[test]
    fn only_a_public_address_in_the_place_of_the_elastic_one_is_lost() {
        assert_eq!(examined(&[(ASSIGNED, TARGET)]), "egress-ends-with-move");
        assert!(examined(&[(ASSIGNED, PRIMARY)]).starts_with("by the public IPv4 198.51.100.7"));
        assert!(examined(&[(ASSIGNED, PRIMARY), (ELASTIC, TARGET)]).starts_with("by the public IPv4 198.51.100.7"));
        assert!(examined(&[(ELASTIC, TARGET)]).starts_with("the address itself is the only public IPv4"));
        assert!(examined(&[]).starts_with("no public IPv4"));
    }
}
