//! EC2 asked in this instance's name: where it is, what time it is there, who holds the address, and whether a takeover would
//! be allowed.

use std::net::{IpAddr, Ipv4Addr};

use pair_ec2::{Address, CallError, Connection, Ec2, Settings, Target};
use pair_wire::control::Examined;

use super::chart::{Chart, found};
use super::instance::Instance;
use super::{Landing, Patient, egress, members};
use crate::problems;

const EC2: &str = "ec2";
const CLOCK: &str = "clock";
const ADDRESS: &str = "address";
const REHEARSAL: &str = "rehearsal";
const EGRESS: &str = "egress";

/// Examines it, on connections that nobody has used before.
pub(super) async fn examine(patient: &Patient, settings: &Settings, instance: &Instance, chart: &mut Chart) {
    let ec2 = match Ec2::connect(settings, &instance.imds, &instance.identity.region).await {
        Ok(ec2) => ec2,
        Err(error) => {
            chart.found(EC2, vec![problems::ec2_unreadable(&error.to_string())]);
            for landing in patient.addresses() {
                skip_rest(&landing, "EC2 cannot be asked", chart);
            }
            return;
        }
    };
    let mut reads = Vec::new();
    for landing in patient.addresses() {
        let allocation_id = &landing.address.allocation_id;
        let call_timeout = patient.config.ec2.call_timeout;
        let read = ec2.address(allocation_id, call_timeout, Connection::Pooled).await;
        if reads.is_empty() {
            examine_endpoint(&ec2, read.as_ref().err(), chart);
            examine_clock(&ec2, chart);
            members::examine(patient, &ec2, instance, chart).await;
        }
        reads.push((landing, read));
    }
    // Those of the pair move, and are no way to EC2 that stays.
    let moving: Vec<Ipv4Addr> = reads
        .iter()
        .filter_map(|(_, read)| read.as_ref().ok().map(|address| address.public_ip))
        .collect();
    for (landing, read) in reads {
        match read {
            Ok(address) => examine_address(patient, &ec2, instance, &landing, &address, &moving, chart).await,
            Err(error) => {
                let subject = &landing.subject(ADDRESS);
                if error.was_answered() {
                    chart.found(subject, vec![problems::of_call(&error)]);
                } else {
                    chart.skipped(subject, "EC2 does not answer".to_owned());
                }
                skip_rest(&landing, "the address cannot be read", chart);
            }
        }
    }
}

fn skip_rest(landing: &Landing<'_>, why: &str, chart: &mut Chart) {
    for subject in [REHEARSAL, EGRESS] {
        chart.skipped(&landing.subject(subject), why.to_owned());
    }
}

/// Examines one address that EC2 has told of; `moving` are all addresses of the pair.
async fn examine_address(
    patient: &Patient,
    ec2: &Ec2,
    instance: &Instance,
    landing: &Landing<'_>,
    address: &Address,
    moving: &[Ipv4Addr],
    chart: &mut Chart,
) {
    examine_holder(patient, instance, landing, address, chart);
    let neighbours = match instance.interface(landing.private_ip) {
        Some(interface) => {
            let target = Target {
                allocation_id: landing.address.allocation_id.clone(),
                network_interface_id: interface.network_interface_id.clone(),
                private_ip: landing.private_ip,
            };
            let neighbours = rehearse(patient, ec2, &target, address).await;
            chart.add(&landing.subject(REHEARSAL), examine_rehearsal(&neighbours));
            neighbours.unwrap_or_default()
        }
        None => {
            let why = "there is no interface to land on".to_owned();
            chart.skipped(&landing.subject(REHEARSAL), why);
            Vec::new()
        }
    };
    let is_neighbour = |ip| neighbours.iter().any(|neighbour| neighbour.public_ip == ip);
    let mut public = instance.public.clone();
    public.retain(|address| !is_neighbour(address.public_ip));
    chart.add(
        &landing.subject(EGRESS),
        egress::examine(&public, landing.private_ip, moving),
    );
}

fn examine_endpoint(ec2: &Ec2, error: Option<&CallError>, chart: &mut Chart) {
    let endpoint = ec2.endpoint();
    let mut findings = Vec::new();
    if let Some(variable) = endpoint.redirected_by {
        findings.push(problems::redirected("EC2", &endpoint.url, variable));
    }
    if let Some(error) = error.filter(|error| !error.was_answered()) {
        findings.push(problems::of_call(error));
    }
    if findings.is_empty() {
        chart.sound(EC2, format!("{} answers", endpoint.url));
    } else {
        chart.found(EC2, findings);
    }
}

fn examine_clock(ec2: &Ec2, chart: &mut Chart) {
    let Some(ahead_s) = ec2.clock_ahead_s() else {
        return chart.skipped(CLOCK, "EC2 did not tell its time".to_owned());
    };
    match problems::of_clock(ahead_s) {
        Some(finding) => chart.found(CLOCK, vec![finding]),
        None => chart.sound(CLOCK, format!("{} s from EC2's", ahead_s.unsigned_abs())),
    }
}

/// Says who holds the address, as far as this node alone can tell: by the private IPs of the configuration.
fn examine_holder(patient: &Patient, instance: &Instance, landing: &Landing<'_>, address: &Address, chart: &mut Chart) {
    let subject = &landing.subject(ADDRESS);
    let Some(held) = &address.association else {
        // Usual before the agents were ever started.
        let seen = format!("{} is associated with nothing, and free to be taken", address.public_ip);
        return chart.sound(subject, seen);
    };
    let names = patient.config.nodes.each_ref().map(|node| node.name.as_str());
    let private_ips = patient.config.places(landing.address);
    let is_at = |index: usize| held.private_ip.map(IpAddr::V4) == Some(private_ips[index]);
    let mine = |id: &String| {
        instance
            .identity
            .interfaces
            .iter()
            .any(|interface| interface.network_interface_id == *id)
    };
    let is_mine = held.network_interface_id.as_ref().is_some_and(mine);
    let me = patient.me.index();
    let seen = |index: usize| format!("{} is on {} ({})", address.public_ip, names[index], private_ips[index]);
    if is_mine && is_at(me) {
        chart.sound(subject, seen(me));
    } else if is_mine {
        chart.found(subject, vec![problems::misplaced(names[me])]);
    } else if is_at(1 - me) {
        chart.sound(subject, seen(1 - me));
    } else {
        let holder = held.instance_id.as_ref().or(held.network_interface_id.as_ref());
        chart.found(subject, vec![problems::held_by_stranger(holder.map(String::as_str))]);
    }
}

/// Makes the very calls of a takeover without effect, and gives the other addresses that are in the place of this one.
async fn rehearse(patient: &Patient, ec2: &Ec2, target: &Target, address: &Address) -> Result<Vec<Address>, CallError> {
    let call_timeout = patient.config.ec2.call_timeout;
    if let Some(held) = address.association.as_ref().filter(|_| patient.config.takeover.strict) {
        ec2.dry_run_release(&held.association_id, call_timeout, Connection::Pooled)
            .await?;
    }
    ec2.dry_run_associate(target, true, call_timeout, Connection::Pooled)
        .await?;
    ec2.neighbours(target, call_timeout, Connection::Pooled).await
}

fn examine_rehearsal(neighbours: &Result<Vec<Address>, CallError>) -> Examined {
    match neighbours.as_deref() {
        Err(error) => found(problems::of_call(error)),
        Ok([neighbour, ..]) => found(problems::place_taken(neighbour)),
        Ok([]) => Examined::Sound {
            seen: "EC2 would let this node take the address".to_owned(),
        },
    }
}
