//! Each fault, over HTTP, and that clearing it ends it.

use std::time::Duration;

use pair_lab::{Action, Fate, Fault, HttpError, Limit, QueryClient, QueryError, Scope, Target};

use crate::support::{FOR_EVER, a, caller, claim, claim_with, describe, emulated, held_by, refusal, until, within};

#[tokio::test]
async fn a_denial_hits_one_node_and_its_dry_runs_too() {
    let lab = emulated().await;
    lab.faults().set(a(), Action::AssociateAddress, Fault::Deny);
    let denied = (403, "UnauthorizedOperation".to_owned());
    assert_eq!(refusal(claim(&lab, "a", true).await), denied);
    assert_eq!(
        refusal(claim_with(&lab, "a", true, &[("DryRun", "true")]).await),
        denied
    );
    describe(&lab, "a").await.unwrap();
    claim(&lab, "b", true).await.unwrap();
    lab.faults().clear(a(), Action::AssociateAddress);
    claim(&lab, "a", true).await.unwrap();
}

#[tokio::test]
async fn throttling_lasts_until_cleared() {
    let lab = emulated().await;
    lab.faults().set(Scope::All, Action::Any, Fault::Throttle);
    for _ in 0..3 {
        assert_eq!(
            refusal(describe(&lab, "a").await),
            (503, "RequestLimitExceeded".to_owned())
        );
    }
    lab.faults().clear_all();
    describe(&lab, "a").await.unwrap();
}

#[tokio::test]
async fn all_nodes_share_one_limit_for_each_action() {
    let lab = emulated().await;
    lab.faults().limit(
        Action::AssociateAddress,
        Limit {
            burst: 2,
            per_second: 0,
        },
    );
    claim(&lab, "a", true).await.unwrap();
    claim(&lab, "b", true).await.unwrap();
    assert_eq!(
        refusal(claim(&lab, "a", true).await),
        (503, "RequestLimitExceeded".to_owned())
    );
    describe(&lab, "a").await.unwrap();
    assert_eq!(lab.holder(), held_by("b"));
}

#[tokio::test]
async fn a_server_error_changes_nothing() {
    let lab = emulated().await;
    lab.faults()
        .set(Scope::All, Action::AssociateAddress, Fault::ServerError);
    assert_eq!(refusal(claim(&lab, "a", true).await), (500, "InternalError".to_owned()));
    assert_eq!(lab.holder(), None);
}

#[tokio::test]
async fn a_black_hole_answers_nobody_and_does_nothing() {
    let lab = emulated().await;
    lab.faults().set(a(), Action::Any, Fault::BlackHole);
    {
        let mut call = std::pin::pin!(claim(&lab, "a", true));
        tokio::select! {
            answer = &mut call => panic!("answered: {answer:?}"),
            () = until("the request arrives", async || lab.log().len() == 1) => {}
        }
        assert_eq!(lab.log()[0].fate, Fate::Pending);
    }
    until("the caller is gone", async || lab.log()[0].fate == Fate::Abandoned).await;
    assert_eq!(lab.holder(), None);
    claim(&lab, "b", true).await.unwrap();
}

#[tokio::test]
async fn a_slow_call_whose_caller_leaves_changes_nothing() {
    let lab = emulated().await;
    lab.faults()
        .set(a(), Action::AssociateAddress, Fault::Latency(FOR_EVER));
    {
        let mut call = std::pin::pin!(claim(&lab, "a", true));
        tokio::select! {
            answer = &mut call => panic!("answered: {answer:?}"),
            () = until("the request arrives", async || lab.log().len() == 1) => {}
        }
    }
    until("the caller is gone", async || lab.log()[0].fate == Fate::Abandoned).await;
    assert_eq!(lab.holder(), None);
    lab.faults()
        .set(a(), Action::AssociateAddress, Fault::Latency(Duration::from_millis(30)));
    claim(&lab, "a", true).await.unwrap();
    let entry = lab.log().pop().unwrap();
    assert!(
        entry.done_ms.is_some_and(|done_ms| done_ms >= entry.ms + 30),
        "{entry:?}"
    );
}

#[tokio::test]
async fn a_shut_endpoint_refuses_connections_and_opens_again() {
    let lab = emulated().await;
    let own: std::net::SocketAddr = lab
        .ec2_endpoint_of("a")
        .unwrap()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let key = &lab.node("a").unwrap().access_key_id;
    let read = async |addr| QueryClient::new(addr, key).call("DescribeAddresses", &[]).await;
    read(own).await.unwrap();
    lab.faults().set(a(), Action::Any, Fault::Refuse);
    until("connecting is refused", async || {
        matches!(
            read(own).await,
            Err(QueryError::Unanswered { source: HttpError::Connect { source, .. }, .. })
                if source.kind() == std::io::ErrorKind::ConnectionRefused
        )
    })
    .await;
    assert!(
        matches!(read(lab.ec2_addr()).await, Err(QueryError::Unanswered { .. })),
        "the shared endpoint hangs up"
    );
    assert_eq!(lab.log().pop().unwrap().fate, Fate::Refused);
    describe(&lab, "b").await.unwrap();
    lab.faults().clear(a(), Action::Any);
    until("the endpoint is open again", async || read(own).await.is_ok()).await;
}

#[tokio::test]
async fn a_shut_endpoint_ends_the_connections_it_has() {
    let lab = emulated().await;
    lab.faults().set(Scope::All, Action::Any, Fault::BlackHole);
    let waiting = describe(&lab, "a");
    let shut = async {
        until("the request waits", async || lab.log().len() == 1).await;
        lab.faults().set(Scope::All, Action::Any, Fault::Refuse);
    };
    let (answer, ()) = within("the connection ends", async { tokio::join!(waiting, shut) }).await;
    assert!(matches!(answer, Err(QueryError::Unanswered { .. })));
    assert_eq!(lab.log()[0].fate, Fate::Abandoned);
}

#[tokio::test]
async fn an_impaired_instance_shows_in_its_status() {
    let lab = emulated().await;
    let status = async || {
        let params = [("InstanceId.1", lab.instance_id("b").unwrap())];
        let read = caller(&lab, "a").call("DescribeInstanceStatus", &params).await.unwrap();
        let of = |name| read.find(name).unwrap().text_of("status").unwrap().to_owned();
        (of("instanceStatus"), of("systemStatus"))
    };
    lab.fail_reachability("b").unwrap();
    // The first `status` under instanceStatus is the summary itself.
    assert_eq!(status().await, ("impaired".to_owned(), "ok".to_owned()));
    lab.restore_reachability("b").unwrap();
    assert_eq!(status().await, ("ok".to_owned(), "ok".to_owned()));
}

#[tokio::test]
async fn the_emulator_is_strict_where_moto_is_not() {
    let lab = emulated().await;
    let machine = lab.node("a").unwrap();
    let base = [
        ("AllocationId", lab.allocation_id()),
        ("NetworkInterfaceId", machine.network_interface_id.as_str()),
    ];
    let associate = async |more: &[(&str, &str)]| {
        caller(&lab, "a")
            .call("AssociateAddress", &[&base[..], more].concat())
            .await
    };
    let foreign = associate(&[("PrivateIpAddress", "127.0.0.2")]).await;
    assert_eq!(refusal(foreign), (400, "InvalidParameterValue".to_owned()));
    associate(&[("PrivateIpAddress", "127.0.1.1")]).await.unwrap();
    assert_eq!(
        describe(&lab, "a").await.unwrap().text_of("privateIpAddress"),
        Some("127.0.1.1")
    );
    // Without a word about reassociation, and to another private address of the same interface.
    assert_eq!(refusal(associate(&[]).await).1, "Resource.AlreadyAssociated");
    let missing = caller(&lab, "a").call("AssociateAddress", &[]).await;
    assert_eq!(refusal(missing), (400, "MissingParameter".to_owned()));
    let unknown = caller(&lab, "a").call("TerminateInstances", &[]).await;
    assert_eq!(refusal(unknown), (400, "InvalidAction".to_owned()));
    let filter = [("Filter.1.Name", "colour"), ("Filter.1.Value.1", "red")];
    assert_eq!(
        refusal(caller(&lab, "a").call("DescribeAddresses", &filter).await).1,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn an_address_can_knock_another_one_off() {
    let lab = emulated().await;
    let other = lab.allocate_address("127.0.113.11".parse().unwrap()).await.unwrap();
    lab.place_address(&other, &Target::Node("a".to_owned())).await.unwrap();
    assert_eq!(refusal(claim(&lab, "a", false).await).1, "Resource.AlreadyAssociated");
    claim(&lab, "a", true).await.unwrap();
    let dropped = lab
        .addresses()
        .into_iter()
        .find(|address| address.allocation_id == other)
        .unwrap();
    assert_eq!(dropped.association, None);
}
