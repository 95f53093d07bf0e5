//! The stack of a template: made by moto's CloudFormation, asked for by AWS's own client.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::backend::beside_moto;

/// What CloudFormation made.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The template that it was made of, but for what moto has to be told in its own words.
    pub template: String,
    /// How the addresses of its network begin; the checked-in templates have `10.77.`.
    pub prefix: String,
    /// `CREATE_COMPLETE`, if all went well.
    pub status: String,
    /// How many instances there are.
    pub instances: usize,
    /// The Elastic IPs.
    pub addresses: Vec<Ipv4Addr>,
    /// What the name in Route 53 has.
    pub values: Vec<Ipv4Addr>,
    /// With an answer for each pair: the address of each, and the one that its health check asks.
    pub answers: Vec<[Ipv4Addr; 2]>,
    /// With interface endpoints: of which services.
    pub endpoints: Vec<String>,
}

impl Stack {
    pub(super) fn of(made: &Value, template: String, prefix: String) -> Self {
        let items = |name: &str| made[name].as_object().expect("the script prints it").values();
        let list = |name: &str| made[name].as_array().expect("the script prints it").iter();
        Self {
            template,
            prefix,
            status: text(&made["status"]),
            instances: items("nodes").count(),
            addresses: items("addresses").map(|address| ip(&address["public_ip"])).collect(),
            answers: list("answers")
                .map(|answer| ["value", "checked"].map(|name| ip(&answer[name])))
                .collect(),
            endpoints: list("endpoints").map(text).collect(),
            values: list("values").map(ip).collect(),
        }
    }
}

/// Creates the stack with AWS's own client.
pub(super) fn create(moto: SocketAddr, template: &str) -> Value {
    let python = beside_moto("python3").expect("a fleet is skipped without it");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fleet/create.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(format!("http://{moto}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("moto's python can be run");
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    stdin
        .write_all(for_moto(template).as_bytes())
        .expect("it reads the template");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "the stack could not be created: {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// Tells moto in its own words what it does not understand: it makes an interface of its own for an instance, with one private
/// IP, and tells of an association there only. So that has to be the one on which the Elastic IP lands.
fn for_moto(template: &str) -> String {
    const INTERFACES: &str = "      NetworkInterfaces:\n";
    let mut parts = template.split(INTERFACES);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let of_this = rest.split("      Tags:\n").next().unwrap_or_default();
        let subnet = part(of_this, "SubnetId: ", "\n");
        let landing = of_this.rsplit("PrivateIpAddress: ").next().unwrap_or_default();
        let landing = landing.lines().next().unwrap_or_default();
        text += &format!("      SubnetId: {subnet}\n      PrivateIpAddress: {landing}\n{INTERFACES}{rest}");
    }
    text
}

/// The part of a text between two others, or to its end.
pub(super) fn part<'t>(text: &'t str, begin: &str, end: &str) -> &'t str {
    let (_, rest) = text
        .split_once(begin)
        .unwrap_or_else(|| panic!("{begin:?} is not in {text}"));
    rest.split(end).next().unwrap_or(rest)
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().expect("the script prints it").to_owned()
}

pub(super) fn ip(value: &Value) -> Ipv4Addr {
    text(value).parse().expect("it is an IPv4 address")
}
