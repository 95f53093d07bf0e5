//! A takeover by compare-and-set (F-11): what was read is released by its id, and then taken from nobody.

use e2e::{Setup, on_stages};
use pair_wire::control::Role;

on_stages! {
    emulator: what_was_read_is_released_and_then_taken_from_nobody;
    moto: what_was_read_is_released_and_then_taken_from_nobody;
}

fn what_was_read_is_released_and_then_taken_from_nobody(setup: Setup) {
    let mut pair = setup.with("[takeover]\nstrict = true\n").pair();
    pair.start_healthy();
    pair.kill_host("a");
    let status = pair.await_takeover("b");
    assert_eq!(status.node.role, Role::Active);
    let takeover = status.last_takeover.unwrap();
    assert_eq!((takeover.rule.as_str(), takeover.attempts), ("F-6a", 2));
    let changes = pair.lab().log();
    let changes = changes
        .iter()
        .filter(|call| call.node == "b" && call.is_mutation())
        .map(|call| call.action.as_str());
    assert_eq!(changes.collect::<Vec<_>>(), ["DisassociateAddress", "AssociateAddress"]);
}
