//! What Prometheus and a load balancer are told, and what somebody hostile can do by asking.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use e2e::{Pair, Setup, eventually, on_stages};
use pair_wire::control::{Link, Role};

on_stages! {
    emulator:
        a_takeover_shows_in_the_metrics_of_the_survivor,
        every_metric_is_documented_and_every_documented_one_is_served,
        every_metric_of_the_alerts_and_of_the_dashboard_is_served,
        hostile_clients_cost_neither_a_heartbeat_nor_a_scrape,
        a_taken_port_is_a_problem_and_hinders_no_takeover;
}

fn a_takeover_shows_in_the_metrics_of_the_survivor(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let [a, b] = ["a", "b"].map(|node| {
        eventually("the metrics are as healthy as the status", || {
            let samples = scrape(&pair, node);
            (sum(&samples, "paird_problem{") + sum(&samples, "paird_unready{") == 0.0).then_some(samples)
        })
    });
    assert_eq!((a["paird_active"], b["paird_active"]), (1.0, 0.0));
    assert_eq!(b["paird_holder{holder=\"a\"}"], 1.0);
    assert_eq!((a["paird_ready"], b["paird_ready"]), (1.0, 1.0));
    assert_eq!(b["paird_peer_link{state=\"up\"}"], 1.0);
    assert!(b["paird_checks_total{result=\"ok\"}"] > 0.0);
    assert!(b["paird_ec2_calls_total{action=\"rehearsal\",result=\"ok\"}"] > 0.0);
    assert_eq!(b["paird_takeover_detect_seconds_count"], 0.0);
    assert!(!b.keys().any(|sample| sample.starts_with("paird_claims_total")));
    assert_eq!(
        words(&pair, "a"),
        [("/healthz", 200), ("/readyz", 200), ("/active", 200)]
    );
    assert_eq!(
        words(&pair, "b"),
        [("/healthz", 200), ("/readyz", 200), ("/active", 503)]
    );

    pair.kill_host("a");
    pair.await_takeover("b");
    let b = eventually("the metrics show the takeover", || {
        let samples = scrape(&pair, "b");
        (samples["paird_takeover_verify_seconds_count"] == 1.0).then_some(samples)
    });
    assert_eq!(b["paird_active"], 1.0);
    assert_eq!(
        (b["paird_holder{holder=\"a\"}"], b["paird_holder{holder=\"b\"}"]),
        (0.0, 1.0)
    );
    assert_eq!(b["paird_claims_total{rule=\"F-6a\",result=\"ok\"}"], 1.0);
    assert_eq!(
        b["paird_ec2_calls_total{action=\"AssociateAddress\",result=\"ok\"}"],
        1.0
    );
    assert_eq!(b["paird_takeover_detect_seconds_count"], 1.0);
    assert_eq!(b["paird_peer_link{state=\"presumed-dead\"}"], 1.0);
    assert!(
        b["paird_loop_late_seconds_count"] > 0.0,
        "it waited for a silence to be over"
    );
    assert_eq!(b["paird_problem{id=\"peer-silent\"}"], 1.0);
    assert_eq!(
        words(&pair, "b"),
        [("/healthz", 200), ("/readyz", 200), ("/active", 200)]
    );

    pair.kill_service("b");
    eventually("a node without service is not active to a load balancer", || {
        (words(&pair, "b")[2] == ("/active", 503)).then_some(())
    });
    let (_, why) = pair.ask_metrics("b", "/active").unwrap();
    assert!(
        why.starts_with("this node holds the address and is not fit: http down"),
        "{why}"
    );
}

fn every_metric_of_the_alerts_and_of_the_dashboard_is_served(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let (_, page) = pair.ask_metrics("a", "/metrics").unwrap();
    let served = metrics_on(&page);
    let is_served = |name: &str| {
        served.iter().any(|(metric, kind)| {
            let series = name.strip_prefix(metric);
            series == Some("") || (*kind == "histogram" && matches!(series, Some("_bucket" | "_sum" | "_count")))
        })
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for file in ["deploy/prometheus/paird.rules.yml", "deploy/grafana/paird.json"] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        let named: BTreeSet<&str> = words.filter(|word| word.starts_with("paird_")).collect();
        assert!(named.len() > 5, "{file} names metrics");
        for name in named {
            assert!(is_served(name), "{file} names {name}, which nobody serves");
        }
    }
}

fn every_metric_is_documented_and_every_documented_one_is_served(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let (_, page) = pair.ask_metrics("a", "/metrics").unwrap();
    let served = metrics_on(&page);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let document = fs::read_to_string(root.join("docs/OPERATING.md")).unwrap();
    let documented: Vec<(&str, &str)> = document
        .lines()
        .filter(|line| line.starts_with("| `paird_"))
        .filter_map(|line| {
            let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`')).skip(1);
            Some((cells.next()?, cells.next()?))
        })
        .collect();
    assert_eq!(served, documented, "the table of docs/OPERATING.md, in its order");
    for (name, _) in served {
        assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
}

/// The names on a page of metrics, and their types.
fn metrics_on(page: &str) -> Vec<(&str, &str)> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split_once(' ')).collect()
}

fn hostile_clients_cost_neither_a_heartbeat_nor_a_scrape(setup: Setup) {
    let mut pair = setup.pair();
    pair.start_healthy();
    let before = link_changes(&pair);
    let address = pair.metrics_of("b");

    assert!(
        say(
            address,
            b"POST /metrics HTTP/1.1\r\nhost: b\r\ncontent-length: 0\r\n\r\n"
        )
        .contains(" 405 ")
    );
    assert!(say(address, b"GET /etc/passwd HTTP/1.1\r\nhost: b\r\n\r\n").contains(" 404 "));
    let giant = format!("GET /metrics HTTP/1.1\r\nhost: {}\r\n\r\n", "b".repeat(1 << 20));
    assert!(!say(address, giant.as_bytes()).contains(" 200 "));
    assert!(!say(address, b"\x16\x03\x01 no HTTP at all\r\n\r\n").contains(" 200 "));

    // Connected and silent, or forever at the first line: more than are served at a time.
    let mut idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    for slow in idle.iter_mut().step_by(2) {
        // An error says that the agent has closed it already.
        slow.write_all(b"GET /metrics HT").ok();
    }
    assert_eq!(scrape(&pair, "b")["paird_active"], 0.0);
    eventually("the agent has closed every idle connection", || {
        idle.iter_mut().all(is_closed).then_some(())
    });
    assert_eq!(
        words(&pair, "b"),
        [("/healthz", 200), ("/readyz", 200), ("/active", 503)]
    );
    for node in ["a", "b"] {
        let status = pair.try_status(node).unwrap();
        assert_eq!(
            (status.peer.link, status.peer.loss_percent),
            (Link::Up, Some(0.0)),
            "{node}"
        );
    }
    assert_eq!(
        link_changes(&pair),
        before,
        "neither was so much as suspect to the other"
    );
}

fn a_taken_port_is_a_problem_and_hinders_no_takeover(setup: Setup) {
    let mut pair = setup.pair();
    let taken = TcpListener::bind(pair.metrics_of("b")).unwrap();
    pair.start();
    pair.await_takeover("a");
    let status = pair.await_status("b", "nothing is wrong but the metrics", |status| {
        status.problems.len() == 1 && status.problems[0].id == "metrics-unavailable"
    });
    assert!(
        status.problems[0].text.contains(&pair.metrics_of("b").to_string()),
        "{:?}",
        status.problems
    );
    pair.kill_host("a");
    assert_eq!(pair.await_takeover("b").node.role, Role::Active);
    drop(taken);
}

type Samples = BTreeMap<String, f64>;

/// A node's samples, by name and labels.
#[track_caller]
/// The samples by their names and labels, but for the label that names the only address.
fn scrape(pair: &Pair, node: &str) -> Samples {
    let only = format!("allocation_id=\"{}\"", pair.lab().allocation_id());
    let (alone, first) = (format!("{{{only}}}"), format!("{only},"));
    let (status, page) = pair.ask_metrics(node, "/metrics").unwrap();
    assert_eq!(status, 200, "{page}");
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(sample, value)| (sample.replace(&alone, "").replace(&first, ""), value.parse().unwrap()))
        .collect()
}

fn sum(samples: &Samples, prefix: &str) -> f64 {
    let named = samples.iter().filter(|(name, _)| name.starts_with(prefix));
    named.map(|(_, value)| value).sum()
}

/// What a load balancer is told.
fn words(pair: &Pair, node: &str) -> [(&'static str, u16); 3] {
    ["/healthz", "/readyz", "/active"].map(|path| {
        let (status, why) = pair.ask_metrics(node, path).unwrap();
        assert_eq!(why.lines().count(), 1, "{why}");
        (path, status)
    })
}

/// Sends bytes, and gives what comes back until the connection ends.
fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut client = TcpStream::connect(address).unwrap();
    // Whoever closes the connection before he has read all of it makes both fail.
    client.write_all(bytes).ok();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_closed(client: &mut TcpStream) -> bool {
    client.set_nonblocking(true).unwrap();
    let mut rest = [0; 1024];
    match client.read(&mut rest) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

/// How often the nodes have changed their minds about each other.
fn link_changes(pair: &Pair) -> [usize; 2] {
    ["a", "b"].map(|node| pair.agent_log(node).matches("link to the peer changed").count())
}
