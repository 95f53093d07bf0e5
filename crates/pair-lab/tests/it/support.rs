//! A lab of two nodes, callers for them, and waiting for a condition.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hyper::{Request, Response};
use pair_lab::{Element, Holder, Lab, LabConfig, NodeSpec, QueryClient, QueryError, Scope};

/// Two nodes on loopback, in two zones; the first has a second private address.
pub(crate) fn nodes() -> Vec<NodeSpec> {
    let mut a = NodeSpec::new("a", Ipv4Addr::new(127, 0, 0, 1), "us-east-1a");
    a.extra_private_ips = vec![Ipv4Addr::new(127, 0, 1, 1)];
    vec![a, NodeSpec::new("b", Ipv4Addr::new(127, 0, 0, 2), "us-east-1b")]
}

pub(crate) async fn emulated() -> Lab {
    Lab::start(LabConfig::emulated(&nodes())).await.unwrap()
}

/// A caller with a node's credentials, at the endpoint that all share.
pub(crate) fn caller(lab: &Lab, node: &str) -> QueryClient {
    QueryClient::new(lab.ec2_addr(), &lab.node(node).unwrap().access_key_id)
}

/// Associates the shared address with a node's primary private address.
pub(crate) async fn claim(lab: &Lab, node: &str, reassociate: bool) -> Result<String, QueryError> {
    claim_with(lab, node, reassociate, &[]).await
}

pub(crate) async fn claim_with(
    lab: &Lab,
    node: &str,
    reassociate: bool,
    more: &[(&str, &str)],
) -> Result<String, QueryError> {
    let machine = lab.node(node).unwrap();
    let private_ip = machine.private_ip().to_string();
    let mut params = vec![
        ("AllocationId", lab.allocation_id()),
        ("NetworkInterfaceId", &machine.network_interface_id),
        ("PrivateIpAddress", &private_ip),
        ("AllowReassociation", if reassociate { "true" } else { "false" }),
    ];
    params.extend(more);
    caller(lab, node)
        .call_for("AssociateAddress", &params, "associationId")
        .await
}

/// Reads the shared address with a node's credentials.
pub(crate) async fn describe(lab: &Lab, node: &str) -> Result<Element, QueryError> {
    caller(lab, node)
        .call("DescribeAddresses", &[("AllocationId.1", lab.allocation_id())])
        .await
}

/// Gives status and code of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, QueryError>) -> (u16, String) {
    match answer {
        Err(QueryError::Refused { status, code, .. }) => (status, code),
        other => panic!("not a refusal: {other:?}"),
    }
}

/// The calls of the first node.
pub(crate) fn a() -> Scope {
    Scope::Node("a".to_owned())
}

/// The holder, if it is this node.
pub(crate) fn held_by(node: &str) -> Option<Holder> {
    Some(Holder::Node(node.to_owned()))
}

/// Longer than any test runs.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(3600);

/// Waits until a condition holds; the limit is far beyond what any machine needs.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(what, waited).await;
}

/// Waits for a future, but not for ever.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// Sends a request without body to the host of a URL such as the lab gives.
pub(crate) async fn send(
    endpoint: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Response<bytes::Bytes>, pair_lab::HttpError> {
    let addr: SocketAddr = endpoint.strip_prefix("http://").unwrap().parse().unwrap();
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", addr.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    pair_lab::send(addr, request.body(http_body_util::Full::default()).unwrap()).await
}
