//! A first configuration as text: each line with the sentence that the schema has for its key.

use std::fmt::{self, Display, Formatter};
use std::net::Ipv4Addr;
use std::path::Path;

use super::draft::{Draft, Member, Place};
use crate::config::schema;

/// How wide a comment may get.
const WIDTH: usize = 110;

const HEADER: &str = "\
# Configuration of paird, written by `paird init`: the same on both nodes.
# Every setting that is not here has its default; paird.toml.example beside this file shows them all, and paird.toml(5) or
# CONFIGURATION.md explains them. `paird check` says all that is wrong with this file at once.
";

const MORE_ADDRESSES: &str = "\
# Another Elastic IP for this pair: one more [[address]] with a name and private IPs of its own, as in paird.toml.example.
";

impl Display for Draft {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(HEADER)?;
        setting(out, "pair", &quoted(&self.pair))?;
        for member in &self.members {
            out.write_str("\n[[node]]\n")?;
            line(out, "node.name", &quoted(&member.name))?;
            match &member.place {
                Place::At { address, .. } => line(out, "node.addresses", &format!("[{}]", quoted(address)))?,
                Place::InZone(zone) => line(out, "node.zone", &quoted(zone))?,
            }
        }
        if let Some(tag) = &self.tag {
            table(out, "discovery")?;
            line(out, "discovery.tag", &quoted(tag))?;
        }
        out.write_str("\n[[address]]\n")?;
        match (&self.allocation_id, &self.tag) {
            (Some(allocation_id), _) => line(out, "address.allocation_id", &quoted(allocation_id))?,
            (None, tag) => line(out, "address.tag", &quoted(tag.as_deref().unwrap_or_default()))?,
        }
        if self.private_ip_index > 0 {
            line(out, "address.private_ip_index", &self.private_ip_index.to_string())?;
        }
        if let [Some(first), Some(second)] = self.members.each_ref().map(landing) {
            let [a, b] = self.members.each_ref().map(|member| &member.name);
            let places = format!("{{ {a} = {}, {b} = {} }}", quoted(first), quoted(second));
            line(out, "address.private_ips", &places)?;
        }
        if let Some(preferred) = &self.preferred {
            line(out, "address.preferred", &quoted(preferred))?;
        }
        out.write_str(MORE_ADDRESSES)?;
        if let Some(profile) = &self.profile {
            table(out, "heartbeat")?;
            line(out, "heartbeat.profile", &quoted(profile))?;
        }
        let asked = format!("{{ port = {}, path = {} }}", self.port, quoted(&self.path));
        table(out, "check")?;
        if let Some(socket) = &self.haproxy_socket {
            let socket = format!("{{ socket = {} }}", shown(socket));
            line(out, "check.haproxy", &socket)?;
        }
        line(out, "check.http", &asked)?;
        table(out, "probe")?;
        line(out, "probe.http", &asked)?;
        table(out, "security")?;
        line(out, "security.key_file", &shown(&self.key_file))?;
        table(out, "ec2")?;
        line(out, "ec2.region", &quoted(&self.region))?;
        if let Some(endpoint) = &self.ec2_endpoint {
            line(out, "ec2.endpoint", &quoted(endpoint))?;
        }
        if let Some(endpoint) = &self.imds_endpoint {
            line(out, "ec2.imds_endpoint", &quoted(endpoint))?;
        }
        Ok(())
    }
}

/// Where the Elastic IP lands on a node that is known by its address, if not there.
const fn landing(member: &Member) -> Option<Ipv4Addr> {
    match &member.place {
        Place::At { landing, .. } => *landing,
        Place::InZone(_) => None,
    }
}

/// A key at the top of the file.
fn setting(out: &mut Formatter<'_>, path: &str, value: &str) -> fmt::Result {
    out.write_str("\n")?;
    line(out, path, value)
}

/// The head of a table, with what it is about.
fn table(out: &mut Formatter<'_>, path: &str) -> fmt::Result {
    out.write_str("\n")?;
    comment(out, path)?;
    writeln!(out, "[{path}]")
}

/// A key in the table that was opened last, with what it means.
fn line(out: &mut Formatter<'_>, path: &str, value: &str) -> fmt::Result {
    comment(out, path)?;
    let name = path.rsplit_once('.').map_or(path, |(_, name)| name);
    writeln!(out, "{name} = {value}")
}

fn comment(out: &mut Formatter<'_>, path: &str) -> fmt::Result {
    let key = schema::find(path).expect("only keys of the schema are written");
    let mut width = 1;
    out.write_str("#")?;
    for word in key.doc.split(' ') {
        if width + 1 + word.len() > WIDTH {
            out.write_str("\n#")?;
            width = 1;
        }
        write!(out, " {word}")?;
        width += 1 + word.len();
    }
    out.write_str("\n")
}

/// A text as TOML writes it. What TOML could not read again is refused when the whole is checked.
fn quoted(text: impl Display) -> String {
    format!("{:?}", text.to_string())
}

fn shown(path: &Path) -> String {
    quoted(path.display())
}
