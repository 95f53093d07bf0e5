//! The lab's emulator: a whole new one for each stage.

use pair_ec2::{Ec2, Endpoint, Imds, Settings, Tag};
use pair_lab::{Action, Fault, Lab, LabConfig, Scope};

use crate::backend::{Ground, Machine, Stage};
use crate::moto::nodes;

/// The node whose view a stage takes.
pub(crate) const SELF: &str = "a";

/// A lab, and the metadata client of node `a` in it.
#[derive(Debug)]
pub(crate) struct Emulated {
    pub(crate) lab: Lab,
    pub(crate) imds: Imds,
}

impl Emulated {
    pub(crate) async fn start() -> Self {
        let lab = Lab::start(LabConfig::emulated(&nodes())).await;
        let lab = lab.expect("loopback has free ports");
        let imds = Imds::connect(&settings(&lab)).expect("a valid URL");
        Self { lab, imds }
    }

    pub(crate) async fn stage() -> Stage {
        let emulated = Self::start().await;
        let lab = &emulated.lab;
        let world = lab.world().clone();
        let ec2 = Ec2::connect(&settings(lab), &emulated.imds, &world.region).await;
        Stage {
            ec2: ec2.expect("a valid URL"),
            allocation_id: world.allocation_id.clone(),
            public_ip: world.public_ip,
            a: Machine::from(&world.nodes[0]),
            b: Machine::from(&world.nodes[1]),
            ground: Ground::Emulator(Box::new(emulated)),
        }
    }

    pub(crate) async fn stop(&self, machine: &Machine) {
        let node = self.lab.world().by_instance(&machine.instance_id);
        let node = node.expect("a machine of this lab");
        let stopped = self.lab.stop_instance(&node.name).await;
        stopped.expect("a node of this lab");
    }

    pub(crate) fn terminate(&self, machine: &Machine) {
        let node = self.lab.world().by_instance(&machine.instance_id);
        let node = node.expect("a machine of this lab");
        let terminated = self.lab.terminate_instance(&node.name);
        terminated.expect("a node of this lab");
    }

    pub(crate) async fn tag(&self, resource_id: &str, tag: &Tag) {
        let tagged = self.lab.tag(resource_id, (&tag.key, &tag.value)).await;
        tagged.expect("the emulator tags anything");
    }

    pub(crate) fn deny(&self) {
        self.lab.faults().set(Scope::All, Action::Any, Fault::Deny);
    }

    pub(crate) fn allow(&self) {
        self.lab.faults().clear(Scope::All, Action::Any);
    }
}

fn settings(lab: &Lab) -> Settings {
    let endpoint = |url: String| {
        Some(Endpoint {
            url,
            redirected_by: None,
        })
    };
    Settings {
        ec2: endpoint(lab.ec2_endpoint_of(SELF).expect("the node exists")),
        imds: endpoint(lab.imds_endpoint(SELF).expect("the node exists")),
        ..Settings::default()
    }
}
