//! What a reload changes: compared key by key, in the words of the schema.

use std::collections::BTreeMap;
use std::fmt;

use super::schema::{Effect, KEYS};
use super::{Address, Config, Ec2, Heartbeat, Log, Witness};

/// What becomes of a configuration when its file says something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// What is in force from here on: the file, but for what needs a restart.
    pub config: Config,
    /// What has changed with that.
    pub in_force: Vec<Change>,
    /// What the file says and a restart puts in force.
    pub at_restart: Vec<Change>,
}

/// One key that the file gives another value than the one in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub path: &'static str,
    /// The value in force, as TOML would write it; a key of every node has several; empty if it is unset.
    pub before: String,
    /// The value in the file.
    pub after: String,
}

/// See [`Config::reload`].
pub(super) fn reload(current: &Config, file: Config) -> Reloaded {
    let preferred = preferred(current, &file);
    let has_witnesses = file.witness.is_some();
    let (before, after) = (values(current), values(&file));
    let changes = KEYS.iter().filter_map(|key| {
        let of = |values: &BTreeMap<&str, String>| values.get(key.path).cloned().unwrap_or_default();
        let (before, after) = (of(&before), of(&after));
        let path = key.path;
        (before != after).then_some((key.effect, Change { path, before, after }))
    });
    let (in_force, at_restart): (Vec<_>, Vec<_>) = changes.partition(|(effect, change)| {
        // Witnesses come and go with a run, and all that is said of them.
        let witnesses_come = change.path.starts_with("witness.") && current.witness.is_some() != has_witnesses;
        let waits = witnesses_come || (change.path == "address.preferred" && preferred.is_none());
        *effect == Effect::AtReload && !waits
    });
    let plain = |changes: Vec<(Effect, Change)>| changes.into_iter().map(|(_, change)| change).collect();
    Reloaded {
        config: merged(current, file, preferred.as_deref()),
        in_force: plain(in_force),
        at_restart: plain(at_restart),
    }
}

/// The file, but for what a run of the daemon is about. Every field is named, so that a new one has to be thought of.
fn merged(current: &Config, file: Config, preferred: Option<&[usize]>) -> Config {
    let mut addresses = current.addresses.clone();
    for (address, preferred) in addresses.iter_mut().zip(preferred.unwrap_or_default()) {
        address.preferred = *preferred;
    }
    let Config {
        file: _,
        pair: _,
        nodes: _,
        discovery: _,
        addresses: _,
        heartbeat,
        check,
        probe,
        takeover,
        security,
        witness,
        ec2,
        readiness_interval,
        notices,
        control_socket: _,
        state_directory: _,
        metrics_listen,
        hooks,
        log,
    } = file;
    Config {
        addresses,
        heartbeat: Heartbeat {
            port: current.heartbeat.port,
            ..heartbeat
        },
        check,
        probe,
        takeover,
        security,
        // Whom it asks is what a run is about; for how long it waits for them is not.
        witness: match (current.witness.clone(), witness) {
            (Some(current), Some(file)) => Some(Witness {
                required: file.required,
                isolation_grace: file.isolation_grace,
                ..current
            }),
            (current, _) => current,
        },
        ec2: Ec2 {
            region: current.ec2.region.clone(),
            endpoint: current.ec2.endpoint.clone(),
            imds_endpoint: current.ec2.imds_endpoint.clone(),
            ..ec2
        },
        readiness_interval,
        notices,
        metrics_listen,
        hooks,
        log: Log {
            format: current.log.format,
            ..log
        },
        ..current.clone()
    }
}

/// The node in force, by its name, that the file prefers for each address in force; `None` if the file has other addresses or
/// prefers a node by a name that nobody has yet: that is so after the restart that brings them.
fn preferred(current: &Config, file: &Config) -> Option<Vec<usize>> {
    if current.addresses.len() != file.addresses.len() {
        return None;
    }
    let preferred = |address: &Address| {
        let told = file.addresses.iter().find(|other| other.is_same(address))?;
        current.node_index(&file.nodes[told.preferred].name)
    };
    current.addresses.iter().map(preferred).collect()
}

/// The value of each key that is set; those of a key of every node in the order of the nodes.
fn values(config: &Config) -> BTreeMap<&'static str, String> {
    let mut values: BTreeMap<&'static str, String> = BTreeMap::new();
    for (path, value) in config.effective() {
        let known = values.entry(path).or_default();
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(&value);
    }
    values
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_unset = |value: &str| {
            if value.is_empty() {
                "unset".to_owned()
            } else {
                value.to_owned()
            }
        };
        write!(
            out,
            "{} {} (was {})",
            self.path,
            or_unset(&self.after),
            or_unset(&self.before)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
pair = "lb-1"
[[node]]
name = "a"
addresses = ["10.0.1.10"]
[[node]]
name = "b"
addresses = ["10.0.2.10"]
[[address]]
allocation_id = "eipalloc-0123456789abcdef0"
[check]
http = { port = 80 }
[probe]
http = { port = 80 }
[security]
key_file = "/etc/paird/key"
[witness]
key_file = "/etc/paird/witness-key"
"#;

    /// Another value for every key that a file can have beside the one above.
    const OTHER: &str = r#"
pair = "lb-2"
[[node]]
name = "a"
addresses = ["10.0.1.11"]
[[node]]
name = "c"
addresses = ["10.0.2.11"]
[[address]]
allocation_id = "eipalloc-0123456789abcdef1"
private_ips = { a = "10.0.1.12", c = "10.0.2.12" }
preferred = "c"
[[address]]
name = "second"
allocation_id = "eipalloc-0123456789abcdef2"
[heartbeat]
profile = "calm"
port = 7695
[check]
haproxy = { socket = "/run/haproxy/other.sock" }
[probe]
none = true
[takeover]
lost_contact_takeover = "90s"
unfit_delay = "2s"
refit = "2m"
restart_grace = "20s"
strict = true
preempt_delay = "5m"
[security]
insecure_no_key = true
[witness]
addresses = ["10.0.3.10:7695"]
port = 7696
key_file = "/etc/paird/other-key"
required = true
isolation_grace = "20s"
[ec2]
region = "eu-west-1"
call_timeout = "3s"
[control]
socket = "/run/other.sock"
[state]
directory = "/var/lib/other"
[metrics]
none = true
[log]
format = "json"
level = "debug"
"#;

    fn parse(text: &str) -> Config {
        Config::parse("paird.toml", text).unwrap_or_else(|findings| panic!("{findings}"))
    }

    fn paths(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.path).collect()
    }

    #[test]
    fn each_key_changes_when_the_schema_says_and_no_other_does() {
        let (current, file) = (parse(FILE), parse(OTHER));
        let reloaded = current.reload(file.clone());
        let (before, after, now) = (values(&current), values(&file), values(&reloaded.config));
        for key in KEYS.iter().filter(|key| before.get(key.path) != after.get(key.path)) {
            // Preferred is a node that nobody knows by this name before the restart.
            let is_at_once = key.effect == Effect::AtReload && key.path != "address.preferred";
            let expected = if is_at_once { &after } else { &before };
            assert_eq!(now.get(key.path), expected.get(key.path), "{}", key.path);
            let listed = if is_at_once {
                &reloaded.in_force
            } else {
                &reloaded.at_restart
            };
            assert!(paths(listed).contains(&key.path), "{}", key.path);
        }
        let differing = KEYS.iter().filter(|key| before.get(key.path) != after.get(key.path));
        assert_eq!(differing.count(), reloaded.in_force.len() + reloaded.at_restart.len());
    }

    #[test]
    fn addresses_come_and_go_at_a_restart_and_their_order_means_nothing() {
        let second = "[[address]]\nname = \"second\"\nallocation_id = \"eipalloc-0123456789abcdef1\"\n\
                      private_ips = { a = \"10.0.1.11\", b = \"10.0.2.11\" }\npreferred = \"b\"\n";
        let (one, two) = (
            parse(FILE),
            parse(&FILE.replace("[check]", &format!("{second}[check]"))),
        );
        let turned = parse(&FILE.replace("[[address]]", &format!("{second}[[address]]")));
        for (from, to) in [(&one, &two), (&two, &one)] {
            let reloaded = from.reload(to.clone());
            assert_eq!((&reloaded.config, reloaded.in_force.len()), (from, 0));
            let expected = [
                "address.name",
                "address.allocation_id",
                "address.private_ips",
                "address.preferred",
            ];
            assert_eq!(paths(&reloaded.at_restart), expected);
        }
        let reloaded = two.reload(turned.clone());
        assert_eq!((reloaded.in_force, reloaded.at_restart), (Vec::new(), Vec::new()));
        assert_eq!(two.digest(), turned.digest());
        let text = FILE.replace("[check]", &format!("{}[check]", second.replace("\"b\"\n", "\"a\"\n")));
        let reloaded = turned.reload(parse(&text));
        assert_eq!(paths(&reloaded.in_force), ["address.preferred"]);
        assert_eq!(
            reloaded
                .config
                .addresses
                .iter()
                .map(|address| address.preferred)
                .collect::<Vec<_>>(),
            [0, 0]
        );
    }

    #[test]
    fn witnesses_come_and_go_at_a_restart() {
        let with = parse(&FILE.replace("[witness]", "[witness]\nisolation_grace = \"20s\""));
        let (head, _) = FILE.split_once("[witness]").unwrap();
        let without = parse(head);
        for (from, to) in [(&with, &without), (&without, &with)] {
            let reloaded = from.reload(to.clone());
            assert_eq!((&reloaded.config, reloaded.in_force.len()), (from, 0));
            assert!(paths(&reloaded.at_restart).contains(&"witness.isolation_grace"));
        }
    }

    #[test]
    fn the_same_file_changes_nothing() {
        let current = parse(FILE);
        let reloaded = current.reload(current.clone());
        assert_eq!(reloaded.config, current);
        assert_eq!((reloaded.in_force.len(), reloaded.at_restart.len()), (0, 0));
    }

    #[test]
    fn what_waits_for_a_restart_is_named_at_each_reload_until_then() {
        let current = parse(FILE);
        let file = parse(&FILE.replace("\"lb-1\"", "\"lb-2\""));
        let once = current.reload(file.clone());
        let twice = once.config.reload(file);
        assert_eq!(
            (paths(&once.at_restart), paths(&twice.at_restart)),
            (vec!["pair"], vec!["pair"])
        );
        assert_eq!(twice.config, current);
    }

    #[test]
    fn the_preferred_node_is_known_by_its_name() {
        let current = parse(FILE);
        let swapped = FILE
            .replace("name = \"a\"\naddresses = [\"10.0.1.10\"]", "name = \"x\"")
            .replace(
                "name = \"b\"\naddresses = [\"10.0.2.10\"]",
                "name = \"a\"\naddresses = [\"10.0.1.10\"]",
            )
            .replace("name = \"x\"", "name = \"b\"\naddresses = [\"10.0.2.10\"]");
        let reloaded = current.reload(parse(&swapped));
        assert_eq!(reloaded.config.addresses[0].preferred, 1);
        assert_eq!(paths(&reloaded.in_force), ["address.preferred"]);
        assert_eq!(paths(&reloaded.at_restart), ["node.name", "node.addresses"]);
    }

    #[test]
    fn a_change_is_told_with_what_was_before() {
        let current = parse(FILE);
        let reloaded = current.reload(parse(&format!(
            "{FILE}[takeover]\npreempt_delay = \"5m\"\nrefit = \"2m\"\n"
        )));
        let told: Vec<String> = reloaded.in_force.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "takeover.refit \"2m\" (was \"1m\")",
                "takeover.preempt_delay \"5m\" (was unset)"
            ]
        );
    }
}
