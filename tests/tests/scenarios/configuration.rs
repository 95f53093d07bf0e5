//! Mistakes in the configuration: all of them at once, each with its line, before anything is touched.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use e2e::{Ran, pairctl, paird};

#[test]
fn every_command_lists_all_mistakes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paird.toml");
    fs::write(&file, MISTAKES).unwrap();
    let file = file.to_str().unwrap();
    let expected: Vec<String> = EXPECTED
        .iter()
        .map(|(line, mistake)| format!("{file}:{line}: {mistake}"))
        .collect();

    for (name, ran) in [
        ("paird check", paird(&["check", "--config", file])),
        ("pairctl check", pairctl(&["check", "--config", file])),
    ] {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(78), ""), "{name}: {ran:?}");
        assert_eq!(ran.stderr.lines().collect::<Vec<_>>(), expected, "{name}");
    }
    let run = paird(&["run", "--config", file, "--node", "a"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    for mistake in &expected {
        assert!(
            run.stderr.contains(mistake.as_str()),
            "{mistake} is not in {}",
            run.stderr
        );
    }
}

#[test]
fn a_key_that_everybody_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (folder.path().join("paird.toml"), folder.path().join("key"));
    fs::write(&key, pairctl(&["key", "generate"]).stdout).unwrap();
    let text = GOOD.replace("KEY", key.to_str().unwrap());
    fs::write(&file, text).unwrap();
    let check = || paird(&["check", "--config", file.to_str().unwrap()]);

    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = check();
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(refused.stderr.contains(key.to_str().unwrap()), "{refused:?}");
    assert!(
        !refused.stderr.contains(secret_of(&fs::read_to_string(&key).unwrap())),
        "{refused:?}"
    );

    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let Ran { code, stdout, stderr } = check();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.ends_with(": ok, pair lb-1 of a and b\n"), "{stdout}");
}

fn secret_of(key: &str) -> &str {
    key.split_whitespace().nth(1).unwrap()
}

const MISTAKES: &str = r#"pair = "lb 1"
[[node]]
name = "a"
adresses = ["10.0.1.10"]
[[node]]
name = "a"
addresses = ["10.0.1"]
[[address]]
allocation_id = "eip-1"
[heartbeat]
holdtime = 1000
[check]
http = { port = 0 }
[probe]
none = false
[security]
key_file = "key"
"#;

const EXPECTED: [(u32, &str); 9] = [
    (1, r#"pair: "lb 1" is not valid, write 1 to 64 of A-Z a-z 0-9 . _ -"#),
    (
        2,
        r#"node.addresses: missing, add `addresses = …`: list of 1 to 4: an IP address of one host such as "10.0.1.10""#,
    ),
    (4, r#"node.adresses: unknown key, did you mean "addresses"?"#),
    (
        7,
        r#"node.addresses: "10.0.1" is not valid, write an IP address of one host such as "10.0.1.10""#,
    ),
    (
        9,
        r#"address.allocation_id: "eip-1" is not valid, write "eipalloc-" and 8 or 17 digits of 0-9 a-f"#,
    ),
    (
        11,
        r#"heartbeat.holdtime: the bare number 1000 has no unit, write "1000ms" or "1000s""#,
    ),
    (
        13,
        "check.http.port: 0 is out of bounds, write a whole number, 1 to 65535",
    ),
    (14, "probe: no probe, add `http`, or `none = true` to do without"),
    (17, r#"security.key_file: "key" is not valid, write an absolute path"#),
];

const GOOD: &str = r#"pair = "lb-1"
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
key_file = "KEY"
"#;
