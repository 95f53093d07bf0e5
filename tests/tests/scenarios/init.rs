//! The first configuration of a node: from IMDS and a few words, the same on both.

use std::{fs, thread};

use e2e::{Action, Fault, NOT_ON_HOST, PORT, Pair, Setup, eventually, of, on_stages, paird};

on_stages! {
    emulator:
        two_nodes_that_were_initialized_are_a_pair,
        two_nodes_that_were_initialized_to_find_each_other_do,
        both_nodes_write_the_same_file_and_it_passes,
        a_configuration_that_is_there_stays,
        a_metadata_service_that_is_late_is_asked_again,
        what_is_wrong_is_said_and_nothing_is_written;
    moto:
        two_nodes_that_were_initialized_are_a_pair;
}

fn two_nodes_that_were_initialized_are_a_pair(setup: Setup) {
    let mut pair = setup.redirected_by_the_environment().pair();
    let public_ip = pair.lab().public_ip().to_string();
    for (node, peer) in [("a", "b"), ("b", "a")] {
        let peer = pair.private_ip(peer);
        let key = pair.key_file(node);
        let port = PORT.to_string();
        let words = ["--print", "--pair", "e2e", "--peer", &peer, "--address", &public_ip];
        let more = ["--key-file", &key, "--port", &port, "--no-haproxy"];
        let ran = pair.init(node, &[&words[..], &more].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        pair.install_config(node, &ran.stdout);
    }
    pair.start();
    pair.await_takeover("a");
    pair.await_healthy();
}

fn two_nodes_that_were_initialized_to_find_each_other_do(setup: Setup) {
    let mut pair = setup.that_finds_its_members().redirected_by_the_environment().pair();
    let written = [("a", "us-east-1b"), ("b", "us-east-1a")].map(|(node, peer_zone)| {
        let key = pair.key_file(node);
        let port = PORT.to_string();
        let words = ["--print", "--pair", "e2e", "--discover", "--peer-zone", peer_zone];
        let more = ["--key-file", &key, "--port", &port, "--no-haproxy"];
        let ran = pair.init(node, &[&words[..], &more].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        pair.install_config(node, &ran.stdout);
        ran.stdout
    });
    assert_eq!(written[0], written[1]);
    pair.start();
    pair.await_takeover("a");
    pair.await_healthy();
    assert_eq!(pair.status("a").peer.node.private_ip, Some(pair.private_ip("b")));
}

fn both_nodes_write_the_same_file_and_it_passes(setup: Setup) {
    let pair = setup.pair();
    let written = [("a", "b"), ("b", "a")].map(|(node, peer)| {
        let file = pair.folder().join(format!("{node}-first.toml")).display().to_string();
        let landing = NOT_ON_HOST[usize::from(peer == "b")].to_string();
        let ran = init(&pair, node, peer, &["--config", &file, "--peer-private-ip", &landing]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        assert!(
            ran.stdout
                .starts_with(&format!("{file}: written; this node is {node}: i-")),
            "{ran:?}"
        );
        let checked = paird(&["check", "--config", &file]);
        assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""), "{checked:?}");
        fs::read_to_string(file).unwrap()
    });
    assert_eq!(written[0], written[1]);
    let [a, b] = NOT_ON_HOST;
    let landing = format!("private_ips = {{ a = \"{a}\", b = \"{b}\" }}\n");
    assert!(written[0].contains(&landing), "{}", written[0]);
    let bare = written[0].lines().zip(written[0].lines().skip(1));
    let uncommented: Vec<&str> = bare
        .filter(|(before, line)| line.contains(" = ") && !line.starts_with('#') && !before.starts_with('#'))
        .map(|(_, line)| line)
        .collect();
    assert_eq!(uncommented, Vec::<&str>::new(), "each line says what it means");
}

fn a_metadata_service_that_is_late_is_asked_again(setup: Setup) {
    let pair = setup.pair();
    let file = pair.folder().join("late.toml").display().to_string();
    pair.lab().faults().set(of("a"), Action::Imds, Fault::BlackHole);
    thread::scope(|scope| {
        let ran = scope.spawn(|| init(&pair, "a", "b", &["--config", &file]));
        // Whoever asks has been left without an answer once, and asks again.
        let asked = || pair.lab().imds_requests("a");
        eventually("IMDS is asked again", || (asked() >= 3).then_some(()));
        assert!(!ran.is_finished());
        pair.lab().faults().clear(of("a"), Action::Imds);
        let ran = ran.join().unwrap();
        assert_eq!(ran.code, Some(0), "{ran:?}");
    });
}

fn a_configuration_that_is_there_stays(setup: Setup) {
    let pair = setup.pair();
    let file = pair.folder().join("first.toml").display().to_string();
    let first = init(&pair, "a", "b", &["--config", &file]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let text = fs::read_to_string(&file).unwrap();

    let again = init(&pair, "a", "b", &["--config", &file]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.stdout.contains(": already as it should be;"), "{again:?}");

    let other = init(&pair, "a", "b", &["--config", &file, "--profile", "calm"]);
    assert_eq!((other.code, other.stdout.as_str()), (Some(1), ""), "{other:?}");
    assert_eq!(
        other.stderr,
        format!("paird: {file} is there already: --force replaces it, --print shows what it would be\n")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), text);

    let forced = init(&pair, "a", "b", &["--config", &file, "--profile", "calm", "--force"]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    assert!(fs::read_to_string(&file).unwrap().contains("profile = \"calm\""));
}

fn what_is_wrong_is_said_and_nothing_is_written(setup: Setup) {
    let pair = setup.pair();
    let file = pair.folder().join("first.toml").display().to_string();

    let misspelt = init(
        &pair,
        "a",
        "b",
        &["--config", &file, "--profile", "fsat", "--path", "health"],
    );
    assert_eq!(
        (misspelt.code, misspelt.stdout.as_str()),
        (Some(78), ""),
        "{misspelt:?}"
    );
    for key in [
        "heartbeat.profile: unknown value \"fsat\"",
        "check.http.path: \"health\"",
    ] {
        assert!(misspelt.stderr.contains(key), "{misspelt:?}");
    }
    let alone = init(&pair, "a", "a", &["--config", &file]);
    assert_eq!(alone.code, Some(78), "{alone:?}");
    let ran = pair.init(
        "a",
        &[
            "--pair",
            "p",
            "--peer",
            "10.0.0.1",
            "--address",
            "192.0.2.77",
            "--config",
            &file,
        ],
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "paird: 192.0.2.77 is no Elastic IP of this account in us-east-1\n"
    );
    let neither = pair.init(
        "a",
        &["--pair", "p", "--address", "eipalloc-12345678", "--config", &file],
    );
    assert_eq!(neither.code, Some(64), "{neither:?}");
    let same_zone = [
        "--pair",
        "p",
        "--discover",
        "--peer-zone",
        "us-east-1a",
        "--config",
        &file,
    ];
    let same_zone = pair.init("a", &same_zone);
    assert_eq!(same_zone.code, Some(78), "{same_zone:?}");
    assert!(same_zone.stderr.contains("node.zone: "), "{same_zone:?}");
    let far = paird(&[
        "init",
        "--pair",
        "p",
        "--peer",
        "10.0.0.1",
        "--address",
        "eipalloc-12345678",
        "--imds-endpoint",
        "http://127.0.0.1:9",
        "--imds-patience",
        "0s",
    ]);
    assert_eq!(far.code, Some(1), "{far:?}");
    assert!(
        far.stderr.contains("metadata service does not say who it is"),
        "{far:?}"
    );
    assert!(!fs::exists(&file).unwrap());

    let key = pair.folder().join("no-key").display().to_string();
    let keyless = init(&pair, "a", "b", &["--config", &file, "--key-file", &key]);
    assert_eq!(keyless.code, Some(0), "{keyless:?}");
    assert!(
        keyless.stderr.starts_with("before the agent can start:\n") && keyless.stderr.contains(&key),
        "{keyless:?}"
    );
}

/// Initializes a node with its own key file, unless these words name another.
fn init(pair: &Pair, node: &str, peer: &str, words: &[&str]) -> e2e::Ran {
    let peer = pair.private_ip(peer);
    let key = pair.key_file(node);
    let allocation = pair.lab().allocation_id().to_owned();
    let mut all = vec!["--pair", "e2e", "--peer", &peer, "--address", &allocation];
    if !words.contains(&"--key-file") {
        all.extend(["--key-file", &key]);
    }
    all.extend(words);
    pair.init(node, &all)
}
