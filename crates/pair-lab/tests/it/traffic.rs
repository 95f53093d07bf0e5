//! Service, forwarder and client: what a user of the published address sees while it moves.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use pair_lab::{Client, ClientConfig, Forwarder, Lab, Service, Target, Verdict, blocking};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{emulated, nodes, until, within};

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

struct Traffic {
    lab: Lab,
    a: Service,
    _b: Service,
    forwarder: Forwarder,
}

async fn traffic() -> Traffic {
    let lab = emulated().await;
    let a = Service::start(ANY, "a").await.unwrap();
    let b = Service::start(ANY, "b").await.unwrap();
    let services = BTreeMap::from([("a".to_owned(), a.addr()), ("b".to_owned(), b.addr())]);
    let forwarder = Forwarder::start(&lab, ANY, services).await.unwrap();
    Traffic {
        lab,
        a,
        _b: b,
        forwarder,
    }
}

impl Traffic {
    async fn move_to(&self, node: &str) {
        self.lab.move_address(&Target::Node(node.to_owned())).await.unwrap();
    }

    /// Asks through the published address: the node that answers.
    async fn answerer(&self) -> Option<String> {
        let reply = pair_lab::get(self.forwarder.addr(), "/any/path").await.ok()?;
        assert_eq!(reply.status().as_u16(), 200);
        Some(reply.headers()[pair_lab::NODE_HEADER].to_str().unwrap().to_owned())
    }
}

fn good(node: &str) -> Verdict {
    Verdict::Good(Some(node.to_owned()))
}

#[tokio::test]
async fn the_forwarder_follows_the_association_and_nothing_else() {
    let traffic = traffic().await;
    assert_eq!(traffic.answerer().await, None);
    traffic.move_to("a").await;
    assert_eq!(traffic.answerer().await.as_deref(), Some("a"));
    traffic.move_to("b").await;
    assert_eq!(traffic.answerer().await.as_deref(), Some("b"));
    traffic.lab.move_address(&Target::Outside).await.unwrap();
    assert_eq!(traffic.answerer().await, None);
    traffic.lab.release_association().await.unwrap();
    assert_eq!(traffic.answerer().await, None);
}

#[tokio::test]
async fn a_dead_service_is_not_hidden() {
    let Traffic { lab, a, _b, forwarder } = traffic().await;
    lab.move_address(&Target::Node("a".to_owned())).await.unwrap();
    drop(a);
    until("the service is gone", async || {
        pair_lab::get(forwarder.addr(), "/").await.is_err()
    })
    .await;
}

#[tokio::test]
async fn an_open_connection_ends_when_the_address_moves() {
    let traffic = traffic().await;
    traffic.move_to("a").await;
    let mut connection = TcpStream::connect(traffic.forwarder.addr()).await.unwrap();
    connection
        .write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 1024];
    assert_ne!(connection.read(&mut answer).await.unwrap(), 0);
    traffic.move_to("a").await;
    connection
        .write_all(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
        .await
        .unwrap();
    assert_ne!(
        connection.read(&mut answer).await.unwrap(),
        0,
        "the same holder, if by a new association"
    );
    traffic.move_to("b").await;
    let end = within("the connection ends", connection.read(&mut answer)).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
}

#[tokio::test]
async fn a_client_measures_the_outage_and_names_both_nodes() {
    let traffic = traffic().await;
    traffic.move_to("a").await;
    let client = Client::start(traffic.lab.clock(), ClientConfig::new(traffic.forwarder.addr()));
    until("the client is served by a", async || {
        client.last().is_some_and(|last| last.verdict == good("a"))
    })
    .await;
    let struck_ms = traffic.lab.clock_ms();
    traffic.lab.release_association().await.unwrap();
    until("the client notices", async || {
        client
            .records()
            .iter()
            .any(|record| record.started_ms >= struck_ms && record.verdict == Verdict::Failed)
    })
    .await;
    traffic.move_to("b").await;
    until("the client is served by b", async || {
        client.last().is_some_and(|last| last.verdict == good("b"))
    })
    .await;
    let outage = client.longest_outage(struck_ms).unwrap();
    assert_eq!(
        (outage.from_node.as_deref(), outage.to_node.as_deref()),
        (Some("a"), Some("b"))
    );
    assert!(outage.ms() > 0 && outage.to_ms > struck_ms);
    let moved_ms = traffic.lab.ownership().pop().unwrap().ms;
    assert!(outage.to_ms >= moved_ms, "nobody answers before the address is there");
}

#[test]
fn a_caller_without_a_runtime_drives_a_lab() {
    let lab = blocking::Lab::start(pair_lab::LabConfig::emulated(&nodes())).unwrap();
    let service = lab.run(Service::start(ANY, "a")).unwrap();
    let services = BTreeMap::from([("a".to_owned(), service.addr())]);
    let forwarder = lab.run(Forwarder::start(&lab, ANY, services)).unwrap();
    lab.move_address(&Target::Node("a".to_owned())).unwrap();
    let client = lab.run(async { Client::start(lab.clock(), ClientConfig::new(forwarder.addr())) });
    lab.run(until("the client is served", async || {
        client.last().is_some_and(|last| last.verdict == good("a"))
    }));
    lab.release_association().unwrap();
    assert_eq!(lab.ownership().len(), 3);
}
