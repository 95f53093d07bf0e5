//! What holds for any EC2.

use std::net::Ipv4Addr;
use std::rc::Rc;

use pair_ec2::{CallError, Connection, InstanceState, Tag, Target};

use crate::backend::{Backend, PATIENCE, Stage};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    an_unassociated_address_is_held_by_nobody,
    an_address_is_found_by_its_public_ip,
    an_association_is_read_back_as_it_was_made,
    a_held_address_is_not_taken_without_reassociation,
    reassociation_moves_and_replaces_the_id,
    repeating_an_association_keeps_the_holder,
    an_address_of_its_own_has_no_neighbour,
    another_address_at_the_place_to_land_is_found,
    a_dry_run_is_allowed_and_changes_nothing,
    a_released_association_leaves_the_address_to_nobody,
    a_stale_id_never_drops_the_newer_association,
    a_rehearsed_release_changes_nothing,
    an_unknown_allocation_is_gone,
    an_unknown_interface_is_gone,
    an_unknown_instance_is_gone,
    an_instance_is_running_and_then_stopped,
    a_stopped_instance_keeps_its_address,
    instances_are_found_by_their_tag,
    a_terminated_instance_is_found_and_is_not_alive,
    an_address_is_found_by_its_tag,
    a_denied_call_is_denied_and_changes_nothing,
];

async fn an_unassociated_address_is_held_by_nobody(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let address = stage.read().await;
    assert_eq!(address.allocation_id, stage.allocation_id);
    assert_eq!(address.public_ip, stage.public_ip);
    assert_eq!(address.association, None);
}

async fn an_address_is_found_by_its_public_ip(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let allocation_of = async |public_ip| stage.ec2.allocation_of(public_ip, PATIENCE, Connection::Pooled).await;
    assert_eq!(
        allocation_of(stage.public_ip).await,
        Ok(Some(stage.allocation_id.clone()))
    );
    assert_eq!(allocation_of(Ipv4Addr::new(192, 0, 2, 77)).await, Ok(None));
}

async fn an_association_is_read_back_as_it_was_made(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let id = stage.associate(&stage.a, false).await.expect("it is free");
    let holder = stage.holder().await;
    assert_eq!(holder.association_id, id);
    assert_eq!(holder.network_interface_id, Some(stage.a.network_interface_id.clone()));
    assert_eq!(holder.private_ip, Some(stage.a.private_ip));
}

async fn a_held_address_is_not_taken_without_reassociation(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    stage.associate(&stage.a, false).await.expect("it is free");
    let before = stage.read().await;
    let outcome = stage.associate(&stage.b, false).await;
    assert!(
        matches!(outcome, Err(CallError::AlreadyAssociated { .. })),
        "{outcome:?}"
    );
    assert_eq!(stage.read().await, before);
}

async fn reassociation_moves_and_replaces_the_id(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let old = stage.associate(&stage.a, false).await.expect("it is free");
    let new = stage.associate(&stage.b, true).await.expect("allowed");
    assert_ne!(new, old);
    let holder = stage.holder().await;
    assert_eq!(holder.association_id, new);
    assert_eq!(holder.network_interface_id, Some(stage.b.network_interface_id.clone()));
}

/// Whether the id stays is not promised; that the holder does, is.
async fn repeating_an_association_keeps_the_holder(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    stage.associate(&stage.a, true).await.expect("it is free");
    let id = stage.associate(&stage.a, true).await.expect("its own");
    let holder = stage.holder().await;
    assert_eq!(holder.association_id, id);
    assert_eq!(holder.network_interface_id, Some(stage.a.network_interface_id.clone()));
}

async fn an_address_of_its_own_has_no_neighbour(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let target = stage.target(&stage.a);
    for _ in 0..2 {
        let found = stage.ec2.neighbours(&target, PATIENCE, Connection::Pooled).await;
        assert_eq!(found, Ok(Vec::new()));
        stage.associate(&stage.a, true).await.expect("it is free, then its own");
    }
}

async fn another_address_at_the_place_to_land_is_found(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    stage.associate(&stage.a, false).await.expect("it is free");
    let to = |machine| Target {
        allocation_id: "eipalloc-0000000000000dead".to_owned(),
        ..stage.target(machine)
    };
    let found = stage.ec2.neighbours(&to(&stage.a), PATIENCE, Connection::Pooled).await;
    assert_eq!(found, Ok(vec![stage.read().await]));
    let elsewhere = stage.ec2.neighbours(&to(&stage.b), PATIENCE, Connection::Pooled).await;
    assert_eq!(elsewhere, Ok(Vec::new()));
}

async fn a_dry_run_is_allowed_and_changes_nothing(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    stage.associate(&stage.a, false).await.expect("it is free");
    let before = stage.read().await;
    let target = stage.target(&stage.b);
    let outcome = stage
        .ec2
        .dry_run_associate(&target, true, PATIENCE, Connection::Pooled)
        .await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(stage.read().await, before);
}

async fn a_released_association_leaves_the_address_to_nobody(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let id = stage.associate(&stage.a, false).await.expect("it is free");
    let released = stage.ec2.release(&id, PATIENCE, Connection::Pooled).await;
    assert_eq!(released, Ok(()));
    assert_eq!(stage.read().await.association, None);
    stage.associate(&stage.b, false).await.expect("it is free again");
}

/// `Gone` or success: EC2 may answer either (EC2 API Reference, `DisassociateAddress`).
async fn a_stale_id_never_drops_the_newer_association(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let stale = stage.associate(&stage.a, false).await.expect("it is free");
    stage.associate(&stage.b, true).await.expect("allowed");
    let before = stage.read().await;
    let outcome = stage.ec2.release(&stale, PATIENCE, Connection::Pooled).await;
    assert!(matches!(outcome, Ok(()) | Err(CallError::Gone { .. })), "{outcome:?}");
    assert_eq!(stage.read().await, before);
}

async fn a_rehearsed_release_changes_nothing(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let id = stage.associate(&stage.a, false).await.expect("it is free");
    let before = stage.read().await;
    let outcome = stage.ec2.dry_run_release(&id, PATIENCE, Connection::Pooled).await;
    assert_eq!(outcome, Ok(()));
    assert_eq!(stage.read().await, before);
}

async fn an_unknown_allocation_is_gone(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let unknown = "eipalloc-0000000000000dead";
    let read = stage.ec2.address(unknown, PATIENCE, Connection::Pooled).await;
    assert!(matches!(read, Err(CallError::Gone { .. })), "{read:?}");
    let target = Target {
        allocation_id: unknown.to_owned(),
        ..stage.target(&stage.a)
    };
    let moved = stage
        .ec2
        .associate(&target, true, PATIENCE, Connection::Pooled)
        .await
        .expect_err("it does not exist");
    assert!(matches!(moved, CallError::Gone { .. }), "{moved}");
    assert_eq!(moved.code(), Some("InvalidAllocationID.NotFound"));
}

async fn an_unknown_interface_is_gone(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let target = Target {
        network_interface_id: "eni-0000000000000dead".to_owned(),
        ..stage.target(&stage.a)
    };
    let outcome = stage
        .ec2
        .associate(&target, true, PATIENCE, Connection::Pooled)
        .await
        .expect_err("it does not exist");
    assert!(matches!(outcome, CallError::Gone { .. }), "{outcome}");
    assert_eq!(outcome.code(), Some("InvalidNetworkInterfaceID.NotFound"));
    assert_eq!(stage.read().await.association, None);
}

async fn an_unknown_instance_is_gone(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let outcome = stage
        .ec2
        .instance("i-0000000000000dead", PATIENCE, Connection::Pooled)
        .await
        .expect_err("it does not exist");
    assert!(matches!(outcome, CallError::Gone { .. }), "{outcome}");
    assert_eq!(outcome.code(), Some("InvalidInstanceID.NotFound"));
}

async fn an_instance_is_running_and_then_stopped(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let state = async |instance_id: &str| {
        stage
            .ec2
            .instance(instance_id, PATIENCE, Connection::Pooled)
            .await
            .expect("it exists")
            .state
    };
    assert_eq!(state(&stage.a.instance_id).await, InstanceState::Running);
    backend.stop(&stage, &stage.a).await;
    assert_eq!(state(&stage.a.instance_id).await, InstanceState::Stopped);
    assert_eq!(state(&stage.b.instance_id).await, InstanceState::Running);
}

async fn a_stopped_instance_keeps_its_address(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    stage.associate(&stage.a, false).await.expect("it is free");
    let before = stage.read().await;
    backend.stop(&stage, &stage.a).await;
    assert_eq!(stage.read().await, before);
}

/// A tag that no other stage has.
fn tag_of(stage: &Stage) -> Tag {
    Tag {
        key: "paird:pair".to_owned(),
        value: stage.allocation_id.clone(),
    }
}

async fn instances_are_found_by_their_tag(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let tag = tag_of(&stage);
    let find = async |tag: &Tag| stage.ec2.tagged_instances(tag, PATIENCE, Connection::Pooled).await;
    assert_eq!(find(&tag).await, Ok(Vec::new()));
    for machine in [&stage.a, &stage.b] {
        backend.tag(&stage, &machine.instance_id, &tag).await;
    }
    let found = find(&tag).await.expect("it may be read");
    assert_eq!(found.len(), 2);
    for (machine, zone) in [(&stage.a, "us-east-1a"), (&stage.b, "us-east-1b")] {
        let one = found.iter().find(|one| one.instance_id == machine.instance_id);
        let one = one.expect("it bears the tag");
        assert_eq!(one.availability_zone, zone);
        assert_eq!(one.state, InstanceState::Running);
        assert_eq!(one.private_ips[0], machine.private_ip);
        assert!(one.launched_at_s > 1_700_000_000, "{one:?}");
    }
    let other = Tag {
        value: "another".to_owned(),
        ..tag
    };
    assert_eq!(find(&other).await, Ok(Vec::new()));
}

async fn a_terminated_instance_is_found_and_is_not_alive(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let tag = tag_of(&stage);
    backend.tag(&stage, &stage.a.instance_id, &tag).await;
    backend.terminate(&stage, &stage.a).await;
    let found = stage.ec2.tagged_instances(&tag, PATIENCE, Connection::Pooled).await;
    let found = found.expect("it may be read");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].state, InstanceState::Terminated);
    assert!(!found[0].is_alive());
}

async fn an_address_is_found_by_its_tag(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    let tag = tag_of(&stage);
    let find = async || stage.ec2.tagged_addresses(&tag, PATIENCE, Connection::Pooled).await;
    assert_eq!(find().await, Ok(Vec::new()));
    backend.tag(&stage, &stage.allocation_id, &tag).await;
    assert_eq!(find().await, Ok(vec![stage.read().await]));
}

async fn a_denied_call_is_denied_and_changes_nothing(backend: Rc<Backend>) {
    let stage = backend.stage().await;
    backend.deny(&stage).await;
    let moved = stage.associate(&stage.a, true).await;
    assert!(matches!(moved, Err(CallError::Denied { .. })), "{moved:?}");
    let target = stage.target(&stage.a);
    let rehearsed = stage
        .ec2
        .dry_run_associate(&target, true, PATIENCE, Connection::Pooled)
        .await;
    assert!(matches!(rehearsed, Err(CallError::Denied { .. })), "{rehearsed:?}");
    backend.allow(&stage).await;
    assert_eq!(stage.read().await.association, None);
}
