//! A pair with two addresses: each fails over by itself.

use std::thread;

use e2e::{FullDisk, Pair, Ran, Setup, eventually, has_problem, is_skipped, on_stages};
use pair_wire::control::{Link, Role, Severity, State};

on_stages! {
    emulator:
        either_node_survives_alone_and_takes_exactly_what_the_other_held,
        one_moves_or_is_held_without_the_other,
        what_is_about_one_address_says_of_which,
        a_node_leaves_and_joins_with_all_of_its_addresses,
        a_second_address_comes_with_a_restart_that_the_first_does_not_notice,
        two_operators_at_once_each_move_their_address,
        a_disk_that_is_full_keeps_neither_address_from_failing_over;
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
    pair.await_holders(["a", "a"]);
    assert_eq!(pair.answering_at_second().as_deref(), Some("a"));
    assert_eq!(pair.answering().as_deref(), Some("a"));
    assert_eq!(pair.claimers_of(&first), of("a"), "the other address is not touched");
    assert_eq!(pair.claimers_of(&second), ["b", "a"]);
}

fn one_moves_or_is_held_without_the_other(setup: Setup) {
    let mut pair = setup.with_two_addresses().pair();
    start_one_each(&mut pair);
    let second = pair.second().to_owned();
    let which = pair.pairctl("a", &["failover"]);
    assert_eq!(which.code, Some(4), "{which:?}");
    assert!(which.stderr.contains("name it with --address"), "{which:?}");
    let unknown = pair.pairctl("a", &["failover", "--address", "third"]);
    assert!(unknown.stderr.contains("no address is called \"third\""), "{unknown:?}");

    let moved = pair.pairctl("a", &["failover", "--address", "second"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    pair.await_holders(["a", "a"]);
    let back = pair.pairctl("a", &["failover", "--address", &second, "--to", "b"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    pair.await_holders(["a", "b"]);
    assert_eq!(pair.claimers_of(pair.lab().allocation_id()), of("a"));

    let held = pair.pairctl("b", &["hold", "--for", "10m", "--address", "second"]);
    assert_eq!(held.stdout, "the address stays where it is for 10m: b and a know\n");
    let status = pair.await_problem("a", "on-hold");
    let on_hold: Vec<_> = status
        .addresses
        .iter()
        .map(|address| address.hold_left_ms.is_some())
        .collect();
    assert_eq!(on_hold, [false, true]);
    pair.kill_host("b");
    let status = pair.await_status("a", "the hold keeps the second address from moving", |status| {
        let problems = status.problems.iter();
        let held = problems.filter(|problem| problem.id == "on-hold" && problem.severity == Severity::Critical);
        held.map(|problem| problem.address.as_deref())
            .eq([Some(second.as_str())])
    });
    assert_eq!(status.state, State::Critical, "as bad as the worst of both");
    assert_eq!(pair.second_holder().as_deref(), Some("b"));
    let resumed = pair.pairctl("a", &["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    pair.await_holders(["a", "a"]);
}

fn what_is_about_one_address_says_of_which(setup: Setup) {
    let mut pair = setup.with_two_addresses().pair();
    start_one_each(&mut pair);
    let (first, second) = (pair.lab().allocation_id().to_owned(), pair.second().to_owned());
    let status = pair.status("a");
    let told: Vec<_> = status
        .addresses
        .iter()
        .map(|address| (address.name.as_deref(), address.role, address.peer_ready))
        .collect();
    assert_eq!(
        told,
        [
            (None, Role::Active, Some(true)),
            (Some("second"), Role::Passive, Some(true))
        ]
    );
    assert!(status.addresses[1].ready.as_ref().is_some_and(|ready| ready.ready));
    let (_, page) = pair.ask_metrics("a", "/metrics").unwrap();
    for (allocation_id, active) in [(&first, "1.0"), (&second, "0.0")] {
        let sample = format!("paird_active{{allocation_id=\"{allocation_id}\"}} {active}");
        assert!(page.lines().any(|line| line == sample), "{sample}\n{page}");
    }
    assert_eq!(pair.pairctl("a", &["wait", "--active"]).code, Some(0));
    let waited = ["wait", "--active", "--address", "second", "--timeout", "100ms"];
    assert_eq!(pair.pairctl("a", &waited).code, Some(6));
    assert_eq!(pair.pairctl("b", &waited).code, Some(0));

    pair.kill_host("b");
    pair.await_holders(["a", "a"]);
    let claims = eventually("the journal tells of the takeover", || {
        let told = pair.pairctl("a", &["events", "--json", "--address", "second"]).stdout;
        let takeovers = told.lines().filter(|line| line.contains("\"takeover\"")).count();
        (takeovers > 0).then_some(told)
    });
    assert!(claims.contains(&second) && !claims.contains(&first), "{claims}");
    let why = pair.pairctl("a", &["why", "--address", &first]).stdout;
    assert!(why.contains(&first) && !why.contains(&second), "{why}");
    let export = pair.pairctl("a", &["why", "--export", "-", "--address", "second"]);
    assert_eq!(export.code, Some(0), "{}", export.stderr);
    let diagnosed = pair.pairctl("a", &["doctor"]);
    for subject in [
        "landing of second",
        "rehearsal of second",
        &format!("rehearsal of {first}"),
    ] {
        assert!(diagnosed.stdout.contains(subject), "{diagnosed:?}");
    }
}

fn a_node_leaves_and_joins_with_all_of_its_addresses(setup: Setup) {
    let mut pair = setup.with_two_addresses().pair();
    start_one_each(&mut pair);
    let one = pair.pairctl("b", &["leave"]);
    assert_eq!(one.code, Some(0), "{one:?}");
    // One address had to go, and the other was not there.
    assert!(one.stdout.contains("this node has left the pair"), "{one:?}");
    pair.await_holders(["a", "a"]);
    let away = pair.await_problem("b", "left-pair");
    let told = away.problems.iter().filter(|problem| problem.id == "left-pair");
    assert_eq!(
        told.map(|problem| problem.address.as_deref()).collect::<Vec<_>>(),
        [None]
    );
    pair.restart_agent("b");
    pair.await_problem("b", "left-pair");
    let back = pair.pairctl("b", &["join"]);
    assert_eq!(
        (back.code, back.stdout.as_str()),
        (Some(0), "this node is in the pair\n")
    );
    pair.await_healthy();
}

/// The edit of a pair that has one address: on one node after the other, with a restart of each agent.
fn a_second_address_comes_with_a_restart_that_the_first_does_not_notice(setup: Setup) {
    let mut pair = setup.with_two_addresses().pair();
    let table = pair.second_table();
    for node in ["a", "b"] {
        pair.edit_config(node, &table, "");
    }
    pair.start_healthy();
    let (first, second) = (pair.lab().allocation_id().to_owned(), pair.second().to_owned());
    let visitors = pair.visitors();
    for node in ["b", "a"] {
        pair.edit_config(node, "[log]", &format!("{table}[log]"));
        let reloaded = pair.pairctl(node, &["reload"]);
        assert!(
            reloaded.stdout.contains("takes effect at restart: address.name"),
            "{reloaded:?}"
        );
        pair.stop_agent(node);
        pair.start_agent(node);
        pair.await_status(node, "the first address is watched over as before", |status| {
            status.peer.link == Link::Up && status.addresses[0].peer_ready == Some(true)
        });
    }
    pair.await_holders(["a", "b"]);
    pair.await_healthy();
    assert_eq!(visitors.end().failed, Vec::<String>::new());
    assert_eq!(
        (pair.claimers_of(&first), pair.claimers_of(&second)),
        (of("a"), of("b"))
    );
}

fn two_operators_at_once_each_move_their_address(setup: Setup) {
    let mut pair = setup.with_two_addresses().pair();
    start_one_each(&mut pair);
    let (first, second) = (pair.lab().allocation_id().to_owned(), pair.second().to_owned());
    let has_moved = |ran: &Ran, way: &str| {
        let told = format!("the address has moved {way}, in ");
        assert_eq!((ran.code, ran.stdout.starts_with(&told)), (Some(0), true), "{ran:?}");
    };

    let each_ordered_at = |nodes: [&str; 2]| {
        let orders = [&first, &second].map(|address| ["failover", "--address", address]);
        at_once(&pair, [(nodes[0], &orders[0]), (nodes[1], &orders[1])])
    };

    // Each at another node, the one that does not hold what it orders.
    let [one, other] = each_ordered_at(["b", "a"]);
    has_moved(&one, "from a to b");
    has_moved(&other, "from b to a");
    pair.await_holders(["b", "a"]);
    pair.await_healthy();

    // Both at the same one.
    let [one, other] = each_ordered_at(["a", "a"]);
    has_moved(&one, "from b to a");
    has_moved(&other, "from a to b");
    pair.await_holders(["a", "b"]);
    pair.await_healthy();

    // What one of them gets tells nothing about the other.
    let [there, held] = at_once(
        &pair,
        [
            ("a", &["failover", "--address", &first, "--to", "a"]),
            ("a", &["hold", "--for", "10m", "--address", &second]),
        ],
    );
    assert_eq!(
        (there.code, there.stdout.as_str()),
        (Some(0), "the address is there already\n"),
        "{there:?}"
    );
    assert_eq!(held.code, Some(0), "{held:?}");
    assert_eq!(pair.claimers_of(&first), ["a", "b", "a"]);
    assert_eq!(pair.claimers_of(&second), ["b", "a", "b"]);
}

fn a_disk_that_is_full_keeps_neither_address_from_failing_over(setup: Setup) {
    if is_skipped("a full disk", FullDisk::obstacle()) {
        return;
    }
    let mut pair = setup.with_two_addresses().pair();
    let disk = FullDisk::on(&pair.folder().join("b.state"));
    pair.start();
    pair.await_holders(["a", "b"]);
    pair.await_problem("b", "record-unwritable");
    let ready = pair.pairctl("a", &["wait", "--ready"]);
    assert_eq!(ready.code, Some(0), "{ready:?}");
    let moved = pair.pairctl("a", &["failover", "--address", "second"]);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    pair.await_holders(["a", "a"]);
    pair.kill_host("a");
    pair.await_holders(["b", "b"]);
    let status = pair.await_status("b", "both takeovers are verified", |status| {
        status.addresses.iter().all(|address| address.role == Role::Active)
    });
    assert!(has_problem(&status, "record-unwritable"), "{status:?}");
    // What no file has is in memory.
    for address in [pair.lab().allocation_id(), pair.second()] {
        let why = pair.pairctl("b", &["why", "--address", address]).stdout;
        assert!(why.contains("came from a and is verified here, by rule F-6a"), "{why}");
    }
    let held = pair.pairctl("b", &["hold", "--for", "10m"]);
    assert_eq!(held.code, Some(0), "{held:?}");
    pair.await_problem("b", "state-unusable");
    // Whoever has a file open there keeps it from being unmounted.
    pair.stop_agent("b");
    drop(disk);
}

/// Lets two operators type at the same moment, each at a node.
fn at_once(pair: &Pair, [one, other]: [(&str, &[&str]); 2]) -> [Ran; 2] {
    thread::scope(|scope| {
        let orders = [one, other].map(|(node, words)| scope.spawn(move || pair.pairctl(node, words)));
        orders.map(|order| order.join().unwrap())
    })
}

/// Starts everything, and waits until each node holds the address that prefers it and all is well.
fn start_one_each(pair: &mut Pair) {
    pair.start();
    pair.await_holders(["a", "b"]);
    pair.await_healthy();
}

fn of(node: &str) -> Vec<String> {
    vec![node.to_owned()]
}
