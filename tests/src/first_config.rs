//! The first configuration of a node, as `paird init` makes it.

use std::fs;

use crate::binaries::{Ran, binary, ran};
use crate::config::METRICS_PORT;
use crate::node::Place;
use crate::pair::Pair;

impl Pair {
    /// Runs `paird init` on a node, where IMDS and EC2 are those of the lab.
    pub fn init(&self, node: &str, args: &[&str]) -> Ran {
        let endpoints = [self.lab().ec2_endpoint_of(node), self.lab().imds_endpoint(node)];
        let [ec2, imds] = endpoints.map(|endpoint| endpoint.expect("the lab has both nodes"));
        ran(binary("paird")
            .arg("init")
            .args(args)
            .env("AWS_ENDPOINT_URL_EC2", ec2)
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds))
    }

    /// Gives a node this configuration, with the paths that two nodes on one host must not share.
    pub fn install_config(&self, node: &str, text: &str) {
        install(self.place(node), text);
    }

    /// The primary private IP of a node.
    #[must_use]
    pub fn private_ip(&self, node: &str) -> String {
        self.place(node).private_ip.to_string()
    }

    /// The path of a node's key file.
    #[must_use]
    pub fn key_file(&self, node: &str) -> String {
        self.place(node).key_file.display().to_string()
    }
}

/// Gives a node this configuration, with the paths that two nodes on one host must not share.
pub(crate) fn install(place: &Place, text: &str) {
    let text = format!(
        "{text}\n[control]\nsocket = \"{socket}\"\n[state]\ndirectory = \"{state}\"\n\
         [metrics]\nlisten = \"{metrics}:{METRICS_PORT}\"\n[log]\nformat = \"text\"\n",
        socket = place.control_socket.display(),
        state = place.control_socket.with_extension("state").display(),
        metrics = place.private_ip,
    );
    fs::write(place.file("toml"), text).expect("a file can be written to a temporary folder");
}
