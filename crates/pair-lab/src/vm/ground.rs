//! Where EC2 and IMDS are opened for machines: on the router, at the same address for both.

use std::io;
use std::net::SocketAddr;

use pair_lab::{Endpoint, Ground, bind};
use tokio::net::TcpSocket;

use crate::testbed::network::{EC2, EC2_OF_A, EC2_OF_B, IMDS, NODE_A};

/// The ground of two machines. Used on the router.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnTheRouter;

impl Ground for OnTheRouter {
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
        let socket = bind(addr)?;
        match endpoint {
            Endpoint::Ec2 | Endpoint::Ec2Of(_) => {}
            // Both machines ask the same address: by the leg on which the question comes is told which of them does.
            Endpoint::ImdsOf(node) => socket.bind_device(Some(node.as_bytes()))?,
        }
        Ok(socket)
    }
}

const HTTP: u16 = 80;
