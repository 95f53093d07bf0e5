//! moto, the EC2 that nobody here wrote, asked directly and not through the lab's front.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use pair_ec2::{Ec2, Tag};
use pair_lab::moto::{Server, create_world};
use pair_lab::{NodeSpec, QueryClient};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backend::{Ground, Machine, Stage};
use crate::imds::{ImdsStub, Mode};

/// Who sets stages up. moto takes any key while authorization is off.
const OPERATOR_KEY: &str = "AKIAOPERATOR";

/// A running moto server; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Moto {
    server: Server,
}

impl Moto {
    pub(crate) async fn start(program: &Path) -> Self {
        let server = Server::start(program).await.expect("moto starts");
        Self { server }
    }

    pub(crate) async fn stage(&self) -> Stage {
        self.allow().await;
        let world = create_world(self.addr(), &nodes(), None).await;
        let world = world.expect("moto makes what it is asked for");
        // moto's own metadata service is one static fake, which the SDK's client rejects.
        let imds = ImdsStub::start(Mode::Serves).await;
        let settings = imds.settings(&format!("http://{}", self.addr()));
        let ec2 = Ec2::connect(&settings, &imds.client(), &world.region).await;
        Stage {
            ec2: ec2.expect("a valid URL"),
            allocation_id: world.allocation_id.clone(),
            public_ip: world.public_ip,
            a: Machine::from(&world.nodes[0]),
            b: Machine::from(&world.nodes[1]),
            ground: Ground::Moto,
        }
    }

    pub(crate) async fn stop(&self, machine: &Machine) {
        QueryClient::new(self.addr(), OPERATOR_KEY)
            .call("StopInstances", &[("InstanceId.1", &machine.instance_id)])
            .await
            .expect("the instance exists");
    }

    pub(crate) async fn terminate(&self, machine: &Machine) {
        QueryClient::new(self.addr(), OPERATOR_KEY)
            .call("TerminateInstances", &[("InstanceId.1", &machine.instance_id)])
            .await
            .expect("the instance exists");
    }

    pub(crate) async fn tag(&self, resource_id: &str, tag: &Tag) {
        let params = [
            ("ResourceId.1", resource_id),
            ("Tag.1.Key", &tag.key),
            ("Tag.1.Value", &tag.value),
        ];
        QueryClient::new(self.addr(), OPERATOR_KEY)
            .call("CreateTags", &params)
            .await
            .expect("the resource exists");
    }

    /// Switches authorization on: every key is unknown from here on.
    pub(crate) async fn deny(&self) {
        self.reset_auth("0").await;
    }

    /// Switches authorization off again.
    pub(crate) async fn allow(&self) {
        self.reset_auth("inf").await;
    }

    fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Tells moto how many calls go unchecked from here on. The call itself is not of EC2's API.
    async fn reset_auth(&self, unchecked_calls: &str) {
        let request = format!(
            "POST /moto-api/reset-auth HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{unchecked_calls}",
            self.addr(),
            unchecked_calls.len()
        );
        let mut stream = TcpStream::connect(self.addr()).await.expect("it listens");
        let mut answer = String::new();
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("moto reads");
        let answered = stream.read_to_string(&mut answer).await;
        answered.expect("moto answers and closes");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

/// Two nodes whose private addresses are loopback ones, as in the end-to-end tests.
pub(crate) fn nodes() -> [NodeSpec; 2] {
    [
        NodeSpec::new("a", Ipv4Addr::new(127, 7, 1, 10), "us-east-1a"),
        NodeSpec::new("b", Ipv4Addr::new(127, 7, 2, 10), "us-east-1b"),
    ]
}
