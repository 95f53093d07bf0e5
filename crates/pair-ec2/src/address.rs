//! An Elastic IP as EC2 reports it.

use std::net::Ipv4Addr;

use aws_sdk_ec2::types;

/// Names what an address is to be moved to. By network interface, never by instance: an instance call
/// needs an instance with one interface and may displace an address that is already on the private IP
/// (EC2 API Reference, `AssociateAddress`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The Elastic IP to move, `eipalloc-…`.
    pub allocation_id: String,
    /// The interface it goes to, `eni-…`.
    pub network_interface_id: String,
    /// The private address on that interface; EC2 does not check that the host has it configured.
    pub private_ip: Ipv4Addr,
}

/// Tells who holds an Elastic IP, as one `DescribeAddresses` said. Reads are eventually consistent: one
/// taken right after a move may still show the old holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `eipalloc-…`.
    pub allocation_id: String,
    /// The public address itself.
    pub public_ip: Ipv4Addr,
    /// Its holder; `None` when nobody holds it.
    pub association: Option<Association>,
}

/// Tells where an address points. Every association has its own id, so the id is the version of the fact.
///
/// What EC2 leaves out or leaves empty is `None`: an emulator that associates by interface reports no
/// instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Association {
    /// `eipassoc-…`.
    pub association_id: String,
    /// The holder's interface, `eni-…`.
    pub network_interface_id: Option<String>,
    /// The private address the public one is mapped to.
    pub private_ip: Option<Ipv4Addr>,
    /// The holder's instance, `i-…`.
    pub instance_id: Option<String>,
}

impl Address {
    /// Reads an address out of EC2's answer, or says what the answer lacks.
    pub(crate) fn from_sdk(address: &types::Address) -> Result<Self, String> {
        let allocation_id = present(address.allocation_id()).ok_or("an address without allocation id")?;
        let public_ip = ip(address.public_ip())?.ok_or("an address without public IP")?;
        let association = match present(address.association_id()) {
            None => None,
            Some(association_id) => Some(Association {
                association_id,
                network_interface_id: present(address.network_interface_id()),
                private_ip: ip(address.private_ip_address())?,
                instance_id: present(address.instance_id()),
            }),
        };
        Ok(Self {
            allocation_id,
            public_ip,
            association,
        })
    }
}

/// An empty string is how some implementations write "none".
pub(crate) fn present(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn ip(text: Option<&str>) -> Result<Option<Ipv4Addr>, String> {
    present(text)
        .map(|text| text.parse().map_err(|_| format!("{text:?} as an IPv4 address")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_strings_mean_nobody_holds_it() {
        let answer = types::Address::builder()
            .allocation_id("eipalloc-1")
            .public_ip("203.0.113.10")
            .association_id("")
            .network_interface_id("")
            .instance_id("")
            .build();
        assert_eq!(
            Address::from_sdk(&answer),
            Ok(Address {
                allocation_id: "eipalloc-1".to_owned(),
                public_ip: Ipv4Addr::new(203, 0, 113, 10),
                association: None,
            })
        );
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_not_read_as_unheld() {
        let answer = types::Address::builder()
            .allocation_id("eipalloc-1")
            .public_ip("203.0.113.10")
            .association_id("eipassoc-1")
            .private_ip_address("10.0.1.300")
            .build();
        assert_eq!(
            Address::from_sdk(&answer),
            Err("\"10.0.1.300\" as an IPv4 address".to_owned())
        );
    }
}
