//! Where EC2 and IMDS are opened: on the router, and within each node.

use std::io;
use std::net::SocketAddr;

use anyhow::Result;
use pair_lab::{Endpoint, Ground, bind};
use tokio::net::TcpSocket;

use super::network::{EC2, EC2_OF_A, EC2_OF_B, IMDS, NODE_A};
use super::place::Place;

/// The ground of a testbed. Used on the router, where EC2 is at home.
#[derive(Debug)]
pub(crate) struct Legs {
    /// A thread in each node, for nothing but this: the cloud must never wait for what somebody else does there.
    nodes: [Place; 2],
}

impl Legs {
    pub(crate) fn new([a, b]: [&Place; 2]) -> Result<Self> {
        Ok(Self {
            nodes: [a.second_thread()?, b.second_thread()?],
        })
    }
}

impl Ground for Legs {
    fn addr(&self, endpoint: &Endpoint) -> SocketAddr {
        let ip = match endpoint {
            Endpoint::Ec2 => EC2,
            Endpoint::Ec2Of(node) if node == NODE_A.name => EC2_OF_A,
            Endpoint::Ec2Of(_) => EC2_OF_B,
            Endpoint::ImdsOf(_) => IMDS,
        };
        (ip, HTTP).into()
    }

    fn open(&self, endpoint: &Endpoint, addr: SocketAddr) -> io::Result<TcpSocket> {
        let [a, b] = &self.nodes;
        match endpoint {
            Endpoint::Ec2 | Endpoint::Ec2Of(_) => bind(addr),
            Endpoint::ImdsOf(node) => {
                let place = if node == NODE_A.name { a } else { b };
                place.run(move || bind(addr))
            }
        }
    }
}

const HTTP: u16 = 80;
