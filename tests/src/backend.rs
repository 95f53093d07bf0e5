//! The EC2 behind a pair: the emulator, or moto behind the same front.

use std::env;
use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use pair_lab::blocking::{Engine, Lab};
use pair_lab::{LabConfig, NodeSpec, moto};

use crate::config::TAG;
use crate::quarter::Quarter;

/// Who answers the EC2 calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The emulator of `pair-lab`.
    Emulator,
    /// moto, an EC2 that nobody here wrote.
    Moto,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Emulator => "emulator",
            Self::Moto => "moto",
        })
    }
}

/// How many Elastic IPs the pair has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addresses {
    One,
    /// On private IPs of their own.
    Two,
}

/// A running EC2 with the nodes in it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) lab: Lab,
    /// Ends after the lab in front of it.
    _moto: Option<moto::Server>,
}

impl World {
    /// Starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub(crate) fn start(backend: Backend, quarter: &Quarter, addresses: Addresses, is_found: bool) -> Self {
        let mut nodes = vec![
            NodeSpec::new("a", quarter.private_ip(0), "us-east-1a"),
            NodeSpec::new("b", quarter.private_ip(1), "us-east-1b"),
        ];
        if is_found {
            nodes.push(NodeSpec::new("c", quarter.private_ip(2), "us-east-1b"));
        }
        let world = Self::start_with(backend, quarter, addresses, &mut nodes);
        if is_found {
            let lab = &world.lab;
            let members = ["a", "b"].map(|node| lab.instance_id(node).expect("the lab has both nodes").to_owned());
            for resource in members.into_iter().chain([lab.allocation_id().to_owned()]) {
                lab.tag(&resource, TAG).expect("it exists");
            }
        }
        world
    }

    fn start_with(backend: Backend, quarter: &Quarter, addresses: Addresses, nodes: &mut [NodeSpec]) -> Self {
        match backend {
            Backend::Emulator => {
                for (node, elsewhere) in nodes.iter_mut().zip(NOT_ON_HOST) {
                    node.extra_private_ips.push(elsewhere);
                }
                if addresses == Addresses::Two {
                    for (node, index) in nodes.iter_mut().zip(0..) {
                        node.extra_private_ips.push(quarter.second_private_ip(index));
                    }
                }
                let mut config = LabConfig::emulated(nodes);
                config.world.public_ip = quarter.public_ip();
                let lab = Lab::start(config).expect("the emulator starts");
                Self { lab, _moto: None }
            }
            Backend::Moto => {
                let program = moto_program().expect("a scenario on moto is skipped without it");
                let engine = Engine::start().expect("a thread can be started");
                let server = engine.run(moto::Server::start(&program)).expect("moto starts");
                let world = engine
                    .run(moto::create_world(server.addr(), nodes, Some(quarter.public_ip())))
                    .expect("moto makes a world");
                let config = LabConfig::upstream(server.addr(), world);
                let lab = Lab::start_on(engine, config).expect("the lab starts in front of moto");
                Self {
                    lab,
                    _moto: Some(server),
                }
            }
        }
    }
}

/// Secondary private IPs that the emulator gives to the interfaces of both nodes, and that no host has (RFC 5737).
pub const NOT_ON_HOST: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];

/// Finds `moto_server`.
pub(crate) fn moto_program() -> Option<PathBuf> {
    env::var_os("PAIRD_MOTO").map(PathBuf::from)
}

/// Finds `cfn-lint`, which moto brings with it.
#[must_use]
pub fn cfn_lint() -> Option<PathBuf> {
    beside_moto("cfn-lint")
}

/// Finds a program of the environment that moto is in.
pub(crate) fn beside_moto(program: &str) -> Option<PathBuf> {
    moto_program().map(|moto| moto.with_file_name(program))
}
