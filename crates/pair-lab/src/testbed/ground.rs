//! Where EC2 and IMDS are opened: on the router, and within each node.

use std::io;
use std::net::SocketAddr;

use anyhow::Result;
use pair_lab::{Endpoint, Ground, bind};
use tokio::net::TcpSocket;

use super::network::{self, EC2, EC2_OF_A, EC2_OF_B, EC2_OF_C, IMDS, NODE_A, NODE_B};
use super::place::Place;

/// The ground of a testbed. Used on the router, where EC2 is at home.
#[derive(Debug)]
pub(crate) struct Legs {
    /// Behind a link of its own of each node, where nothing else listens: what a node binds to all of its addresses must not answer
    /// for a metadata service that is gone.
    imds: [Place; 3],
}

impl Legs {
    pub(crate) fn new([a, b, c]: [&Place; 3]) -> Result<Self> {
        Ok(Self {
            imds: [
                network::attach_imds(a)?,
                network::attach_imds(b)?,
                network::attach_imds(c)?,
            ],
        })
    }
}

impl Ground for Legs {
    fn addr(&self, endpoint: &Endpoint) -> SocketAddr {
        let ip = match endpoint {
            Endpoint::Ec2 => EC2,
            Endpoint::Ec2Of(node) if node == NODE_A.name => EC2_OF_A,
            Endpoint::Ec2Of(node) if node == NODE_B.name => EC2_OF_B,
            Endpoint::Ec2Of(_) => EC2_OF_C,
            Endpoint::ImdsOf(_) => IMDS,
        };
        (ip, HTTP).into()
    }

    fn open(&self, endpoint: &Endpoint, addr: SocketAddr) -> io::Result<TcpSocket> {
        let [a, b, c] = &self.imds;
        match endpoint {
            Endpoint::Ec2 | Endpoint::Ec2Of(_) => bind(addr),
            Endpoint::ImdsOf(node) => {
                let place = match node {
                    node if node == NODE_A.name => a,
                    node if node == NODE_B.name => b,
                    _ => c,
                };
                place.run(move || bind(addr))
            }
        }
    }
}

const HTTP: u16 = 80;
