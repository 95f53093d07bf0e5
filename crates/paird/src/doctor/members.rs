//! Who bears the pair's tag, where the members are found by it.

use pair_ec2::{Connection, Ec2};

use super::Patient;
use super::chart::Chart;
use super::instance::Instance;
use crate::discovery::{self, Outside, roster};
use crate::problems::{self, degraded};

const MEMBERS: &str = "members";

/// Examines it, if the members are found.
pub(super) async fn examine(patient: &Patient, ec2: &Ec2, instance: &Instance, chart: &mut Chart) {
    let config = &patient.config;
    let Some(tag) = &config.discovery else { return };
    let found = ec2
        .tagged_instances(tag, config.ec2.call_timeout, Connection::Pooled)
        .await;
    let found = match found {
        Ok(found) => found,
        Err(error) => return chart.found(MEMBERS, vec![problems::of_call(&error)]),
    };
    let zones = [patient.me, patient.me.peer()];
    let zones = zones.map(|member| config.nodes[member.index()].zone.as_deref().unwrap_or_default());
    let tag = discovery::tag(tag);
    let roster = match roster::sort(&found, &instance.identity.instance_id, zones) {
        Ok(roster) => roster,
        Err(outside) => return chart.found(MEMBERS, vec![no_member(&outside, &tag)]),
    };
    if !roster.spares.is_empty() {
        return chart.found(MEMBERS, vec![problems::third_member(&roster.spares, &tag)]);
    }
    let name = &config.nodes[patient.me.peer().index()].name;
    match &roster.peer {
        Some(peer) => {
            let (id, address) = (&peer.instance_id, peer.address());
            chart.sound(MEMBERS, format!("{name} is {id} at {address}, by the tag {tag}"));
        }
        None => chart.found(MEMBERS, vec![problems::peer_not_found(&tag)]),
    }
}

/// The problem of an instance that is no member.
pub(super) fn no_member(outside: &Outside, tag: &str) -> pair_wire::control::Problem {
    let text = match outside {
        Outside::Spare { member, zone } => format!("{member} is the member in {zone}, and this instance is a spare"),
        Outside::Untagged => format!("EC2 does not list this instance among those that bear the tag {tag}"),
        Outside::Ending => "EC2 says that this instance is about to end".to_owned(),
    };
    degraded(
        "no-member",
        text,
        "a pair has the two instances that have run the longest in its zones",
    )
}
