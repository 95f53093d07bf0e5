//! What a first configuration says, in the order in which both nodes say it.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use pair_ec2::{Identity, Interface};

use crate::cli;

/// Everything that is written; the rest keeps its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) pair: String,
    /// In the order of the file, which is the same on both nodes.
    pub(super) members: [Member; 2],
    /// Index of the node this is.
    pub(super) me: usize,
    /// The tag by which the nodes are found, if they are.
    pub(super) tag: Option<String>,
    /// `None` if the address is found by the same tag.
    pub(super) allocation_id: Option<String>,
    /// On which private IP of a found node the address lands.
    pub(super) private_ip_index: usize,
    pub(super) preferred: Option<String>,
    pub(super) profile: Option<String>,
    /// `None` without HAProxy: then the port is asked for both purposes.
    pub(super) haproxy_socket: Option<PathBuf>,
    pub(super) port: u16,
    pub(super) path: String,
    pub(super) key_file: PathBuf,
    pub(super) region: String,
    pub(super) ec2_endpoint: Option<String>,
    pub(super) imds_endpoint: Option<String>,
}

/// One of the two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) place: Place,
}

/// How a node is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// By its primary private IP.
    At {
        address: Ipv4Addr,
        /// Where the Elastic IP lands, if that is not the address itself.
        landing: Option<Ipv4Addr>,
    },
    /// By its availability zone.
    InZone(String),
}

impl Draft {
    /// Puts together what the instance and the command line say.
    ///
    /// # Errors
    /// If the instance lacks the addresses that are needed, or has several where one must be chosen.
    pub(super) fn new(args: &cli::Init, identity: &Identity, allocation_id: Option<String>) -> anyhow::Result<Self> {
        let [own, peer] = places(args, identity)?;
        let [name, peer_name] = match (&args.name, &args.peer_name) {
            (Some(name), Some(peer_name)) => [name.clone(), peer_name.clone()],
            // Either node comes to the same names by itself.
            (None, None) if own < peer => ["a", "b"].map(str::to_owned),
            (None, None) => ["b", "a"].map(str::to_owned),
            (Some(_), None) | (None, Some(_)) => bail!("--name and --peer-name go together"),
        };
        let me = usize::from(name > peer_name);
        let mut members = [
            Member { name, place: own },
            Member {
                name: peer_name,
                place: peer,
            },
        ];
        members.rotate_left(me);
        Ok(Self {
            pair: args.pair.clone(),
            members,
            me,
            tag: args.discover.clone(),
            allocation_id,
            private_ip_index: args.private_ip_index,
            preferred: args.preferred.clone(),
            profile: args.profile.clone(),
            haproxy_socket: (!args.no_haproxy).then(|| args.haproxy_socket.clone()),
            port: args.port,
            path: args.path.clone(),
            key_file: args.key_file.clone(),
            region: identity.region.clone(),
            ec2_endpoint: args.ec2_endpoint.clone(),
            imds_endpoint: args.imds_endpoint.clone(),
        })
    }

    /// Says which node this is and where, for whoever reads the terminal.
    pub(super) fn this_node(&self, identity: &Identity) -> String {
        let Member { name, place } = &self.members[self.me];
        let known = match (place, &self.tag) {
            (Place::At { address, landing }, _) => {
                format!("{address}; the Elastic IP lands on {}", landing.unwrap_or(*address))
            }
            (Place::InZone(_), tag) => format!("found by the tag {}", tag.as_deref().unwrap_or_default()),
        };
        format!(
            "{name}: {} in {}, {known}",
            identity.instance_id, identity.availability_zone
        )
    }
}

/// Where this node and its peer are, or are found.
fn places(args: &cli::Init, identity: &Identity) -> anyhow::Result<[Place; 2]> {
    if args.discover.is_some() {
        let peer = args
            .peer_zone
            .clone()
            .context("--discover and --peer-zone go together")?;
        return Ok([identity.availability_zone.clone(), peer].map(Place::InZone));
    }
    let interface = identity.interfaces.first().context("this instance has no interface")?;
    let address = *interface.private_ips.first().with_context(|| {
        let id = &interface.network_interface_id;
        format!("{id}, the primary interface of this instance, has no IPv4 address for an Elastic IP to land on")
    })?;
    let own = Place::At {
        address,
        landing: landing(args, interface)?,
    };
    let peer = Place::At {
        address: args.peer.context("--peer or --discover says who the other node is")?,
        landing: args.peer_private_ip,
    };
    Ok([own, peer])
}

/// The private IP of this node on which the Elastic IP lands, if that is not its primary one.
fn landing(args: &cli::Init, interface: &Interface) -> anyhow::Result<Option<Ipv4Addr>> {
    if args.peer_private_ip.is_none() && args.private_ip.is_none() {
        return Ok(None);
    }
    if args.peer_private_ip.is_none() {
        bail!("--private-ip and --peer-private-ip go together");
    }
    let Interface {
        network_interface_id,
        private_ips,
        ..
    } = interface;
    match args.private_ip {
        Some(chosen) if private_ips.contains(&chosen) => Ok(Some(chosen)),
        Some(chosen) => Err(anyhow!(
            "{network_interface_id} has {}, not {chosen}",
            listed(private_ips)
        )),
        None => match private_ips.as_slice() {
            [_, only] => Ok(Some(*only)),
            [] | [_] => Err(anyhow!("{network_interface_id} has no secondary private IP")),
            [_, several @ ..] => Err(anyhow!(
                "{network_interface_id} has several secondary private IPs: choose one of {} with --private-ip",
                listed(several)
            )),
        },
    }
}

fn listed(addresses: &[Ipv4Addr]) -> String {
    let addresses: Vec<String> = addresses.iter().map(Ipv4Addr::to_string).collect();
    addresses.join(", ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    /// What the node at `own` of a pair makes of these words; its interface has the addresses `more`, too.
    fn draft(own: &str, more: &[&str], peer: &str, words: &str) -> anyhow::Result<Draft> {
        let words = format!("--address eipalloc-0123456789abcdef0 --peer {peer} {words}");
        let private_ips = [own].iter().chain(more).map(|ip| ip.parse().unwrap()).collect();
        draft_in("eu-central-1a", private_ips, &words)
    }

    /// What a node in this zone makes of these words.
    fn draft_in(zone: &str, private_ips: Vec<Ipv4Addr>, words: &str) -> anyhow::Result<Draft> {
        let line = format!("paird init --pair lb-1 {words}");
        let cli::Command::Init(args) = cli::Cli::try_parse_from(line.split_whitespace())?.command else {
            unreachable!("the line says init")
        };
        let identity = Identity {
            instance_id: "i-0123456789abcdef0".to_owned(),
            region: "eu-central-1".to_owned(),
            availability_zone: zone.to_owned(),
            account: "123456789012".to_owned(),
            interfaces: vec![Interface {
                mac: "0e:49:61:0f:c3:11".to_owned(),
                network_interface_id: "eni-1".to_owned(),
                private_ips,
                device_number: 0,
            }],
        };
        Draft::new(&args, &identity, args.address.clone())
    }

    fn refusal(outcome: anyhow::Result<Draft>) -> String {
        outcome.expect_err("it cannot be drafted").to_string()
    }

    #[test]
    fn both_nodes_write_the_same_and_know_which_they_are() {
        let first = draft("10.0.1.10", &["10.0.1.11"], "10.0.2.10", "--peer-private-ip 10.0.2.11").unwrap();
        let second = draft("10.0.2.10", &["10.0.2.11"], "10.0.1.10", "--peer-private-ip 10.0.1.11").unwrap();
        assert_eq!((first.me, second.me), (0, 1));
        assert_eq!(first.to_string(), second.to_string());
        assert_eq!(first.members[0].name, "a");
        let place = Place::At {
            address: Ipv4Addr::new(10, 0, 2, 10),
            landing: Some(Ipv4Addr::new(10, 0, 2, 11)),
        };
        assert_eq!(first.members[1].place, place);
    }

    /// Zones, and no address: the same text for every instance that will ever be in one of them.
    #[test]
    fn nodes_that_are_found_need_neither_addresses_nor_interfaces() {
        let words = |peer: &str| format!("--discover --peer-zone {peer} --private-ip-index 1");
        let first = draft_in("eu-central-1a", Vec::new(), &words("eu-central-1b")).unwrap();
        let second = draft_in("eu-central-1b", Vec::new(), &words("eu-central-1a")).unwrap();
        assert_eq!((first.me, second.me), (0, 1));
        assert_eq!(first.to_string(), second.to_string());
        let text: Vec<String> = first.to_string().lines().map(str::to_owned).collect();
        for line in [
            "zone = \"eu-central-1b\"",
            "[discovery]",
            "tag = \"paird:pair\"",
            "private_ip_index = 1",
        ] {
            assert!(text.iter().any(|written| written == line), "{line}");
        }
        for key in ["addresses", "private_ips", "allocation_id"] {
            let is_key = |line: &String| line.starts_with(&format!("{key} ="));
            assert!(!text.iter().any(is_key), "{key}");
        }
    }

    #[test]
    fn a_peer_is_either_named_or_found() {
        let refused = |words: &str| draft_in("eu-central-1a", Vec::new(), words).is_err();
        assert!(refused("--address eipalloc-1"), "neither");
        assert!(refused("--discover --peer-zone eu-central-1b --peer 10.0.2.10"), "both");
        assert!(refused("--discover"), "where");
        assert!(refused(
            "--peer 10.0.2.10 --address eipalloc-1 --peer-zone eu-central-1b"
        ));
        let tagged = "--discover paird:role=edge --peer-zone eu-central-1b --address eipalloc-1";
        let draft = draft_in("eu-central-1a", Vec::new(), tagged).unwrap();
        assert_eq!(draft.tag.as_deref(), Some("paird:role=edge"));
        assert_eq!(draft.allocation_id.as_deref(), Some("eipalloc-1"));
    }

    #[test]
    fn given_names_decide_the_order() {
        let first = draft("10.0.1.10", &[], "10.0.2.10", "--name west --peer-name east").unwrap();
        let second = draft("10.0.2.10", &[], "10.0.1.10", "--name east --peer-name west").unwrap();
        assert_eq!((first.me, second.me), (1, 0));
        assert_eq!(first.to_string(), second.to_string());
    }

    #[test]
    fn the_landing_place_is_never_guessed() {
        assert_eq!(
            refusal(draft("10.0.1.10", &[], "10.0.2.10", "--peer-private-ip 10.0.2.11")),
            "eni-1 has no secondary private IP"
        );
        assert_eq!(
            refusal(draft(
                "10.0.1.10",
                &["10.0.1.11", "10.0.1.12"],
                "10.0.2.10",
                "--peer-private-ip 10.0.2.11"
            )),
            "eni-1 has several secondary private IPs: choose one of 10.0.1.11, 10.0.1.12 with --private-ip"
        );
        assert_eq!(
            refusal(draft(
                "10.0.1.10",
                &[],
                "10.0.2.10",
                "--private-ip 10.0.1.99 --peer-private-ip 10.0.2.11"
            )),
            "eni-1 has 10.0.1.10, not 10.0.1.99"
        );
    }
}
