//! Faults planted in the world, one after the other, and what an examination finds: exactly that, and nothing where nothing is.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use e2e::{
    Action, Cut, FakeClock, Fault, FullDisk, NOT_ON_HOST, Setup, Target, User, eventually, is_skipped, of, on_stages,
};

on_stages! {
    emulator:
        what_ec2_and_the_instance_withhold_is_found,
        what_is_wrong_with_this_host_is_found,
        a_clock_that_is_an_hour_off_is_found,
        a_full_disk_is_found,
        a_redirection_by_the_environment_is_found_and_one_by_the_configuration_is_none,
        a_path_that_is_blocked_one_way_is_found,
        another_key_is_found,
        what_differs_between_the_nodes_is_found_on_both,
        a_standby_that_is_no_longer_ready_shows_on_both_nodes_after_its_next_proof,
        the_running_agent_finds_what_the_command_finds;
    haproxy:
        what_is_wrong_with_haproxy_is_found;
}

/// Nobody that the files of a pair belong to.
const STRANGER: User = User {
    uid: 64_321,
    gid: 64_321,
    group: None,
};

fn what_ec2_and_the_instance_withhold_is_found(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_service("a");
    pair.doctor("a").run().is(&[], 0);

    let faults = pair.lab().faults();
    for (action, fault, found) in [
        (Action::Imds, Fault::Deny, "no-role"),
        (Action::Imds, Fault::Refuse, "imds-unreachable"),
        (Action::AssociateAddress, Fault::Deny, "ec2-denied"),
        (Action::DescribeAddresses, Fault::Deny, "ec2-denied"),
        // No egress: nothing is reached, or whatever is sent gets lost.
        (Action::Any, Fault::Refuse, "ec2-unreadable"),
        (Action::Any, Fault::BlackHole, "ec2-unreadable"),
    ] {
        faults.set(of("a"), action, fault);
        pair.doctor("a").run().is(&[found], 1);
        faults.clear_all();
    }

    let allocation_id = pair.lab().allocation_id();
    let wrong = pair.doctor("a").with(allocation_id, "eipalloc-00000000000000bad");
    wrong.run().is(&["allocation-unknown"], 2);

    let neighbour = pair.lab().allocate_address([127, 0, 113, 20].into()).unwrap();
    let [a, b, outside] = [
        Target::Node("a".to_owned()),
        Target::Node("b".to_owned()),
        Target::Outside,
    ];
    pair.lab().move_address(&b).unwrap();
    pair.doctor("a").run().is(&[], 0);
    pair.lab().move_address(&outside).unwrap();
    pair.doctor("a").run().is(&["held-by-stranger"], 2);
    pair.lab().move_address(&b).unwrap();
    pair.lab().place_address(&neighbour, &a).unwrap();
    pair.doctor("a").run().is(&["place-taken"], 1);
}

fn what_is_wrong_with_this_host_is_found(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_service("a");
    pair.doctor("a").run().is(&[], 0);

    let [a, b] = NOT_ON_HOST;
    let landing = format!("[[address]]\nprivate_ips = {{ a = \"{a}\", b = \"{b}\" }}\n");
    let elsewhere = pair.doctor("a").with("[[address]]\n", &landing);
    elsewhere.run().is(&["address-not-on-host"], 1);
    let unassigned = landing.replace(&a.to_string(), "192.0.2.3");
    let nowhere = pair.doctor("a").with("[[address]]\n", &unassigned);
    nowhere.run().is(&["address-not-on-host", "no-interface"], 1);

    let key = pair.folder().join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    pair.doctor("a").run().is(&["key-unusable"], 2);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let strong = pair.key("a");
    fs::write(&key, format!("1 {}\n", "ab".repeat(32))).unwrap();
    pair.doctor("a").run().is(&["key-weak"], 1);
    fs::write(&key, strong).unwrap();
    let mistaken = pair.doctor("a").with("[probe]", "[prob]");
    mistaken.run().is(&["config-invalid"], 2);

    pair.kill_service("a");
    pair.doctor("a").run().is(&["nothing-listens", "service-unfit"], 1);
}

fn a_clock_that_is_an_hour_off_is_found(setup: Setup) {
    let clock = FakeClock::find();
    if is_skipped(
        "a wrong clock",
        clock.is_none().then_some("libfaketime is not installed"),
    ) {
        return;
    }
    let mut pair = setup.pair();
    pair.start_service("a");
    for off in ["-1h", "+1h"] {
        let env = clock.as_ref().unwrap().env(off);
        let doctor = env
            .into_iter()
            .fold(pair.doctor("a"), |doctor, (name, value)| doctor.env(name, value));
        doctor.run().is(&["clock-off"], 1);
    }
}

fn a_full_disk_is_found(setup: Setup) {
    if is_skipped("a full disk", FullDisk::obstacle()) {
        return;
    }
    let mut pair = setup.pair();
    pair.start_service("a");
    let disk = FullDisk::on(&pair.folder().join("a.state"));
    pair.doctor("a").run().is(&["state-unusable"], 1);
    drop(disk);
    pair.doctor("a").run().is(&[], 0);
}

fn a_redirection_by_the_environment_is_found_and_one_by_the_configuration_is_none(setup: Setup) {
    let mut pair = setup.redirected_by_the_environment().pair();
    pair.start_service("a");
    let found = pair.doctor("a").run();
    found.is(&["endpoint-redirected", "endpoint-redirected"], 1);
    let texts: Vec<&str> = found.said.findings().map(|finding| finding.text.as_str()).collect();
    assert!(
        texts[0].starts_with("AWS_EC2_METADATA_SERVICE_ENDPOINT sends calls of IMDS to http://"),
        "{texts:?}"
    );
    assert!(
        texts[1].starts_with("AWS_ENDPOINT_URL_EC2 sends calls of EC2 to http://"),
        "{texts:?}"
    );
}

fn a_path_that_is_blocked_one_way_is_found(setup: Setup) {
    if is_skipped("a cut path", Cut::obstacle()) {
        return;
    }
    let mut pair = setup.pair();
    pair.start_healthy();
    let cut = pair.cut_heartbeats_of("a");
    pair.await_problem("a", "one-way-link");
    pair.pairctl_doctor("a").is(&["one-way-link"], 1);
    cut.heal();
    pair.await_healthy();
    pair.pairctl_doctor("a").is(&[], 0);
}

fn another_key_is_found(setup: Setup) {
    let mut pair = setup.with_another_key_on_b().pair();
    pair.start();
    pair.await_problem("a", "heartbeats-rejected");
    pair.pairctl_doctor("a").is(&["peer-silent", "heartbeats-rejected"], 1);
}

fn what_differs_between_the_nodes_is_found_on_both(setup: Setup) {
    let differing = setup
        .with_on_b("[takeover]\nrefit = \"61s\"\n")
        .with_one_more_key_on_b();
    let mut pair = differing.pair();
    pair.start();
    pair.await_takeover("a");
    pair.await_differences(&["config-differs", "keys-differ"]);
    for node in ["a", "b"] {
        pair.pairctl_doctor(node).is(&["config-differs", "keys-differ"], 1);
    }
    // Digests never gate (F-5).
    pair.kill_host("a");
    pair.await_takeover("b");
}

fn a_standby_that_is_no_longer_ready_shows_on_both_nodes_after_its_next_proof(setup: Setup) {
    let mut pair = setup.with("[readiness]\ninterval = \"5s\"\n").pair();
    pair.start_healthy_without_a_claim();
    pair.lab().faults().set(of("b"), Action::AssociateAddress, Fault::Deny);
    // Nobody asks: the next rehearsal finds it.
    let status = pair.await_problem("a", "peer-not-ready");
    let no_standby = status.problems.iter().find(|problem| problem.id == "peer-not-ready");
    assert_eq!(
        no_standby.unwrap().text,
        "there is no standby: b could not take the address over"
    );
    pair.await_problem("b", "ec2-denied");
    for node in ["a", "b"] {
        assert_eq!(pair.pairctl(node, &["status"]).code, Some(1), "{node}");
    }
    assert_eq!(
        pair.pairctl("b", &["wait", "--ready", "--timeout", "100ms"]).code,
        Some(6)
    );
    let only = format!("allocation_id=\"{}\"", pair.lab().allocation_id());
    for (node, sample) in [
        ("b", format!("paird_ready{{{only}}} 0.0")),
        ("b", format!("paird_unready{{{only},cause=\"ec2-denied\"}} 1.0")),
        ("a", format!("paird_peer_ready{{{only}}} 0.0")),
        ("a", "paird_problem{id=\"peer-not-ready\"} 1.0".to_owned()),
    ] {
        eventually(&sample, || {
            let (_, page) = pair.ask_metrics(node, "/metrics")?;
            page.lines().any(|line| line == sample).then_some(())
        });
    }
    assert_eq!(pair.ask_metrics("b", "/readyz").unwrap().0, 503);

    pair.lab().faults().clear_all();
    pair.await_healthy();
}

fn the_running_agent_finds_what_the_command_finds(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy_without_a_claim();
    for node in ["a", "b"] {
        pair.pairctl_doctor(node).is(&[], 0);
    }
    pair.lab().faults().set(of("b"), Action::AssociateAddress, Fault::Deny);
    pair.pairctl_doctor("b").is(&["ec2-denied"], 1);
    // The examination rehearsed a takeover as well, so both nodes know.
    pair.await_problem("b", "ec2-denied");
    pair.await_problem("a", "peer-not-ready");
    pair.pairctl_doctor("a").is(&["peer-not-ready"], 1);

    let told = pair.pairctl("b", &["doctor"]);
    assert_eq!((told.code, told.stderr.as_str()), (Some(1), ""), "{told:?}");
    assert!(
        told.stdout
            .starts_with("pair e2e, node b, examined by its running agent\n"),
        "{told:?}"
    );
    assert!(told.stdout.ends_with("\n1 finding: ec2-denied\n"), "{told:?}");
}

fn what_is_wrong_with_haproxy_is_found(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_service("a");
    pair.doctor("a").run().is(&[], 0);

    let socket = pair.folder().join("a.haproxy");
    let mut sessions = Vec::new();
    eventually("every session of the runtime socket is in use", || {
        let mut session = UnixStream::connect(&socket).ok()?;
        session.write_all(b"prompt\n").ok()?;
        sessions.push(session);
        (sessions.len() == SESSIONS).then_some(())
    });
    pair.doctor("a").run().is(&["haproxy-cli-exhausted"], 1);
    drop(sessions);
    pair.doctor("a").run().is(&[], 0);

    if !is_skipped("another user", User::obstacle()) {
        pair.doctor("a").by(STRANGER).run().is(&["haproxy-socket-denied"], 1);
    }

    let file = pair.folder().join("a.haproxy.cfg");
    let unsafe_limits = fs::read_to_string(&file).unwrap().replace("  maxconn 180\n", "");
    fs::write(&file, unsafe_limits).unwrap();
    pair.kill_service("a");
    pair.start_service("a");
    pair.doctor("a").run().is(&["haproxy-maxconn-unsafe"], 1);

    pair.kill_service("a");
    pair.doctor("a").run().is(&["nothing-listens", "service-unfit"], 1);
}

/// As many as HAProxy serves at a time unless `stats maxconn` says otherwise.
const SESSIONS: usize = 10;
