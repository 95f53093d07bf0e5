//! What the emulator's faults look like to a caller: each is the error that it claims to be.

use std::rc::Rc;
use std::time::Duration;

use pair_ec2::{CallError, Connection, Reachability};
use pair_lab::{Action, Fault, Lab, Scope};

use crate::backend::{Backend, Ground, PATIENCE, Stage};
use crate::emulator::SELF;
use crate::{Case, cases};

/// The deadline of calls that are meant to reach it.
const DEADLINE: Duration = Duration::from_millis(300);

pub(crate) const CASES: &[Case] = cases![
    throttling_is_throttled,
    a_server_error_is_unclear,
    a_shut_door_is_not_sent,
    a_black_hole_is_unanswered_and_changes_nothing,
    a_lost_reply_is_unanswered_and_applied,
    a_failed_check_is_a_failed_reachability,
    the_caller_is_known_by_its_credentials,
];

fn lab(stage: &Stage) -> &Lab {
    match &stage.ground {
        Ground::Emulator(emulated) => &emulated.lab,
        Ground::Moto => unreachable!("these cases are the emulator's"),
    }
}

async fn stage_with(backend: &Backend, action: Action, fault: Fault) -> Stage {
    let stage = backend.stage().await;
    lab(&stage).faults().set(Scope::All, action, fault);
    stage
}

async fn throttling_is_throttled(backend: Rc<Backend>) {
    let stage = stage_with(&backend, Action::AssociateAddress, Fault::Throttle).await;
    let error = stage.associate(&stage.a, true).await.expect_err("over");
    assert!(matches!(error, CallError::Throttled { .. }), "{error}");
    assert_eq!(error.code(), Some("RequestLimitExceeded"));
}

async fn a_server_error_is_unclear(backend: Rc<Backend>) {
    let stage = stage_with(&backend, Action::AssociateAddress, Fault::ServerError).await;
    let error = stage.associate(&stage.a, true).await.expect_err("500");
    assert!(matches!(error, CallError::Unclear { .. }), "{error}");
}

async fn a_shut_door_is_not_sent(backend: Rc<Backend>) {
    let stage = stage_with(&backend, Action::Any, Fault::Refuse).await;
    let error = stage.associate(&stage.a, true).await.expect_err("shut");
    assert!(matches!(error, CallError::Retry { answered: false, .. }), "{error}");
}

async fn a_black_hole_is_unanswered_and_changes_nothing(backend: Rc<Backend>) {
    let stage = stage_with(&backend, Action::AssociateAddress, Fault::BlackHole).await;
    let target = stage.target(&stage.a);
    let error = stage
        .ec2
        .associate(&target, true, DEADLINE, Connection::Pooled)
        .await
        .expect_err("no answer");
    assert!(matches!(error, CallError::Unanswered { .. }), "{error}");
    assert_eq!(stage.read().await.association, None);
}

async fn a_lost_reply_is_unanswered_and_applied(backend: Rc<Backend>) {
    let stage = stage_with(&backend, Action::AssociateAddress, Fault::LoseReply(1)).await;
    let error = stage.associate(&stage.a, true).await.expect_err("lost");
    assert!(matches!(error, CallError::Unanswered { .. }), "{error}");
    assert_eq!(
        stage.holder().await.network_interface_id,
        Some(stage.a.network_interface_id.clone())
    );
}

async fn a_failed_check_is_a_failed_reachability(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let reachability = async || {
        let id = &stage.a.instance_id;
        let health = stage.ec2.instance(id, PATIENCE, Connection::Pooled).await;
        health.expect("it exists").reachability
    };
    assert_eq!(reachability().await, Reachability::Passed);
    let failed = lab(&stage).fail_reachability(SELF);
    failed.expect("the node exists");
    assert_eq!(reachability().await, Reachability::Failed);
}

async fn the_caller_is_known_by_its_credentials(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    stage.associate(&stage.a, false).await.expect("it is free");
    let log = lab(&stage).log();
    let call = log
        .iter()
        .find(|entry| entry.action == "AssociateAddress")
        .expect("it was logged");
    assert_eq!(call.node, SELF);
    assert!(call.user_agent.contains("aws-sdk-rust"), "{call:?}");
}
