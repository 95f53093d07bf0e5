//! What any EC2 behind the lab has to do: run against the emulator, and against moto if it is installed.

use std::pin::Pin;
use std::time::Duration;

use pair_lab::{Action, Fate, Fault, Holder, Lab, LabConfig, QueryError, Target, moto};

use crate::support::{FOR_EVER, a, caller, claim, claim_with, describe, emulated, held_by, nodes, refusal, until};

type Case = for<'lab> fn(&'lab Lab) -> Pin<Box<dyn Future<Output = ()> + 'lab>>;

/// Names the cases once, for both backends.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        const CASES: &[(&str, Case)] = &[$((stringify!($name), |lab| Box::pin($name(lab)))),*];
    };
}

cases![
    an_address_starts_with_nobody,
    an_association_names_interface_and_private_address,
    a_held_address_is_not_moved_without_reassociation,
    a_held_address_moves_with_reassociation_and_gets_a_new_association,
    the_same_place_again_is_no_error,
    a_dry_run_changes_nothing,
    unknown_ids_are_told_apart,
    an_association_is_released_by_its_id_once,
    addresses_are_filtered_by_allocation,
    a_stopped_instance_is_listed_only_on_request,
    a_stopped_instance_keeps_the_address,
    an_operator_moves_the_address_anywhere,
    metadata_follows_the_association,
    the_log_tells_who_did_what,
    a_late_call_lands_after_its_caller_has_left,
    stale_reads_show_what_was,
    a_lost_reply_hides_what_was_done,
];

#[tokio::test]
async fn the_emulator_keeps_the_contract() {
    for (name, case) in CASES {
        println!("emulator: {name}");
        case(&emulated().await).await;
    }
}

#[tokio::test]
async fn moto_keeps_the_contract() {
    let Some(program) = moto::find() else {
        assert!(
            std::env::var_os("PAIRD_NO_SKIP").is_none(),
            "moto_server is not installed"
        );
        println!("skipped: moto_server is not installed");
        return;
    };
    let server = moto::Server::start(&program).await.unwrap();
    for (name, case) in CASES {
        println!("moto: {name}");
        let world = moto::create_world(server.addr(), &nodes(), None).await.unwrap();
        let lab = Lab::start(LabConfig::upstream(server.addr(), world)).await.unwrap();
        case(&lab).await;
    }
}

async fn an_address_starts_with_nobody(lab: &Lab) {
    let read = describe(lab, "a").await.unwrap();
    assert_eq!(read.text_of("allocationId"), Some(lab.allocation_id()));
    assert_eq!(read.text_of("publicIp"), Some(lab.public_ip().to_string().as_str()));
    assert_eq!(read.text_of("associationId"), None);
    assert_eq!(read.text_of("networkInterfaceId"), None);
    assert_eq!(lab.holder(), None);
}

async fn an_association_names_interface_and_private_address(lab: &Lab) {
    let id = claim(lab, "a", false).await.unwrap();
    let read = describe(lab, "b").await.unwrap();
    assert_eq!(read.text_of("associationId"), Some(id.as_str()));
    assert_eq!(
        read.text_of("networkInterfaceId"),
        Some(lab.network_interface("a").unwrap())
    );
    assert_eq!(read.text_of("privateIpAddress"), Some("127.0.0.1"));
}

async fn a_held_address_is_not_moved_without_reassociation(lab: &Lab) {
    claim(lab, "a", false).await.unwrap();
    assert_eq!(
        refusal(claim(lab, "b", false).await),
        (400, "Resource.AlreadyAssociated".to_owned())
    );
    assert_eq!(lab.holder(), held_by("a"));
}

async fn a_held_address_moves_with_reassociation_and_gets_a_new_association(lab: &Lab) {
    let first = claim(lab, "a", false).await.unwrap();
    let second = claim(lab, "b", true).await.unwrap();
    assert_ne!(first, second);
    let history: Vec<_> = lab
        .ownership()
        .into_iter()
        .map(|held| (held.holder, held.association_id))
        .collect();
    assert_eq!(
        history,
        [(None, None), (held_by("a"), Some(first)), (held_by("b"), Some(second))]
    );
    assert!(lab.ownership().is_sorted_by_key(|held| held.ms));
}

async fn the_same_place_again_is_no_error(lab: &Lab) {
    claim(lab, "a", false).await.unwrap();
    claim(lab, "a", false).await.unwrap();
    claim(lab, "a", true).await.unwrap();
    assert_eq!(lab.holder(), held_by("a"));
}

async fn a_dry_run_changes_nothing(lab: &Lab) {
    let answer = claim_with(lab, "a", true, &[("DryRun", "true")]).await;
    assert_eq!(refusal(answer), (412, "DryRunOperation".to_owned()));
    assert_eq!(describe(lab, "a").await.unwrap().text_of("associationId"), None);
    assert_eq!(lab.ownership().len(), 1);
}

async fn unknown_ids_are_told_apart(lab: &Lab) {
    let caller = caller(lab, "a");
    let interface = lab.network_interface("a").unwrap();
    let none = "eipalloc-0fffffffffffffff0";
    let code = async |action, params: &[(&str, &str)]| refusal(caller.call(action, params).await);
    let not_found = |what: &str| (400, format!("{what}.NotFound"));
    assert_eq!(
        code("DescribeAddresses", &[("AllocationId.1", none)]).await,
        not_found("InvalidAllocationID")
    );
    assert_eq!(
        code(
            "AssociateAddress",
            &[("AllocationId", none), ("NetworkInterfaceId", interface)]
        )
        .await,
        not_found("InvalidAllocationID")
    );
    assert_eq!(
        code(
            "AssociateAddress",
            &[
                ("AllocationId", lab.allocation_id()),
                ("NetworkInterfaceId", "eni-0fffffffffffffff0")
            ]
        )
        .await,
        not_found("InvalidNetworkInterfaceID")
    );
    assert_eq!(
        code(
            "DisassociateAddress",
            &[("AssociationId", "eipassoc-0fffffffffffffff0")]
        )
        .await,
        not_found("InvalidAssociationID")
    );
    assert_eq!(
        code("DescribeInstanceStatus", &[("InstanceId.1", "i-0fffffffffffffff0")]).await,
        not_found("InvalidInstanceID")
    );
}

async fn an_association_is_released_by_its_id_once(lab: &Lab) {
    let id = claim(lab, "a", false).await.unwrap();
    let caller = caller(lab, "b");
    caller
        .call("DisassociateAddress", &[("AssociationId", &id)])
        .await
        .unwrap();
    assert_eq!(lab.holder(), None);
    assert_eq!(describe(lab, "a").await.unwrap().text_of("associationId"), None);
    let again = caller.call("DisassociateAddress", &[("AssociationId", &id)]).await;
    assert_eq!(refusal(again), (400, "InvalidAssociationID.NotFound".to_owned()));
}

async fn addresses_are_filtered_by_allocation(lab: &Lab) {
    let other = lab.allocate_address("127.0.113.99".parse().unwrap()).await.unwrap();
    let filtered = async |id: &str| {
        let params = [("Filter.1.Name", "allocation-id"), ("Filter.1.Value.1", id)];
        let read = caller(lab, "a").call("DescribeAddresses", &params).await.unwrap();
        read.items_of("addressesSet")
            .map(|item| item.text_of("allocationId").unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(filtered(lab.allocation_id()).await, [lab.allocation_id()]);
    assert_eq!(filtered(&other).await, [other.as_str()]);
    assert!(filtered("eipalloc-0fffffffffffffff0").await.is_empty());
}

async fn a_stopped_instance_is_listed_only_on_request(lab: &Lab) {
    let states = async |all: &str| {
        let params = [
            ("InstanceId.1", lab.instance_id("a").unwrap()),
            ("InstanceId.2", lab.instance_id("b").unwrap()),
            ("IncludeAllInstances", all),
        ];
        let read = caller(lab, "a").call("DescribeInstanceStatus", &params).await.unwrap();
        let mut states: Vec<_> = read
            .items_of("instanceStatusSet")
            .map(|item| {
                let state = item.find("instanceState").unwrap().text_of("name").unwrap();
                (item.text_of("instanceId").unwrap().to_owned(), state.to_owned())
            })
            .collect();
        states.sort();
        states
    };
    let mut both =
        [("a", "running"), ("b", "stopped")].map(|(n, s)| (lab.instance_id(n).unwrap().to_owned(), s.to_owned()));
    both.sort();
    lab.stop_instance("b").await.unwrap();
    assert_eq!(states("true").await, both);
    assert_eq!(
        states("false").await,
        [(lab.instance_id("a").unwrap().to_owned(), "running".to_owned())]
    );
    lab.start_instance("b").await.unwrap();
    assert_eq!(states("false").await.len(), 2);
}

async fn a_stopped_instance_keeps_the_address(lab: &Lab) {
    let id = claim(lab, "b", false).await.unwrap();
    lab.stop_instance("b").await.unwrap();
    assert_eq!(
        describe(lab, "a").await.unwrap().text_of("associationId"),
        Some(id.as_str())
    );
    assert_eq!(lab.holder(), held_by("b"));
}

async fn an_operator_moves_the_address_anywhere(lab: &Lab) {
    let id = lab.move_address(&Target::Outside).await.unwrap();
    let outside = &lab.world().outside.network_interface_id;
    assert_eq!(lab.holder(), Some(Holder::Outside(outside.clone())));
    let read = describe(lab, "a").await.unwrap();
    assert_eq!(read.text_of("associationId"), Some(id.as_str()));
    assert_eq!(read.text_of("networkInterfaceId"), Some(outside.as_str()));
    lab.move_address(&Target::Node("b".to_owned())).await.unwrap();
    assert_eq!(lab.holder(), held_by("b"));
    lab.release_association().await.unwrap();
    lab.release_association().await.unwrap();
    assert_eq!(lab.holder(), None);
    assert_eq!(describe(lab, "a").await.unwrap().text_of("associationId"), None);
    assert!(lab.move_address(&Target::Node("c".to_owned())).await.is_err());
    assert!(
        lab.log().iter().all(|entry| entry.action == "DescribeAddresses"),
        "an operator's moves are no requests"
    );
}

async fn metadata_follows_the_association(lab: &Lab) {
    let associated = async |node: &str| crate::imds::associations(lab, node).await;
    assert_eq!(associated("a").await, None);
    claim(lab, "a", false).await.unwrap();
    assert_eq!(associated("a").await.as_deref(), Some("127.0.0.1"));
    assert_eq!(associated("b").await, None);
    lab.move_address(&Target::Node("b".to_owned())).await.unwrap();
    assert_eq!(associated("a").await, None);
    assert_eq!(associated("b").await.as_deref(), Some("127.0.0.2"));
}

async fn the_log_tells_who_did_what(lab: &Lab) {
    let id = claim(lab, "b", true).await.unwrap();
    describe(lab, "a").await.unwrap();
    let stranger = pair_lab::QueryClient::new(lab.ec2_addr(), "AKIASTRANGER00000000");
    refusal(
        stranger
            .call(
                "DisassociateAddress",
                &[("AssociationId", "eipassoc-0fffffffffffffff0")],
            )
            .await,
    );
    let log = lab.log();
    let who: Vec<_> = log
        .iter()
        .map(|entry| (entry.seq, entry.node.as_str(), entry.action.as_str()))
        .collect();
    assert_eq!(
        who,
        [
            (1, "b", "AssociateAddress"),
            (2, "a", "DescribeAddresses"),
            (3, "other", "DisassociateAddress")
        ]
    );
    assert_eq!(log[0].association_id.as_deref(), Some(id.as_str()));
    assert_eq!((log[0].status, log[0].error.as_deref()), (Some(200), None));
    assert_eq!(log[0].params["AllowReassociation"], "true");
    assert_eq!(log[0].params["PrivateIpAddress"], "127.0.0.2");
    assert_eq!(log[0].user_agent, "pair-lab");
    assert_eq!(log[0].fate, Fate::Answered);
    assert!(log[0].is_mutation() && !log[1].is_mutation());
    assert_eq!(
        (log[2].status, log[2].error.as_deref()),
        (Some(400), Some("InvalidAssociationID.NotFound"))
    );
    let json = serde_json::to_value(&log).unwrap();
    assert_eq!(json[0]["fate"], "answered");
    assert!(json[0]["wall"].as_str().is_some_and(|wall| wall.ends_with('Z')));
}

async fn a_lost_reply_hides_what_was_done(lab: &Lab) {
    lab.faults().set(a(), Action::AssociateAddress, Fault::LoseReply(1));
    assert_eq!(refusal(claim_with(lab, "a", true, &[("DryRun", "true")]).await).0, 412);
    assert!(matches!(
        claim(lab, "a", true).await,
        Err(QueryError::Unanswered { .. })
    ));
    assert_eq!(lab.holder(), held_by("a"));
    let lost = lab.log().pop().unwrap();
    assert_eq!((lost.fate, lost.status), (Fate::Lost, Some(200)));
    assert_eq!(lost.association_id, lab.ownership().pop().unwrap().association_id);
    claim(lab, "a", true).await.unwrap();
}

async fn stale_reads_show_what_was(lab: &Lab) {
    claim(lab, "a", true).await.unwrap();
    lab.faults().set(a(), Action::DescribeAddresses, Fault::Stale(FOR_EVER));
    lab.faults().set(a(), Action::Imds, Fault::Stale(FOR_EVER));
    assert_eq!(describe(lab, "a").await.unwrap().text_of("associationId"), None);
    assert_eq!(crate::imds::associations(lab, "a").await, None);
    assert!(describe(lab, "b").await.unwrap().text_of("associationId").is_some());
    lab.faults().clear_all();
    assert!(describe(lab, "a").await.unwrap().text_of("associationId").is_some());
    lab.faults()
        .set(a(), Action::DescribeAddresses, Fault::Stale(Duration::from_millis(100)));
    until("the claim is old enough to be seen", async || {
        describe(lab, "a").await.unwrap().text_of("associationId").is_some()
    })
    .await;
}

async fn a_late_call_lands_after_its_caller_has_left(lab: &Lab) {
    lab.faults().set(
        a(),
        Action::AssociateAddress,
        Fault::LandLate(Duration::from_millis(200)),
    );
    {
        let mut call = std::pin::pin!(claim(lab, "a", true));
        tokio::select! {
            answer = &mut call => panic!("answered: {answer:?}"),
            () = until("the request arrives", async || lab.log().len() == 1) => {}
        }
    }
    claim(lab, "b", true).await.unwrap();
    until("the late call has landed", async || lab.holder() == held_by("a")).await;
    until("it is known as lost", async || lab.log()[0].fate == Fate::Lost).await;
    assert_eq!(lab.log()[0].status, Some(200));
}
