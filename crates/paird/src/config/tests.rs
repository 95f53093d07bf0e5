//! The configuration as an operator meets it: files in, sentences out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pair_ec2::Tag;
use proptest::prelude::*;

use super::*;
use crate::notices::Response;

/// The smallest useful file, as DESIGN and `docs/CONFIGURATION.md` show it.
const SMALLEST: &str = r#"pair = "lb-1"
[[node]]
name = "a"
addresses = ["10.0.1.10"]
[[node]]
name = "b"
addresses = ["10.0.2.10"]
[[address]]
allocation_id = "eipalloc-0123456789abcdef0"
[check]
haproxy = { socket = "/run/haproxy/admin.sock" }
[probe]
http = { port = 80, path = "/" }
[security]
key_file = "/etc/paird/key"
"#;

fn parse(text: &str) -> Config {
    Config::parse("paird.toml", text).unwrap_or_else(|findings| panic!("{findings}"))
}

fn mistakes(text: &str) -> String {
    Config::parse("paird.toml", text).expect_err("a mistake").to_string()
}

/// The smallest file with `from` replaced, which must be there.
fn with(from: &str, to: &str) -> String {
    assert!(SMALLEST.contains(from), "{from}");
    SMALLEST.replacen(from, to, 1)
}

/// The smallest file with more at its end.
fn and(more: &str) -> String {
    format!("{SMALLEST}{more}\n")
}

fn repository_file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_smallest_file_gets_every_default() {
    let ms = Duration::from_millis;
    let secs = Duration::from_secs;
    assert_eq!(
        parse(SMALLEST),
        Config {
            file: "paird.toml".to_owned(),
            pair: "lb-1".to_owned(),
            nodes: [
                Node {
                    name: "a".to_owned(),
                    address: [10, 0, 1, 10].into(),
                    more: Vec::new(),
                    zone: None,
                },
                Node {
                    name: "b".to_owned(),
                    address: [10, 0, 2, 10].into(),
                    more: Vec::new(),
                    zone: None,
                },
            ],
            discovery: None,
            addresses: vec![Address {
                name: None,
                allocation_id: "eipalloc-0123456789abcdef0".to_owned(),
                tag: None,
                private_ips: None,
                private_ip_index: 0,
                preferred: 0,
            }],
            heartbeat: Heartbeat {
                profile: Profile::Default,
                interval: ms(200),
                holdtime: ms(1_000),
                port: 7694,
            },
            check: Check {
                haproxy_socket: Some("/run/haproxy/admin.sock".into()),
                haproxy_config: Some("/etc/haproxy/haproxy.cfg".into()),
                http: None,
                tcp: None,
                command: None,
                interval: ms(300),
            },
            probe: Some(Probe {
                port: 80,
                path: "/".to_owned(),
                timeout: ms(500),
                expect: StatusRange::SERVING,
            }),
            takeover: Takeover {
                lost_contact_takeover: secs(60),
                unfit_delay: secs(1),
                refit: secs(60),
                restart_grace: secs(10),
                strict: false,
                preempt_delay: None,
            },
            security: Security::KeyFile("/etc/paird/key".into()),
            witness: None,
            ec2: Ec2 {
                region: None,
                endpoint: None,
                imds_endpoint: None,
                call_timeout: secs(3)
            },
            readiness_interval: secs(900),
            notices: Some(Policy {
                spot: Response::Leave,
                autoscaling: Response::Leave,
                maintenance: Response::Leave,
                maintenance_lead: secs(900),
                rebalance: Response::Report,
            }),
            control_socket: "/run/paird/control.sock".into(),
            state_directory: "/var/lib/paird".into(),
            metrics_listen: Some(([127, 0, 0, 1], 9694).into()),
            hooks: Hooks {
                directory: PathBuf::from("/etc/paird/hooks.d"),
                timeout: Duration::from_secs(10),
            },
            log: Log {
                format: LogFormat::Auto,
                level: LogLevel::Info
            },
        }
    );
}

#[test]
fn every_key_can_be_set() {
    let config = parse(
        r#"
        pair = "lb.2"
        [[node]]
        name = "left"
        addresses = ["fd00::1"]
        [[node]]
        name = "right"
        addresses = ["fd00::2"]
        [[address]]
        allocation_id = "eipalloc-0123abcd"
        private_ips = { right = "10.0.2.11", left = "10.0.1.11" }
        preferred = "right"
        [heartbeat]
        profile = "calm"
        interval = "1s"
        port = 7000
        [check]
        interval = "2s"
        [check.haproxy]
        socket = "/run/h.sock"
        config = "/etc/haproxy"
        [check.http]
        port = 8080
        path = "/ready"
        timeout = "300ms"
        [check.tcp]
        port = 8082
        timeout = "50ms"
        [check.command]
        program = "/srv/check"
        timeout = "3s"
        interval = "10s"
        [probe.http]
        port = 8081
        path = "/health"
        timeout = "1s"
        expect = "204"
        [takeover]
        lost_contact_takeover = "5m"
        unfit_delay = "0ms"
        refit = "1h"
        restart_grace = "30s"
        strict = true
        preempt_delay = "5m"
        [security]
        insecure_no_key = true
        [witness]
        addresses = ["[fd00::4]:7695", "[fd00::3]:7000"]
        port = 7001
        key_file = "/srv/witness-key"
        required = true
        isolation_grace = "30s"
        [ec2]
        region = "eu-central-1"
        endpoint = "https://vpce-1.ec2.eu-central-1.vpce.amazonaws.com"
        imds_endpoint = "http://[fd00:ec2::254]"
        call_timeout = "500ms"
        [readiness]
        interval = "1h"
        [notices]
        spot = "report"
        autoscaling = "ignore"
        maintenance = "report"
        maintenance_lead = "1h"
        rebalance = "leave"
        [control]
        socket = "/run/c.sock"
        [state]
        directory = "/srv/paird"
        [metrics]
        listen = "[::1]:9000"
        [hooks]
        directory = "/srv/hooks"
        timeout = "1m"
        [log]
        format = "json"
        level = "trace"
        "#,
    );
    assert_eq!(
        config.addresses[0].private_ips,
        Some([[10, 0, 1, 11].into(), [10, 0, 2, 11].into()])
    );
    assert_eq!(config.addresses[0].preferred, 1);
    let shown: Vec<_> = config
        .effective()
        .into_iter()
        .map(|(path, value)| format!("{path} = {value}"))
        .collect();
    assert_eq!(
        shown.join("\n"),
        r#"pair = "lb.2"
node.name = "left"
node.addresses = ["fd00::1"]
node.name = "right"
node.addresses = ["fd00::2"]
address.allocation_id = "eipalloc-0123abcd"
address.private_ips = { left = "10.0.1.11", right = "10.0.2.11" }
address.preferred = "right"
heartbeat.profile = "calm"
heartbeat.interval = "1s"
heartbeat.holdtime = "3s"
heartbeat.port = 7000
check.haproxy.socket = "/run/h.sock"
check.haproxy.config = "/etc/haproxy"
check.http.port = 8080
check.http.path = "/ready"
check.http.timeout = "300ms"
check.tcp.port = 8082
check.tcp.timeout = "50ms"
check.command.program = "/srv/check"
check.command.timeout = "3s"
check.command.interval = "10s"
check.interval = "2s"
check.none = false
probe.http.port = 8081
probe.http.path = "/health"
probe.http.timeout = "1s"
probe.http.expect = "204-204"
probe.none = false
takeover.lost_contact_takeover = "5m"
takeover.unfit_delay = "0ms"
takeover.refit = "1h"
takeover.restart_grace = "30s"
takeover.strict = true
takeover.preempt_delay = "5m"
security.insecure_no_key = true
witness.addresses = ["[fd00::4]:7695", "[fd00::3]:7000"]
witness.port = 7001
witness.key_file = "/srv/witness-key"
witness.required = true
witness.isolation_grace = "30s"
ec2.region = "eu-central-1"
ec2.endpoint = "https://vpce-1.ec2.eu-central-1.vpce.amazonaws.com"
ec2.imds_endpoint = "http://[fd00:ec2::254]"
ec2.call_timeout = "500ms"
readiness.interval = "1h"
notices.spot = "report"
notices.autoscaling = "ignore"
notices.maintenance = "report"
notices.maintenance_lead = "1h"
notices.rebalance = "leave"
notices.none = false
control.socket = "/run/c.sock"
state.directory = "/srv/paird"
metrics.listen = "[::1]:9000"
metrics.none = false
hooks.directory = "/srv/hooks"
hooks.timeout = "1m"
log.format = "json"
log.level = "trace""#
    );
}

/// A pair whose nodes and whose address are found.
const FOUND: &str = r#"
pair = "lb-1"
[[node]]
name = "a"
zone = "us-east-1a"
[[node]]
name = "b"
zone = "us-east-1b"
[discovery]
tag = "paird:pair"
[[address]]
tag = "Name=the shop"
private_ip_index = 1
[check]
http = { port = 80 }
[probe]
http = { port = 80 }
[security]
key_file = "/etc/paird/key"
"#;

#[test]
fn nodes_and_address_can_be_found_by_their_tags() {
    let config = parse(FOUND);
    assert!(config.is_to_be_found());
    let tag = |key: &str, value: &str| Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    assert_eq!(config.discovery, Some(tag("paird:pair", "lb-1")));
    assert_eq!(config.addresses[0].tag, Some(tag("Name", "the shop")));
    let effective = config.effective();
    let shown: Vec<_> = effective
        .iter()
        .take(9)
        .map(|(path, value)| format!("{path} = {value}"))
        .collect();
    assert_eq!(
        shown,
        [
            "pair = \"lb-1\"",
            "node.name = \"a\"",
            "node.zone = \"us-east-1a\"",
            "node.name = \"b\"",
            "node.zone = \"us-east-1b\"",
            "discovery.tag = \"paird:pair=lb-1\"",
            "address.tag = \"Name=the shop\"",
            "address.private_ip_index = 1",
            "address.preferred = \"a\"",
        ]
    );
    assert!(!parse(SMALLEST).is_to_be_found());
}

#[test]
fn what_is_found_is_not_configured_and_the_other_way_round() {
    for (from, to, finding) in [
        (
            "zone = \"us-east-1b\"",
            "zone = \"us-east-1a\"",
            "paird.toml:8: node.zone: \"us-east-1a\" is used by both nodes, give each node its own",
        ),
        (
            "zone = \"us-east-1b\"",
            "addresses = [\"10.0.2.10\"]",
            "paird.toml:8: node.addresses: the node is found by [discovery], write `zone = …` in its place",
        ),
        (
            "zone = \"us-east-1b\"\n",
            "",
            "paird.toml:6: node.zone: missing, add `zone = …`: an availability zone such as \"us-east-1a\"",
        ),
        (
            "private_ip_index = 1",
            "private_ips = { a = \"10.0.1.11\", b = \"10.0.2.11\" }",
            "paird.toml:13: address.private_ips: the nodes are found by [discovery], write `private_ip_index = …`",
        ),
        (
            "private_ip_index = 1",
            "allocation_id = \"eipalloc-0123abcd\"",
            "paird.toml:12: address.tag: there is an `allocation_id` beside it, remove one of the two",
        ),
        (
            "tag = \"Name=the shop\"\n",
            "",
            "paird.toml:11: address.allocation_id: missing, add `allocation_id = …`: \"eipalloc-\" and 8 or 17 digits of 0-9 a-f",
        ),
        (
            "tag = \"paird:pair\"",
            "tag = \"paird:pair=\"",
            "paird.toml:10: discovery.tag: \"paird:pair=\" is not valid, write a tag such as \"paird:pair\" or \"paird:pair=lb-1\"",
        ),
    ] {
        assert!(FOUND.contains(from), "{from}");
        assert_eq!(mistakes(&FOUND.replace(from, to)), finding);
    }
    assert_eq!(
        mistakes(&with("addresses = [\"10.0.2.10\"]", "zone = \"us-east-1b\"")),
        "paird.toml:7: node.zone: only nodes that are found have one, remove it, or add [discovery]"
    );
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_their_lines() {
    let text = r#"pair = "lb 1"
[[node]]
name = "a"
addresses = ["10.0.1.10", "10.0.1.11", "10.0.1.12", "10.0.1.13", "10.0.1.14"]
[[node]]
name = "b"
addresses = ["10.0.2"]
[heartbeat]
intervall = "200ms"
holdtime = 1000
[[address]]
allocation_id = "eipalloc-xyz"
[check]
haproxy = { socket = "admin.sock" }
interval = "1h"
holdtime = "1s"
[probe]
http = { port = 0, expect = 200 }
[takeover]
refit = "soon"
[log]
format = "jsn"
level = "loud"
"#;
    assert_eq!(
        mistakes(text),
        r#"paird.toml:1: pair: "lb 1" is not valid, write 1 to 64 of A-Z a-z 0-9 . _ -
paird.toml:4: node.addresses: 5 entries are too many, write 1 to 4
paird.toml:7: node.addresses: "10.0.2" is not valid, write an IP address of one host such as "10.0.1.10"
paird.toml:9: heartbeat.intervall: unknown key, did you mean "interval"?
paird.toml:10: heartbeat.holdtime: the bare number 1000 has no unit, write "1000ms" or "1000s"
paird.toml:12: address.allocation_id: "eipalloc-xyz" is not valid, write "eipalloc-" and 8 or 17 digits of 0-9 a-f
paird.toml:14: check.haproxy.socket: "admin.sock" is not valid, write an absolute path of at most 107 bytes
paird.toml:15: check.interval: "1h" is out of bounds, write a duration, 10ms to 5s with a unit of ms, s, m or h
paird.toml:16: check.holdtime: unknown key, did you mean "heartbeat.holdtime"?
paird.toml:18: probe.http.expect: a whole number where another type belongs, write a status such as "200" or a range such as "200-399", from 100 to 599
paird.toml:18: probe.http.port: 0 is out of bounds, write a whole number, 1 to 65535
paird.toml:20: takeover.refit: "soon" does not begin with a whole number, write a duration, 1s to 1h with a unit of ms, s, m or h
paird.toml:22: log.format: unknown value "jsn", did you mean "json"?
paird.toml:23: log.level: unknown value "loud", choose one of: error, warn, info, debug, trace
paird.toml: security: missing, add [security]: How datagrams are authenticated; needs `key_file` or `insecure_no_key = true`."#
    );
}

#[test]
fn an_empty_file_says_what_a_file_needs() {
    let findings = Config::parse("paird.toml", "").expect_err("nothing there");
    let keys: Vec<_> = findings.iter().map(|finding| finding.key.as_str()).collect();
    assert_eq!(keys, ["address", "check", "node", "pair", "probe", "security"]);
}

#[test]
fn text_that_is_not_toml_is_reported_beside_the_other_mistakes() {
    let text = and("[log]\nlevel = \nformat = \"texd\"\nformat = \"text\"");
    let findings = mistakes(&text);
    let lines: Vec<_> = findings.lines().collect();
    assert_eq!(lines.len(), 3, "{findings}");
    assert!(lines[0].starts_with("paird.toml:17: not TOML: "), "{findings}");
    assert_eq!(
        lines[1],
        "paird.toml:18: log.format: unknown value \"texd\", did you mean \"text\"?"
    );
    assert_eq!(lines[2], "paird.toml:19: not TOML: duplicate key");
}

#[test]
fn what_several_keys_together_show_is_checked() {
    for (text, finding) in [
        (
            and("[heartbeat]\ninterval = \"400ms\""),
            r#"paird.toml:16: heartbeat.holdtime: 1s is shorter than 3 intervals of 400ms, write at least "1200ms""#,
        ),
        (
            and("[heartbeat]\nholdtime = \"500ms\""),
            r#"paird.toml:17: heartbeat.holdtime: 500ms is shorter than 3 intervals of 200ms, write at least "600ms""#,
        ),
        (
            with("path = \"/\"", "timeout = \"601ms\""),
            r#"paird.toml:13: probe.http.timeout: 601ms is longer than the holdtime of 1s less 2 intervals of 200ms, write at most "600ms""#,
        ),
        (
            and("[heartbeat]\nholdtime = \"10s\"\n[takeover]\nlost_contact_takeover = \"9s\""),
            r#"paird.toml:19: takeover.lost_contact_takeover: 9s is shorter than the holdtime of 10s, write at least "10s""#,
        ),
        (
            with("name = \"b\"", "name = \"a\""),
            r#"paird.toml:6: node.name: "a" is used by both nodes, give each node its own"#,
        ),
        (
            with("10.0.2.10", "10.0.1.10"),
            "paird.toml:7: node.addresses: 10.0.1.10 is used by both nodes, give each node its own",
        ),
        (
            with("10.0.2.10", "fd00::1"),
            "paird.toml:7: node.addresses: 10.0.1.10 and fd00::1 are of different families, write two IPv4 or two IPv6 addresses",
        ),
        (
            with("\"10.0.2.10\"", "\"10.0.2.10\", \"10.0.2.11\""),
            "paird.toml:7: node.addresses: 2 entries, and the other node has 1, give both nodes an address for each path, in the same order",
        ),
        (
            with("\"10.0.2.10\"", "\"10.0.2.10\", \"10.0.2.10\"")
                .replace("\"10.0.1.10\"", "\"10.0.1.10\", \"10.0.1.11\""),
            "paird.toml:7: node.addresses: 10.0.2.10 is written twice, write it once",
        ),
        (
            with("\"10.0.2.10\"", "\"10.0.2.10\", \"10.0.1.10\"")
                .replace("[\"10.0.1.10\"]", "[\"10.0.1.10\", \"10.0.1.11\"]"),
            "paird.toml:7: node.addresses: 10.0.1.10 is used by both nodes, give each node its own",
        ),
        (
            with("\"10.0.2.10\"", "\"10.0.2.10\", \"fd00::2\"")
                .replace("\"10.0.1.10\"", "\"10.0.1.10\", \"10.0.1.11\""),
            "paird.toml:7: node.addresses: 10.0.1.11 and fd00::2 are of different families, write two IPv4 or two IPv6 addresses",
        ),
        (
            with("10.0.1.10", "fd00::1").replace("10.0.2.10", "fd00::2"),
            "paird.toml:8: address.private_ips: missing, and the nodes' own addresses are IPv6, name the IPv4 address of each node on which the Elastic IP lands",
        ),
        (
            with("[[node]]\nname = \"b\"\naddresses = [\"10.0.2.10\"]\n", ""),
            "paird.toml:2: node: written once, but a pair has exactly two nodes, write [[node]] exactly twice",
        ),
        (
            and("[[node]]\nname = \"c\"\naddresses = [\"10.0.3.10\"]"),
            "paird.toml:16: node: written 3 times, but a pair has exactly two nodes, write [[node]] exactly twice",
        ),
        (
            and("[[address]]\nname = \"x\"\nallocation_id = \"eipalloc-0123abcd\""),
            "paird.toml:16: address.private_ips: missing, and another address lands on the primary private IPs, give each address a private IP of its own on each node: EC2 would knock one off for the other",
        ),
        (
            and(
                "[[address]]\nallocation_id = \"eipalloc-0123abcd\"\nprivate_ips = { a = \"10.0.1.11\", b = \"10.0.2.11\" }",
            ),
            "paird.toml:16: address.name: missing, and another address has none either, give a name to the address that is added, and leave the first one as it is",
        ),
        (
            and(
                "[[address]]\nname = \"x\"\nallocation_id = \"eipalloc-0123abcd\"\nprivate_ips = { a = \"10.0.1.11\", b = \"10.0.2.10\" }",
            ),
            "paird.toml:19: address.private_ips: 10.0.2.10 of node \"b\" is the place of another address, too, give each address a private IP of its own on each node: EC2 would knock one off for the other",
        ),
        (
            and("[[address]]\nname = \"x\"\nallocation_id = \"eipalloc-0123456789abcdef0\""),
            "paird.toml:18: address.allocation_id: eipalloc-0123456789abcdef0 is written twice, write each Elastic IP once",
        ),
        (
            and(&(1..9)
                .map(|n| format!("[[address]]\nname = \"{n}\"\nallocation_id = \"eipalloc-0123abc{n}\"\n"))
                .collect::<String>()),
            "paird.toml:37: address: written 9 times, write [[address]] 8 times at most",
        ),
        (
            with("[[address]]", "[address]"),
            "paird.toml:8: address: not a list of tables, write [[address]], with two brackets on each side",
        ),
        (
            with("[check]", "preferred = \"c\"\n[check]"),
            r#"paird.toml:10: address.preferred: no node is named "c", write "a" or "b""#,
        ),
        (
            with("[check]", "private_ips = { a = \"10.0.1.11\" }\n[check]"),
            r#"paird.toml:10: address.private_ips: nothing for node "b", write an address for each node"#,
        ),
        (
            with(
                "[check]",
                "private_ips = { a = \"10.0.1.11\", b = \"10.0.1.11\" }\n[check]",
            ),
            "paird.toml:10: address.private_ips: 10.0.1.11 is used by both nodes, give each node its own",
        ),
        (
            with("haproxy = { socket = \"/run/haproxy/admin.sock\" }\n", ""),
            "paird.toml:10: check: no check, add `haproxy`, `http`, `tcp`, `command`, or `none = true` to do without",
        ),
        (
            with("[probe]", "none = true\n[probe]"),
            "paird.toml:12: check.none: there is a check beside it, remove the check or `none = true`",
        ),
        (
            with("http = { port = 80, path = \"/\" }\n", ""),
            "paird.toml:12: probe: no probe, add `http`, or `none = true` to do without",
        ),
        (
            with("[security]", "none = true\n[security]"),
            "paird.toml:14: probe.none: there is a probe beside it, remove the probe or `none = true`",
        ),
        (
            with("key_file = \"/etc/paird/key\"", ""),
            "paird.toml:14: security: no key, add `key_file`, or `insecure_no_key = true` to do without",
        ),
        (
            and("[metrics]\nlisten = \"127.0.0.1:9000\"\nnone = true"),
            "paird.toml:18: metrics.none: there is a `listen` beside it, remove one of the two",
        ),
        (
            and("[metrics]\nlisten = \"9694\""),
            "paird.toml:17: metrics.listen: \"9694\" is not valid, write an IP address and a port such as \"127.0.0.1:9694\" or \"[::1]:9694\"",
        ),
        (
            and("insecure_no_key = true"),
            "paird.toml:16: security.insecure_no_key: there is a `key_file` beside it, remove one of the two",
        ),
        (
            with("port = 80, ", ""),
            "paird.toml:13: probe.http.port: missing, add `port = …`: whole number, 1 to 65535",
        ),
    ] {
        assert_eq!(mistakes(&text), finding);
    }
}

#[test]
fn a_mistake_in_one_key_raises_no_complaint_about_those_that_depend_on_it() {
    let text = and("[heartbeat]\ninterval = \"9 s\"\nholdtime = \"300ms\"");
    assert_eq!(mistakes(&text).lines().count(), 1);
}

#[test]
fn an_unknown_key_cannot_smuggle_control_characters_to_the_terminal() {
    let text = and("\"\\u001b[2J\" = 1");
    assert!(!mistakes(&text).contains('\u{1b}'));
}

#[test]
fn without_check_and_probe_they_are_none() {
    let text = with("haproxy = { socket = \"/run/haproxy/admin.sock\" }", "none = true")
        .replace("http = { port = 80, path = \"/\" }", "none = true");
    let config = parse(&text);
    assert_eq!(config.check.haproxy_socket, None);
    assert_eq!(config.check.http, None);
    assert_eq!(config.probe, None);
}

#[test]
fn profiles_set_the_timing_and_the_probe_fits_it() {
    for (profile, interval_ms, holdtime_ms, probe_ms) in [
        ("default", 200, 1_000, 500),
        ("fast", 50, 300, 150),
        ("calm", 500, 3_000, 1_500),
    ] {
        let config = parse(&and(&format!("[heartbeat]\nprofile = \"{profile}\"")));
        assert_eq!(config.heartbeat.interval, Duration::from_millis(interval_ms));
        assert_eq!(config.heartbeat.holdtime, Duration::from_millis(holdtime_ms));
        assert_eq!(
            config.probe.expect("configured").timeout,
            Duration::from_millis(probe_ms)
        );
    }
}

#[test]
fn a_check_gets_a_fifth_of_the_holdtime_and_never_too_little() {
    for (profile, timeout_ms) in [("default", 200), ("fast", 200), ("calm", 600)] {
        let config = parse(&and(&format!(
            "[heartbeat]\nprofile = \"{profile}\"\n[check.http]\nport = 80"
        )));
        let check = config.check.http.expect("configured");
        assert_eq!(check.timeout, Duration::from_millis(timeout_ms), "{profile}");
    }
}

#[test]
fn the_probe_gets_less_than_half_the_holdtime_when_no_more_is_left() {
    let config = parse(&and("[heartbeat]\ninterval = \"300ms\""));
    assert_eq!(config.probe.expect("configured").timeout, Duration::from_millis(400));
}

#[test]
fn the_digest_follows_the_meaning_and_not_the_writing() {
    let digest = |text: &str| parse(text).digest();
    let smallest = digest(SMALLEST);
    for same in [
        format!("# a comment\n{SMALLEST}"),
        and("[heartbeat]\ninterval = \"200ms\"\nholdtime = \"1000ms\""),
        and("[log]\nlevel = \"debug\"\n[control]\nsocket = \"/run/other.sock\""),
        and("[metrics]\nlisten = \"10.0.1.10:9694\""),
        and("[metrics]\nnone = true"),
        and("[ec2]\nendpoint = \"http://127.0.0.1:5000\""),
        with("/etc/paird/key", "/etc/paird/other"),
    ] {
        assert_eq!(digest(&same), smallest, "{same}");
    }
    for other in [
        with("lb-1", "lb-2"),
        with("10.0.2.10", "10.0.2.11"),
        and("[heartbeat]\nport = 7695"),
        and("[heartbeat]\nprofile = \"fast\""),
        and("[takeover]\nrefit = \"61s\""),
    ] {
        assert_ne!(digest(&other), smallest, "{other}");
    }
}

#[test]
fn a_node_knows_itself_by_its_flag_or_by_its_addresses() {
    let config = parse(SMALLEST);
    let a: IpAddr = [10, 0, 1, 10].into();
    let b: IpAddr = [10, 0, 2, 10].into();
    let other: IpAddr = [127, 0, 0, 1].into();
    assert_eq!(config.this_node(None, &[other, a]), Ok(0));
    assert_eq!(config.this_node(None, &[b]), Ok(1));
    assert_eq!(config.this_node(Some("a"), &[b]), Ok(0));
    for (flag, local, finding) in [
        (
            Some("c"),
            vec![a],
            r#"paird.toml: node.name: no node is named "c", use --node with "a" or "b""#,
        ),
        (
            None,
            vec![other],
            r#"paird.toml: node.addresses: neither 10.0.1.10 nor 10.0.2.10 is an address of this host, correct the addresses or use --node with "a" or "b""#,
        ),
        (
            None,
            vec![a, b],
            r#"paird.toml: node.addresses: both 10.0.1.10 and 10.0.2.10 are addresses of this host, correct the addresses or use --node with "a" or "b""#,
        ),
    ] {
        assert_eq!(
            config.this_node(flag, &local).expect_err("unknown").to_string(),
            finding
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_finding() {
    let findings = Config::load(Path::new("/nonexistent/paird.toml")).expect_err("missing");
    assert_eq!(
        findings.to_string(),
        "/nonexistent/paird.toml: cannot be read: No such file or directory (os error 2), check the path and its permissions"
    );
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("paird.toml");
    std::fs::write(&path, [0xff, 0xfe]).expect("written");
    let findings = Config::load(&path).expect_err("not text").to_string();
    assert!(findings.contains("not UTF-8 text"), "{findings}");
    std::fs::write(&path, "#".repeat(300 * 1024)).expect("written");
    let findings = Config::load(&path).expect_err("too long").to_string();
    assert!(findings.contains("longer than 262144 bytes"), "{findings}");
}

#[test]
fn the_schema_is_well_formed() {
    let paths: BTreeSet<_> = schema::KEYS.iter().map(|key| key.path).collect();
    assert_eq!(paths.len(), schema::KEYS.len(), "no key twice");
    for key in schema::KEYS {
        let table = key.table();
        assert!(
            table.is_empty() || paths.contains(table),
            "{} stands in a table",
            key.path
        );
        assert!(key.doc.ends_with('.') && !key.doc.contains('|'), "{}", key.path);
        if let schema::Fallback::Value(toml) = key.fallback {
            let literal = toml::de::DeValue::parse(toml).expect("TOML");
            assert!(
                value::read(key.kind, literal.get_ref()).is_ok(),
                "default of {}",
                key.path
            );
        }
    }
}

#[test]
fn the_documentation_has_the_row_of_every_key() {
    let document = repository_file("docs/CONFIGURATION.md");
    let lacking: Vec<_> = schema::KEYS
        .iter()
        .map(schema::Key::markdown_row)
        .filter(|row| !document.lines().any(|line| line == row))
        .collect();
    assert!(
        lacking.is_empty(),
        "docs/CONFIGURATION.md lacks\n{}",
        lacking.join("\n")
    );
    for row in document.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (path, _) = row.split_once('`').expect("a key in backticks");
        assert!(
            schema::find(path).is_some(),
            "docs/CONFIGURATION.md has the unknown key {path}"
        );
    }
    assert!(
        document.contains(SMALLEST),
        "docs/CONFIGURATION.md shows the smallest useful file"
    );
}

#[test]
fn the_example_file_is_valid_and_shows_every_key() {
    let example = repository_file("deploy/config/paird.toml");
    parse(&example);
    // A setting that is commented out stands directly behind its `#`; prose has a space there.
    let uncommented: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => setting,
            Some(_) | None => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let shown: BTreeSet<_> = parse(&uncommented)
        .effective()
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    // What stands only in the place of other keys is shown in prose.
    let found = parse(FOUND).effective();
    let found: BTreeSet<_> = found.into_iter().map(|(path, _)| path).collect();
    for key in schema::KEYS.iter().filter(|key| key.is_leaf()) {
        assert!(
            (shown.contains(key.path) || found.contains(key.path)) && example.contains(key.name()),
            "the example lacks {}",
            key.path
        );
    }
}

/// Text that is nearly a configuration: real words in wrong places reach further than noise does.
fn nearly_a_file() -> impl Strategy<Value = String> {
    let words = schema::KEYS
        .iter()
        .map(|key| key.name().to_owned())
        .chain(
            "[ ] [[ ]] { } = . , \n \n \" ' # 1 -1 0x1F 1.5 true 1979-05-27 \"a\" \"1s\" \"10.0.0.1\" \"/x\" ä"
                .split(' ')
                .map(str::to_owned),
        )
        .collect::<Vec<_>>();
    prop::collection::vec(prop::sample::select(words), 0..80).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Config::parse("paird.toml", &text);
        let _ = KeyFile::parse("key", &text);
    }

    #[test]
    fn no_near_miss_makes_the_parser_panic(text in nearly_a_file()) {
        if let Err(findings) = Config::parse("paird.toml", &text) {
            prop_assert!(!findings.is_empty());
        }
    }

    #[test]
    fn no_cut_or_flipped_file_makes_the_parser_panic(cut in 0..SMALLEST.len(), flip in 0..SMALLEST.len(), byte: u8) {
        let mut bytes = SMALLEST.as_bytes().to_vec();
        bytes[flip] = byte;
        bytes.truncate(cut);
        let _ = Config::parse("paird.toml", &String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn an_address_keeps_its_heartbeats_and_its_place_on_disk_whatever_comes_beside_it() {
    let second = "[[address]]\nname = \"blue\"\nallocation_id = \"eipalloc-0123abcd\"\n\
                  private_ips = { a = \"10.0.1.11\", b = \"10.0.2.11\" }\npreferred = \"b\"\n";
    for text in [
        SMALLEST.to_owned(),
        and(second),
        with("[[address]]", &format!("{second}[[address]]")),
    ] {
        let config = parse(&text);
        let by_id = |id: &str| config.addresses.iter().find(|address| address.allocation_id == id);
        let first = by_id("eipalloc-0123456789abcdef0").unwrap();
        assert_eq!(config.heartbeat_name(first), "lb-1");
        assert_eq!(config.folder(first), PathBuf::from("/var/lib/paird"));
        assert_eq!(
            config.places(first).map(|ip| ip.to_string()),
            ["10.0.1.10", "10.0.2.10"]
        );
        if let Some(second) = by_id("eipalloc-0123abcd") {
            assert_eq!(config.heartbeat_name(second), "lb-1/eipalloc-0123abcd");
            assert_eq!(
                config.folder(second),
                PathBuf::from("/var/lib/paird/addresses/eipalloc-0123abcd")
            );
            assert_eq!((second.label(), second.preferred), ("blue", 1));
        }
    }
}

#[test]
fn witnesses_are_third_hosts_each_named_once() {
    let with = |witness: &str| format!("{SMALLEST}\n[witness]\nkey_file = \"/etc/paird/witness-key\"\n{witness}");
    let config = parse(&with(""));
    assert_eq!(
        config.witness,
        Some(Witness {
            addresses: Vec::new(),
            port: 7695,
            key_file: "/etc/paird/witness-key".into(),
            required: false,
            isolation_grace: Duration::from_secs(10),
        })
    );
    let cases = [
        (
            "addresses = [\"10.0.2.10:7695\"]",
            "10.0.2.10:7695 is a node of this pair, write a third host: a node is no witness of its own pair",
        ),
        (
            "addresses = [\"10.0.3.10:7695\", \"10.0.3.10:7695\"]",
            "10.0.3.10:7695 is there twice, write each witness once",
        ),
        (
            "addresses = [\"[fd00::3]:7695\"]",
            "[fd00::3]:7695 is of another family than the addresses of the nodes",
        ),
        (
            "addresses = [\"10.0.3.10\"]",
            "\"10.0.3.10\" is not valid, write an IP address of one host and a port such as \"10.0.3.10:7695\"",
        ),
        (
            "addresses = [\"0.0.0.0:7695\"]",
            "\"0.0.0.0:7695\" is not valid, write an IP address of one host and a port such as \"10.0.3.10:7695\"",
        ),
        (
            "required = true",
            "there is no witness that could answer, add `addresses`, or remove `required`",
        ),
        (
            "isolation_grace = \"1s\"\n[heartbeat]\nprofile = \"calm\"",
            "1s is shorter than the holdtime of 3s, write at least \"3s\"",
        ),
    ];
    for (witness, expected) in cases {
        let findings = Config::parse("paird.toml", &with(witness)).unwrap_err().to_string();
        assert!(findings.contains(expected), "{findings}");
    }
    let nine = (0..9)
        .map(|host| format!("\"10.0.4.{}:7695\"", host + 1))
        .collect::<Vec<_>>();
    let findings = Config::parse("paird.toml", &with(&format!("addresses = [{}]", nine.join(", ")))).unwrap_err();
    assert!(
        findings.to_string().contains("9 entries are too many, write at most 8"),
        "{findings}"
    );
    let keyless = Config::parse("paird.toml", &format!("{SMALLEST}\n[witness]\n"))
        .unwrap_err()
        .to_string();
    assert!(keyless.contains("witness.key_file: missing"), "{keyless}");
}
