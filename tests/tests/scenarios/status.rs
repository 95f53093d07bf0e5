//! What the exit code of `pairctl status` says.

use e2e::{Setup, Target, on_stages};
use serde_json::Value;

on_stages! {
    emulator: the_exit_code_says_how_the_pair_is, the_document_has_what_it_promises;
    haproxy: the_exit_code_says_how_the_pair_is;
}

fn the_exit_code_says_how_the_pair_is(setup: Setup) {
    let mut pair = setup.pair();
    let absent = pair.pairctl("a", &["status"]);
    assert_eq!(
        (absent.code, absent.stdout.as_str()),
        (Some(3), ""),
        "no daemon was ever here: {absent:?}"
    );

    pair.start_healthy_without_a_claim();
    let healthy = pair.pairctl("a", &["status"]);
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    assert!(healthy.stdout.starts_with("pair e2e  healthy"), "{healthy:?}");

    pair.kill_service("b");
    pair.await_problem("a", "peer-unfit");
    let degraded = pair.pairctl("a", &["status"]);
    assert_eq!(degraded.code, Some(1), "the pair serves, without reserve: {degraded:?}");

    pair.start_service("b");
    pair.await_healthy();
    pair.lab().move_address(&Target::Outside).unwrap();
    pair.await_problem("a", "held-by-stranger");
    let critical = pair.pairctl("a", &["status"]);
    assert_eq!(critical.code, Some(2), "{critical:?}");

    pair.kill_agent("a");
    let dead = pair.pairctl("a", &["status"]);
    assert_eq!(
        (dead.code, dead.stdout.as_str()),
        (Some(3), ""),
        "a dead daemon has no status: {dead:?}"
    );
    pair.stop_agent("b");
    let stopped = pair.pairctl("b", &["status", "--json"]);
    assert_eq!(
        (stopped.code, stopped.stdout.as_str()),
        (Some(3), ""),
        "nor has a stopped one: {stopped:?}"
    );
}

fn the_document_has_what_it_promises(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let printed = pair.pairctl("b", &["status", "--json"]);
    let status: Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(status["version"], 1);
    assert_eq!(status["pair"], "e2e");
    assert_eq!(status["state"], "healthy");
    assert_eq!(status["node"]["name"], "b");
    assert_eq!(status["node"]["instance_id"], pair.lab().instance_id("b").unwrap());
    assert_eq!(status["peer"]["name"], "a");
    assert_eq!(status["peer"]["link"], "up");
    assert_eq!(status["addresses"][0]["public_ip"], pair.lab().public_ip().to_string());
    assert_eq!(status["addresses"][0]["holder"], "a");
    let source = status["addresses"][0]["holder_source"].as_str().unwrap();
    assert!(["peer", "ec2"].contains(&source), "{source}");
    assert!(
        status["addresses"][0]["holder_age_ms"].as_u64().unwrap() < 60_000,
        "{status}"
    );
    assert_eq!(status["ready"]["ready"], true);
    assert_eq!(status["ready"]["reasons"], Value::Array(Vec::new()));
}
