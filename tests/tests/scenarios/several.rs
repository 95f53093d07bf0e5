//! A pair with two addresses: each fails over by itself.

use e2e::{Pair, Setup, eventually, on_stages};

on_stages! {
    emulator: either_node_survives_alone_and_takes_exactly_what_the_other_held;
}

fn either_node_survives_alone_and_takes_exactly_what_the_other_held(setup: Setup) {
    let mut pair = setup.with_two_addresses().pair();
    start_one_each(&mut pair);
    let (first, second) = (pair.lab().allocation_id().to_owned(), pair.second().to_owned());
    assert_eq!(
        (pair.claimers_of(&first), pair.claimers_of(&second)),
        (of("a"), of("b"))
    );
    pair.kill_host("b");
    await_holders(&pair, ["a", "a"]);
    assert_eq!(pair.answering_at_second().as_deref(), Some("a"));
    assert_eq!(pair.answering().as_deref(), Some("a"));
    assert_eq!(pair.claimers_of(&first), of("a"), "the other address is not touched");
    assert_eq!(pair.claimers_of(&second), ["b", "a"]);
}

/// Starts everything, and waits until each node holds the address that prefers it and all is well.
fn start_one_each(pair: &mut Pair) {
    pair.start();
    await_holders(pair, ["a", "b"]);
    pair.await_healthy();
}

#[track_caller]
fn await_holders(pair: &Pair, [first, second]: [&str; 2]) {
    eventually("the addresses are where they belong", || {
        let are = (pair.holder(), pair.second_holder());
        (are == (Some(first.to_owned()), Some(second.to_owned()))).then_some(())
    });
}

fn of(node: &str) -> Vec<String> {
    vec![node.to_owned()]
}
