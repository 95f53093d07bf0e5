//! EC2 asked in this instance's name: where it is, what time it is there, who holds the address, and whether a takeover would
//! be allowed.

use std::net::IpAddr;

use pair_ec2::{Address, CallError, Connection, Ec2, Settings, Target};

use super::chart::Chart;
use super::instance::Instance;
use super::{Patient, egress, members};
use crate::problems;

const EC2: &str = "ec2";
const CLOCK: &str = "clock";
const ADDRESS: &str = "address";
const REHEARSAL: &str = "rehearsal";
const EGRESS: &str = "egress";

/// Examines it, on connections that nobody has used before.
pub(super) async fn examine(patient: &Patient, settings: &Settings, instance: &Instance, chart: &mut Chart) {
    let skip_rest = |chart: &mut Chart, why: &str| {
        for subject in [REHEARSAL, EGRESS] {
            chart.skipped(subject, why.to_owned());
        }
    };
    let ec2 = match Ec2::connect(settings, &instance.imds, &instance.identity.region).await {
        Ok(ec2) => ec2,
        Err(error) => {
            chart.found(EC2, vec![problems::ec2_unreadable(&error.to_string())]);
            return skip_rest(chart, "EC2 cannot be asked");
        }
    };
    let call_timeout = patient.config.ec2.call_timeout;
    let allocation_id = &patient.config.address.allocation_id;
    let read = ec2.address(allocation_id, call_timeout, Connection::Pooled).await;
    examine_endpoint(&ec2, read.as_ref().err(), chart);
    examine_clock(&ec2, chart);
    members::examine(patient, &ec2, instance, chart).await;
    let address = match read {
        Ok(address) => address,
        Err(error) => {
            if error.was_answered() {
                chart.found(ADDRESS, vec![problems::of_call(&error)]);
            } else {
                chart.skipped(ADDRESS, "EC2 does not answer".to_owned());
            }
            return skip_rest(chart, "the address cannot be read");
        }
    };
    examine_holder(patient, instance, &address, chart);
    let neighbours = match &instance.interface {
        Some(interface) => {
            let target = Target {
                allocation_id: allocation_id.clone(),
                network_interface_id: interface.network_interface_id.clone(),
                private_ip: patient.private_ip,
            };
            examine_takeover(patient, &ec2, &target, &address, chart).await
        }
        None => {
            chart.skipped(REHEARSAL, "there is no interface to land on".to_owned());
            Vec::new()
        }
    };
    let is_neighbour = |ip| neighbours.iter().any(|neighbour| neighbour.public_ip == ip);
    let mut public = instance.public.clone();
    public.retain(|address| !is_neighbour(address.public_ip));
    chart.add(EGRESS, egress::examine(&public, patient.private_ip, address.public_ip));
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
fn examine_holder(patient: &Patient, instance: &Instance, address: &Address, chart: &mut Chart) {
    let Some(held) = &address.association else {
        // Usual before the agents were ever started.
        let seen = format!("{} is associated with nothing, and free to be taken", address.public_ip);
        return chart.sound(ADDRESS, seen);
    };
    let names = patient.config.nodes.each_ref().map(|node| node.name.as_str());
    let private_ips = crate::run::core_config(&patient.config, patient.me).private_ips;
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
        chart.sound(ADDRESS, seen(me));
    } else if is_mine {
        chart.found(ADDRESS, vec![problems::misplaced(names[me])]);
    } else if is_at(1 - me) {
        chart.sound(ADDRESS, seen(1 - me));
    } else {
        let holder = held.instance_id.as_ref().or(held.network_interface_id.as_ref());
        chart.found(ADDRESS, vec![problems::held_by_stranger(holder.map(String::as_str))]);
    }
}

/// Makes the very calls of a takeover without effect, and gives the other addresses that are in the place of this one.
async fn examine_takeover(
    patient: &Patient,
    ec2: &Ec2,
    target: &Target,
    address: &Address,
    chart: &mut Chart,
) -> Vec<Address> {
    let call_timeout = patient.config.ec2.call_timeout;
    let rehearse = async {
        if let Some(held) = address.association.as_ref().filter(|_| patient.config.takeover.strict) {
            ec2.dry_run_release(&held.association_id, call_timeout, Connection::Pooled)
                .await?;
        }
        ec2.dry_run_associate(target, true, call_timeout, Connection::Pooled)
            .await?;
        ec2.neighbours(target, call_timeout, Connection::Pooled).await
    };
    let neighbours = rehearse.await;
    match &neighbours {
        Err(error) => chart.found(REHEARSAL, vec![problems::of_call(error)]),
        Ok(neighbours) => match neighbours.first() {
            Some(neighbour) => chart.found(REHEARSAL, vec![problems::place_taken(neighbour)]),
            None => chart.sound(REHEARSAL, "EC2 would let this node take the address".to_owned()),
        },
    }
    neighbours.unwrap_or_default()
}
