//! Who this instance is: its metadata service, its role, its interface.

use std::net::Ipv4Addr;
use std::time::SystemTime;

use pair_ec2::{Identity, Imds, Interface, PublicAddress, Settings};
use pair_wire::control::Problem;

use super::Patient;
use super::chart::Chart;
use crate::notices::{Policy, Span, Told};
use crate::problems::{self, degraded};

const IMDS: &str = "imds";
const ROLE: &str = "role";
const INTERFACE: &str = "interface";
const NOTICES: &str = "notices";

/// What the instance says of itself.
pub(super) struct Instance {
    pub(super) imds: Imds,
    pub(super) identity: Identity,
    /// The public addresses of all its interfaces.
    pub(super) public: Vec<PublicAddress>,
}

impl Instance {
    /// The interface that has this private IP.
    pub(super) fn interface(&self, private_ip: Ipv4Addr) -> Option<&Interface> {
        interface(&self.identity, private_ip)
    }
}

/// Examines the instance; `None` if EC2 cannot be asked in its name.
pub(super) async fn examine(patient: &Patient, settings: &Settings, chart: &mut Chart) -> Option<Instance> {
    let connected = match Imds::connect(settings) {
        Ok(imds) => imds
            .identity()
            .await
            .map(|identity| (imds, identity))
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let (imds, identity) = match connected {
        Ok(connected) => connected,
        Err(error) => {
            chart.found(IMDS, vec![problems::imds_unreachable(&error)]);
            chart.skipped("role, interface and EC2", "IMDS does not answer".to_owned());
            return None;
        }
    };
    let endpoint = imds.endpoint();
    let seen = format!(
        "{}: {} in {}, account {}",
        endpoint.url, identity.instance_id, identity.availability_zone, identity.account
    );
    match endpoint.redirected_by {
        Some(variable) => chart.found(IMDS, vec![problems::redirected("IMDS", &endpoint.url, variable)]),
        None => chart.sound(IMDS, seen),
    }
    examine_notices(&imds, patient.config.notices.as_ref(), chart).await;
    for landing in patient.addresses() {
        let (subject, private_ip) = (landing.subject(INTERFACE), landing.private_ip);
        match interface(&identity, private_ip) {
            Some(interface) => {
                let id = &interface.network_interface_id;
                chart.sound(&subject, format!("{id} has {private_ip}"));
            }
            None => chart.found(&subject, vec![problems::no_interface(private_ip)]),
        }
    }
    match imds.role().await {
        Ok(Some(role)) => chart.sound(ROLE, role),
        Ok(None) => {
            chart.found(ROLE, vec![problems::no_role("this instance has no role")]);
            chart.skipped("EC2", "there is nothing to sign calls with".to_owned());
            return None;
        }
        Err(error) => {
            chart.found(ROLE, vec![problems::imds_unreachable(&error.to_string())]);
            chart.skipped("EC2", "IMDS does not answer".to_owned());
            return None;
        }
    }
    let mut public = Vec::new();
    for interface in &identity.interfaces {
        match imds.associations(&interface.mac).await {
            Ok(addresses) => public.extend(addresses),
            Err(error) => {
                let hint = "it is asked again at the next examination";
                chart.found(
                    "public addresses",
                    vec![degraded("imds-unreachable", error.to_string(), hint)],
                );
            }
        }
    }
    Some(Instance { imds, identity, public })
}

fn interface(identity: &Identity, private_ip: Ipv4Addr) -> Option<&Interface> {
    let mut interfaces = identity.interfaces.iter();
    interfaces.find(|interface| interface.private_ips.contains(&private_ip))
}

/// Asks what AWS says of the end of this host.
async fn examine_notices(imds: &Imds, policy: Option<&Policy>, chart: &mut Chart) {
    let Some(policy) = policy else {
        return chart.skipped(NOTICES, "notices.none says that AWS's notices are not read".to_owned());
    };
    let mut told = Told::default();
    let errors = told.ask(imds, policy, Span::All).await;
    let mut findings: Vec<Problem> = errors
        .iter()
        .map(|error| problems::imds_unreachable(&error.to_string()))
        .collect();
    findings.extend(problems::of_notices(&told.notices(policy, SystemTime::now())));
    if findings.is_empty() {
        chart.sound(NOTICES, "AWS gives no notice about this host".to_owned());
    } else {
        chart.found(NOTICES, findings);
    }
}
