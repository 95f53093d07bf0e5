//! The meaning of a configuration as text, and its digest.

use std::fmt::Display;

use pair_ec2::Tag;
use sha2::{Digest, Sha256};

use super::schema::{self, Scope};
use super::{Address, Config, Security, duration};

/// See [`Config::digest`].
pub(super) fn digest(config: &Config) -> [u8; 8] {
    let mut hasher = Sha256::new();
    for (path, value) in effective(config) {
        let key = schema::find(path).expect("effective values carry paths of the schema");
        if key.scope == Scope::Pair {
            hasher.update(path);
            hasher.update(" = ");
            hasher.update(value);
            hasher.update("\n");
        }
    }
    let hash = hasher.finalize();
    hash.first_chunk().copied().expect("a SHA-256 has 32 bytes")
}

/// See [`Config::effective`].
pub(super) fn effective(config: &Config) -> Vec<(&'static str, String)> {
    let mut values = Effective::default();
    values.text("pair", &config.pair);
    for node in &config.nodes {
        values.text("node.name", &node.name);
        // What was found may differ for a while, and is not what the file says.
        match &node.zone {
            Some(zone) => values.text("node.zone", zone),
            None => {
                let ends: Vec<String> = node.ends().map(|end| format!("\"{end}\"")).collect();
                values.raw("node.addresses", &format!("[{}]", ends.join(", ")));
            }
        }
    }
    if let Some(tag) = &config.discovery {
        values.tag("discovery.tag", tag);
    }
    // In an order of their own: that of the file means nothing.
    let mut addresses: Vec<&Address> = config.addresses.iter().collect();
    addresses.sort_unstable_by_key(|address| match &address.tag {
        Some(tag) => (&tag.key, &tag.value),
        None => (&address.allocation_id, &address.allocation_id),
    });
    for address in addresses {
        if let Some(name) = &address.name {
            values.text("address.name", name);
        }
        match &address.tag {
            Some(tag) => values.tag("address.tag", tag),
            None => values.text("address.allocation_id", &address.allocation_id),
        }
        if config.discovery.is_some() {
            values.raw("address.private_ip_index", &address.private_ip_index);
        } else if let Some([first, second]) = &address.private_ips {
            let [a, b] = config.nodes.each_ref().map(|node| &node.name);
            values.raw(
                "address.private_ips",
                &format!("{{ {a} = \"{first}\", {b} = \"{second}\" }}"),
            );
        }
        values.text("address.preferred", &config.nodes[address.preferred].name);
    }
    let heartbeat = &config.heartbeat;
    values.text("heartbeat.profile", &heartbeat.profile.name());
    values.duration("heartbeat.interval", heartbeat.interval);
    values.duration("heartbeat.holdtime", heartbeat.holdtime);
    values.raw("heartbeat.port", &heartbeat.port);
    let check = &config.check;
    if let Some(socket) = &check.haproxy_socket {
        values.text("check.haproxy.socket", &socket.display());
    }
    if let Some(file) = &check.haproxy_config {
        values.text("check.haproxy.config", &file.display());
    }
    if let Some(http) = &check.http {
        values.raw("check.http.port", &http.port);
        values.text("check.http.path", &http.path);
        values.duration("check.http.timeout", http.timeout);
    }
    if let Some(tcp) = &check.tcp {
        values.raw("check.tcp.port", &tcp.port);
        values.duration("check.tcp.timeout", tcp.timeout);
    }
    if let Some(command) = &check.command {
        values.text("check.command.program", &command.program.display());
        values.duration("check.command.timeout", command.timeout);
        values.duration("check.command.interval", command.interval);
    }
    values.duration("check.interval", check.interval);
    values.raw("check.none", &check.is_bare());
    if let Some(probe) = &config.probe {
        values.raw("probe.http.port", &probe.port);
        values.text("probe.http.path", &probe.path);
        values.duration("probe.http.timeout", probe.timeout);
        values.text("probe.http.expect", &probe.expect);
    }
    values.raw("probe.none", &config.probe.is_none());
    let takeover = &config.takeover;
    values.duration("takeover.lost_contact_takeover", takeover.lost_contact_takeover);
    values.duration("takeover.unfit_delay", takeover.unfit_delay);
    values.duration("takeover.refit", takeover.refit);
    values.duration("takeover.restart_grace", takeover.restart_grace);
    values.raw("takeover.strict", &takeover.strict);
    if let Some(delay) = takeover.preempt_delay {
        values.duration("takeover.preempt_delay", delay);
    }
    match &config.security {
        Security::KeyFile(path) => values.text("security.key_file", &path.display()),
        Security::InsecureNoKey => {}
    }
    values.raw(
        "security.insecure_no_key",
        &(config.security == Security::InsecureNoKey),
    );
    if let Some(witness) = &config.witness {
        let addresses = witness.addresses.iter().map(|address| format!("\"{address}\""));
        let addresses: Vec<_> = addresses.collect();
        values.raw("witness.addresses", &format!("[{}]", addresses.join(", ")));
        values.raw("witness.port", &witness.port);
        values.text("witness.key_file", &witness.key_file.display());
        values.raw("witness.required", &witness.required);
        values.duration("witness.isolation_grace", witness.isolation_grace);
    }
    if let Some(region) = &config.ec2.region {
        values.text("ec2.region", region);
    }
    if let Some(endpoint) = &config.ec2.endpoint {
        values.text("ec2.endpoint", endpoint);
    }
    if let Some(endpoint) = &config.ec2.imds_endpoint {
        values.text("ec2.imds_endpoint", endpoint);
    }
    values.duration("ec2.call_timeout", config.ec2.call_timeout);
    values.duration("readiness.interval", config.readiness_interval);
    if let Some(notices) = &config.notices {
        values.text("notices.spot", &notices.spot.name());
        values.text("notices.autoscaling", &notices.autoscaling.name());
        values.text("notices.maintenance", &notices.maintenance.name());
        values.duration("notices.maintenance_lead", notices.maintenance_lead);
        values.text("notices.rebalance", &notices.rebalance.name());
    }
    values.raw("notices.none", &config.notices.is_none());
    values.text("control.socket", &config.control_socket.display());
    values.text("state.directory", &config.state_directory.display());
    if let Some(listen) = &config.metrics_listen {
        values.text("metrics.listen", listen);
    }
    values.raw("metrics.none", &config.metrics_listen.is_none());
    values.text("hooks.directory", &config.hooks.directory.display());
    values.duration("hooks.timeout", config.hooks.timeout);
    values.text("log.format", &config.log.format.name());
    values.text("log.level", &config.log.level.name());
    values.0
}

#[derive(Default)]
struct Effective(Vec<(&'static str, String)>);

impl Effective {
    fn raw(&mut self, path: &'static str, value: &dyn Display) {
        self.0.push((path, value.to_string()));
    }

    fn text(&mut self, path: &'static str, value: &dyn Display) {
        self.raw(path, &format_args!("{:?}", value.to_string()));
    }

    fn tag(&mut self, path: &'static str, tag: &Tag) {
        self.text(path, &format_args!("{}={}", tag.key, tag.value));
    }

    fn duration(&mut self, path: &'static str, value: std::time::Duration) {
        self.text(path, &duration::format(value));
    }
}
