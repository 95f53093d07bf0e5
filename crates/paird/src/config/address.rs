//! The tables `[[address]]`: each for itself, then what only all of them together show.

use std::net::{IpAddr, Ipv4Addr};

use pair_ec2::Tag;

use super::build::{Read, advice_for_node, tag_of};
use super::reader::{Reader, Reported, Section, times};
use super::schema::MOST_ADDRESSES;
use super::value::{Problem, quoted};
use super::{Address, Node};

/// Reads all of them, in the order of the file.
pub(super) fn read_addresses<'t>(
    reader: &mut Reader<'t>,
    root: &Section<'t>,
    pair: &str,
    nodes: Option<&[Node; 2]>,
) -> Read<Vec<Address>> {
    let sections = reader.sections(root, "address")?;
    let read: Vec<Read<Address>> = sections
        .iter()
        .map(|section| read_address(reader, section, pair, nodes))
        .collect();
    if read.is_empty() {
        return Err(reader.report(root, "address", Problem::new("an empty list", "write [[address]] once")));
    }
    if let Some(excess) = sections.get(MOST_ADDRESSES) {
        let problem = Problem::new(
            format!("written {}", times(sections.len())),
            format!("write [[address]] {} at most", times(MOST_ADDRESSES)),
        );
        return Err(reader.report_section(excess, problem));
    }
    let addresses = read.into_iter().collect::<Read<Vec<_>>>()?;
    compare(reader, &sections, &addresses, nodes.ok_or(Reported)?)?;
    Ok(addresses)
}

fn read_address<'t>(
    reader: &mut Reader<'t>,
    section: &Section<'t>,
    pair: &str,
    nodes: Option<&[Node; 2]>,
) -> Read<Address> {
    let name = reader.optional_text(section, "name");
    let allocation = read_allocation(reader, section, pair);
    let private_ips = reader.optional_text_per_node(section, "private_ips");
    let private_ip_index = reader.optional_integer(section, "private_ip_index");
    let preferred = reader.optional_text(section, "preferred");
    let nodes = nodes.ok_or(Reported)?;
    let private_ips = private_ips.and_then(|ips| read_private_ips(reader, section, nodes, ips));
    let private_ip_index = private_ip_index?;
    if are_found(nodes) && section.has("private_ips") {
        let problem = Problem::new("the nodes are found by [discovery]", "write `private_ip_index = …`");
        return Err(reader.report(section, "private_ips", problem));
    }
    if !are_found(nodes) && private_ip_index.is_some() {
        let problem = Problem::new("only nodes that are found have one", "write `private_ips = …`");
        return Err(reader.report(section, "private_ip_index", problem));
    }
    if matches!(private_ips, Ok(None)) && nodes[0].address.is_ipv6() {
        let problem = Problem::new(
            "missing, and the nodes' own addresses are IPv6",
            "name the IPv4 address of each node on which the Elastic IP lands",
        );
        return Err(reader.report(section, "private_ips", problem));
    }
    let preferred = preferred.and_then(|name| read_preferred(reader, section, nodes, name.as_deref()));
    let (allocation_id, tag) = allocation?;
    Ok(Address {
        name: name?,
        allocation_id,
        tag,
        private_ips: private_ips?,
        private_ip_index: private_ip_index.unwrap_or_default().into(),
        preferred: preferred?,
    })
}

/// The allocation's id, or the tag by which it is found.
fn read_allocation<'t>(reader: &mut Reader<'t>, section: &Section<'t>, pair: &str) -> Read<(String, Option<Tag>)> {
    let allocation_id = reader.optional_text(section, "allocation_id");
    let tag = reader.optional_text(section, "tag");
    match (allocation_id?, tag?) {
        (Some(id), None) => Ok((id, None)),
        (None, Some(tag)) => Ok((String::new(), Some(tag_of(&tag, pair)))),
        (Some(_), Some(_)) => {
            let problem = Problem::new("there is an `allocation_id` beside it", "remove one of the two");
            Err(reader.report(section, "tag", problem))
        }
        (None, None) => Err(reader.missing_in(section, "allocation_id")),
    }
}

/// Whether the nodes are found, and with them the private IPs on which addresses land.
fn are_found(nodes: &[Node; 2]) -> bool {
    nodes[0].zone.is_some()
}

/// Complains of what two addresses share.
fn compare<'t>(
    reader: &mut Reader<'t>,
    sections: &[Section<'t>],
    addresses: &[Address],
    nodes: &[Node; 2],
) -> Read<()> {
    let mut outcome = Ok(());
    for (place, (section, address)) in sections.iter().zip(addresses).enumerate() {
        let earlier = &addresses[..place];
        let mut wrong = |key: &str, problem: String, advice: &str| {
            outcome = Err(reader.report(section, key, Problem::new(problem, advice)));
        };
        if earlier.iter().any(|other| other.is_same(address)) {
            let (key, what) = match &address.tag {
                Some(tag) => ("tag", format!("{}={}", tag.key, tag.value)),
                None => ("allocation_id", address.allocation_id.clone()),
            };
            wrong(key, format!("{what} is written twice"), "write each Elastic IP once");
            continue;
        }
        match &address.name {
            None if earlier.iter().any(|other| other.name.is_none()) => wrong(
                "name",
                "missing, and another address has none either".to_owned(),
                "give a name to the address that is added, and leave the first one as it is",
            ),
            Some(name) if earlier.iter().any(|other| other.name.as_ref() == Some(name)) => {
                let problem = format!("{} is used by two addresses", quoted(name));
                wrong("name", problem, "give each address its own");
            }
            None | Some(_) => {}
        }
        if are_found(nodes) {
            let index = address.private_ip_index;
            if earlier.iter().any(|other| other.private_ip_index == index) {
                wrong(
                    "private_ip_index",
                    format!("{index} is the place of another address, too"),
                    "give each address a private IP of its own: EC2 would knock one off for the other",
                );
            }
            continue;
        }
        let shared = nodes.iter().enumerate().find_map(|(index, node)| {
            let place = place_of(address, nodes, index);
            let is_taken = earlier.iter().any(|other| place_of(other, nodes, index) == place);
            is_taken.then_some((place, &node.name))
        });
        if let Some((private_ip, node)) = shared {
            let problem = if section.has("private_ips") {
                format!("{private_ip} of node \"{node}\" is the place of another address, too")
            } else {
                "missing, and another address lands on the primary private IPs".to_owned()
            };
            wrong(
                "private_ips",
                problem,
                "give each address a private IP of its own on each node: EC2 would knock one off for the other",
            );
        }
    }
    outcome
}

/// Where an address lands on the node at `index`.
fn place_of(address: &Address, nodes: &[Node; 2], index: usize) -> IpAddr {
    match address.private_ips {
        Some(private_ips) => IpAddr::V4(private_ips[index]),
        None => nodes[index].address,
    }
}

fn read_private_ips<'t>(
    reader: &mut Reader<'t>,
    section: &Section<'t>,
    nodes: &[Node; 2],
    written: Option<Vec<(String, String)>>,
) -> Read<Option<[Ipv4Addr; 2]>> {
    let Some(written) = written else { return Ok(None) };
    let mut wrong = |problem: String, advice: String| {
        reader.report(section, "private_ips", Problem::new(problem, advice));
    };
    for (name, _) in &written {
        if !nodes.iter().any(|node| node.name == *name) {
            wrong(
                format!("no node is named {}", quoted(name)),
                advice_for_node(nodes, name),
            );
        }
    }
    let ips = nodes.each_ref().map(|node| {
        let ip = written.iter().find(|(name, _)| *name == node.name);
        if ip.is_none() {
            wrong(
                format!("nothing for node \"{}\"", node.name),
                "write an address for each node".to_owned(),
            );
        }
        ip.and_then(|(_, ip)| ip.parse().ok())
    });
    let [Some(first), Some(second)] = ips else {
        return Err(Reported);
    };
    if first == second {
        wrong(
            format!("{first} is used by both nodes"),
            "give each node its own".to_owned(),
        );
        return Err(Reported);
    }
    Ok(Some([first, second]))
}

fn read_preferred<'t>(
    reader: &mut Reader<'t>,
    section: &Section<'t>,
    nodes: &[Node; 2],
    name: Option<&str>,
) -> Read<usize> {
    let Some(name) = name else { return Ok(0) };
    nodes.iter().position(|node| node.name == name).ok_or_else(|| {
        let problem = Problem::new(
            format!("no node is named {}", quoted(name)),
            advice_for_node(nodes, name),
        );
        reader.report(section, "preferred", problem)
    })
}
