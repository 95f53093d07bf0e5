//! The metadata service: token rules, identity, credentials, associations, faults.

use std::time::Duration;

use pair_lab::{Action, Announcement, Fault, Lab, LabError, Market, Scope};

use crate::support::{claim, emulated, send, until};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

async fn token(lab: &Lab, node: &str) -> String {
    let reply = send(
        &lab.imds_endpoint(node).unwrap(),
        "PUT",
        "/latest/api/token",
        &[(TTL, "21600")],
    )
    .await
    .unwrap();
    assert_eq!(reply.headers()[TTL], "21600");
    String::from_utf8(reply.body().to_vec()).unwrap()
}

/// Reads a path with a fresh token: status and text.
async fn read(lab: &Lab, node: &str, path: &str) -> (u16, String) {
    let token = token(lab, node).await;
    let reply = send(&lab.imds_endpoint(node).unwrap(), "GET", path, &[(TOKEN, &token)])
        .await
        .unwrap();
    (
        reply.status().as_u16(),
        String::from_utf8(reply.body().to_vec()).unwrap(),
    )
}

async fn text(lab: &Lab, node: &str, path: &str) -> String {
    let (status, text) = read(lab, node, path).await;
    assert_eq!(status, 200, "{path}");
    text
}

/// Reads where a node's metadata says the shared address is mapped to; `None` is not on this node.
pub(crate) async fn associations(lab: &Lab, node: &str) -> Option<String> {
    let mac = &lab.node(node).unwrap().mac;
    let path = format!(
        "/latest/meta-data/network/interfaces/macs/{mac}/ipv4-associations/{}",
        lab.public_ip()
    );
    let (status, text) = read(lab, node, &path).await;
    match status {
        200 => Some(text),
        404 => None,
        other => panic!("status {other}"),
    }
}

#[tokio::test]
async fn a_token_is_needed_and_has_to_be_asked_for_properly() {
    let lab = emulated().await;
    let endpoint = lab.imds_endpoint("a").unwrap();
    let status = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        send(&endpoint, method, path, headers).await.unwrap().status().as_u16()
    };
    let id = "/latest/meta-data/instance-id";
    assert_eq!(status("GET", id, &[]).await, 401);
    assert_eq!(status("GET", id, &[(TOKEN, "made-up")]).await, 401);
    assert_eq!(status("PUT", "/latest/api/token", &[]).await, 400);
    for ttl in ["0", "21601", "soon"] {
        assert_eq!(status("PUT", "/latest/api/token", &[(TTL, ttl)]).await, 400, "{ttl}");
    }
    assert_eq!(status("GET", "/latest/api/token", &[(TTL, "60")]).await, 405);
    let token = token(&lab, "a").await;
    assert_eq!(status("GET", id, &[(TOKEN, &token)]).await, 200);
    assert_eq!(status("DELETE", id, &[(TOKEN, &token)]).await, 405);
    let of_a = send(&lab.imds_endpoint("b").unwrap(), "GET", id, &[(TOKEN, &token)])
        .await
        .unwrap();
    assert_eq!(of_a.status().as_u16(), 401, "a token is good on its own instance only");
}

#[tokio::test]
async fn a_token_expires() {
    let lab = emulated().await;
    let endpoint = lab.imds_endpoint("a").unwrap();
    let reply = send(&endpoint, "PUT", "/latest/api/token", &[(TTL, "1")])
        .await
        .unwrap();
    let token = String::from_utf8(reply.body().to_vec()).unwrap();
    until("the token has expired", async || {
        let reply = send(&endpoint, "GET", "/latest/meta-data/instance-id", &[(TOKEN, &token)])
            .await
            .unwrap();
        reply.status().as_u16() == 401
    })
    .await;
}

#[tokio::test]
async fn each_node_has_its_own_identity() {
    let lab = emulated().await;
    for node in ["a", "b"] {
        let machine = lab.node(node).unwrap();
        assert_eq!(
            text(&lab, node, "/latest/meta-data/instance-id").await,
            machine.instance_id
        );
        assert_eq!(
            text(&lab, node, "/latest/meta-data/placement/region").await,
            "us-east-1"
        );
        assert_eq!(
            text(&lab, node, "/latest/meta-data/placement/availability-zone").await,
            machine.availability_zone
        );
        assert_eq!(text(&lab, node, "/latest/meta-data/mac").await, machine.mac);
        assert_eq!(
            text(&lab, node, "/latest/meta-data/network/interfaces/macs/").await,
            format!("{}/", machine.mac)
        );
        let interface = async |key: &str| {
            text(
                &lab,
                node,
                &format!("/latest/meta-data/network/interfaces/macs/{}/{key}", machine.mac),
            )
            .await
        };
        assert_eq!(interface("interface-id").await, machine.network_interface_id);
        assert_eq!(interface("device-number").await, "0");
        assert_eq!(interface("subnet-id").await, machine.subnet_id);
        let document = text(&lab, node, "/latest/dynamic/instance-identity/document").await;
        let document: serde_json::Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["accountId"], "123456789012");
        assert_eq!(document["instanceId"], machine.instance_id.as_str());
        assert_eq!(document["region"], "us-east-1");
    }
    let mac = &lab.node("a").unwrap().mac;
    let ips = text(
        &lab,
        "a",
        &format!("/latest/meta-data/network/interfaces/macs/{mac}/local-ipv4s"),
    )
    .await;
    assert_eq!(ips, "127.0.0.1\n127.0.1.1");
}

#[tokio::test]
async fn credentials_tell_the_nodes_apart() {
    let lab = emulated().await;
    for node in ["a", "b"] {
        let role = text(&lab, node, "/latest/meta-data/iam/security-credentials/").await;
        let path = format!("/latest/meta-data/iam/security-credentials/{role}");
        let credentials: serde_json::Value = serde_json::from_str(&text(&lab, node, &path).await).unwrap();
        assert_eq!(credentials["Code"], "Success");
        assert_eq!(
            credentials["AccessKeyId"],
            lab.node(node).unwrap().access_key_id.as_str()
        );
        assert!(
            credentials["Expiration"]
                .as_str()
                .is_some_and(|at| at.ends_with('Z') && at.len() == 20),
            "{credentials}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let lab = emulated().await;
    for path in [
        "/latest/meta-data/spot/instance-action",
        "/latest/meta-data/public-ipv4",
        "/latest/meta-data/network/interfaces/macs/02:ff:ff:ff:ff:ff/interface-id",
        "/latest/meta-data/iam/security-credentials/another-role",
        "/latest/user-data",
        "/",
    ] {
        assert_eq!(read(&lab, "a", path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn the_public_address_shows_on_its_holder_only() {
    let lab = emulated().await;
    claim(&lab, "b", true).await.unwrap();
    let public_ip = lab.public_ip().to_string();
    assert_eq!(text(&lab, "b", "/latest/meta-data/public-ipv4").await, public_ip);
    let of = |node: &str| {
        format!(
            "/latest/meta-data/network/interfaces/macs/{}",
            lab.node(node).unwrap().mac
        )
    };
    assert_eq!(text(&lab, "b", &format!("{}/public-ipv4s", of("b"))).await, public_ip);
    assert_eq!(
        text(&lab, "b", &format!("{}/ipv4-associations/", of("b"))).await,
        public_ip
    );
    assert_eq!(read(&lab, "a", &format!("{}/ipv4-associations/", of("a"))).await.0, 404);
}

#[tokio::test]
async fn metadata_can_fail_in_each_way() {
    let lab = emulated().await;
    let a = || Scope::Node("a".to_owned());
    let endpoint = lab.imds_endpoint("a").unwrap();
    let put = async || send(&endpoint, "PUT", "/latest/api/token", &[(TTL, "60")]).await;
    lab.faults().set(a(), Action::Imds, Fault::ServerError);
    assert_eq!(put().await.unwrap().status().as_u16(), 500);
    lab.faults().clear(a(), Action::Imds);
    lab.faults().set(Scope::All, Action::Any, Fault::Refuse);
    assert_eq!(
        put().await.unwrap().status().as_u16(),
        200,
        "a fault of EC2 is none of IMDS"
    );
    lab.faults().set(a(), Action::Imds, Fault::Refuse);
    until("metadata is down", async || put().await.is_err()).await;
    token(&lab, "b").await;
    lab.faults().clear_all();
    until("metadata is back", async || put().await.is_ok()).await;
    lab.faults()
        .set(a(), Action::Imds, Fault::Latency(Duration::from_millis(30)));
    let before_ms = lab.clock_ms();
    put().await.unwrap();
    assert!(lab.clock_ms() >= before_ms + 30);
}

#[tokio::test]
async fn what_aws_tells_a_node_of_its_end_is_there_until_it_is_taken_back() {
    let lab = emulated().await;
    let spot = "/latest/meta-data/spot/instance-action";
    let target = "/latest/meta-data/autoscaling/target-lifecycle-state";
    lab.set_market("a", Market::Spot).unwrap();
    assert_eq!(read(&lab, "a", spot).await.0, 404);
    lab.announce("a", &Announcement::SpotInterruption(Duration::from_secs(120)))
        .unwrap();
    lab.announce("a", &Announcement::AutoscalingTarget("Terminated".to_owned()))
        .unwrap();
    let told = text(&lab, "a", spot).await;
    assert!(told.starts_with(r#"{"action":"terminate","time":"20"#), "{told}");
    assert_eq!(text(&lab, "a", target).await, "Terminated");
    assert_eq!(read(&lab, "b", spot).await.0, 404, "it is told to one node");
    lab.take_back("a").unwrap();
    assert_eq!(read(&lab, "a", spot).await.0, 404);
    assert_eq!(read(&lab, "a", target).await.0, 404);
    assert!(lab.announce("c", &Announcement::Rebalance).is_err());
}

#[tokio::test]
async fn an_instance_is_on_demand_unless_it_was_bought_as_spot_and_only_then_is_told_of_an_interruption() {
    let lab = emulated().await;
    let life_cycle = "/latest/meta-data/instance-life-cycle";
    let spot = "/latest/meta-data/spot/instance-action";
    let interruption = Announcement::SpotInterruption(Duration::from_secs(120));
    assert_eq!(text(&lab, "a", life_cycle).await, "on-demand");
    for announcement in [&interruption, &Announcement::Rebalance] {
        let refused = lab.announce("a", announcement).unwrap_err();
        assert!(
            matches!(refused, LabError::NotSpot(ref node) if node == "a"),
            "{refused}"
        );
    }
    assert_eq!(read(&lab, "a", spot).await.0, 404);

    lab.set_market("a", Market::Spot).unwrap();
    assert_eq!(text(&lab, "a", life_cycle).await, "spot");
    assert_eq!(text(&lab, "b", life_cycle).await, "on-demand", "it is another instance");
    lab.announce("a", &interruption).unwrap();
    assert_eq!(read(&lab, "a", spot).await.0, 200);

    lab.set_market("a", Market::OnDemand).unwrap();
    assert_eq!(text(&lab, "a", life_cycle).await, "on-demand");
    assert_eq!(read(&lab, "a", spot).await.0, 404, "nobody has told that to this one");
}

#[tokio::test]
async fn requests_are_counted_by_node_and_path() {
    let lab = emulated().await;
    for _ in 0..2 {
        read(&lab, "a", "/latest/meta-data/spot/instance-action").await;
    }
    text(&lab, "b", "/latest/meta-data/mac").await;
    let counted = |node, path| lab.imds_requests_for(node, path);
    assert_eq!((counted("a", "spot/instance-action"), counted("a", "mac")), (2, 0));
    assert_eq!((counted("b", "spot/instance-action"), counted("b", "mac")), (0, 1));
    assert_eq!(
        (lab.imds_requests("a"), lab.imds_requests("b"), lab.imds_requests("c")),
        (4, 2, 0),
        "with the one for a token each time"
    );
}
