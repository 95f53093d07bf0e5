//! The units, as systemd reads them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages::{lacks, succeed, text, unpacked};

/// How exposed a service may be, from 0 to 10. Ordinary services have 9.
const MOST_EXPOSED: f64 = 2.5;

#[test]
fn the_units_are_understood_without_a_warning() {
    const TEST: &str = "the_units_are_understood_without_a_warning";
    if lacks(TEST, &["systemd-analyze", "man"]) {
        return;
    }
    // This system's systemd with its own units around; the programs are those of the package, and so are the pages.
    let folder = unpacked();
    let programs = folder.path().join("usr/bin/pair");
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").env("MANPATH", folder.path().join("usr/share/man"));
    let units = fs::read_dir(folder.path().join("usr/lib/systemd/system")).unwrap();
    for unit in units.map(|entry| entry.unwrap().path()) {
        // The names of both programs begin like this.
        let text = fs::read_to_string(&unit)
            .unwrap()
            .replace("/usr/bin/pair", programs.to_str().unwrap());
        fs::write(&unit, text).unwrap();
        verify.arg(&unit);
    }
    let output = verify.output().unwrap();
    assert_eq!(text(&output.stdout) + &text(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn the_daemon_and_the_witness_are_hardly_exposed() {
    const TEST: &str = "the_daemon_and_the_witness_are_hardly_exposed";
    if lacks(TEST, &["systemd-analyze"]) {
        return;
    }
    for name in DAEMONS {
        let mut security = Command::new("systemd-analyze");
        let report = succeed(
            security
                .args(["security", "--offline=true", "--no-pager"])
                .arg(unit(name)),
        );
        let (_, after) = report
            .split_once(&format!("Overall exposure level for {name}: "))
            .unwrap();
        let level: f64 = after.split_whitespace().next().unwrap().parse().unwrap();
        println!("systemd-analyze security {name}: {level} (at most {MOST_EXPOSED})");
        assert!(level <= MOST_EXPOSED, "{report}");
    }
}

/// The units that listen to the network.
const DAEMONS: [&str; 2] = ["paird.service", "paird-witness.service"];

fn unit(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("systemd").join(name)
}

#[test]
fn the_programs_understand_every_command_of_the_units() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("systemd");
    let mut commands = 0;
    for unit in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        for line in fs::read_to_string(unit).unwrap().lines() {
            let Some((key, command)) = line.split_once('=').filter(|(key, _)| key.starts_with("Exec")) else {
                continue;
            };
            let mut words = command.trim_start_matches('-').split_whitespace();
            let program = words.next().unwrap().strip_prefix("/usr/bin/").unwrap();
            // With that added it says what it would do, and does nothing.
            let arguments: Vec<&str> = words.chain(["--help"]).collect();
            let ran = match program {
                "paird" => e2e::paird(&arguments),
                "pairctl" => e2e::pairctl(&arguments),
                other => panic!("{key} runs {other}"),
            };
            assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
            commands += 1;
        }
    }
    assert_eq!(commands, 5);
}

/// The order in which units stop is the reverse of that in which they start.
#[test]
fn the_hand_over_at_a_shutdown_comes_before_the_agent_and_the_service_stop() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("systemd");
    let unit = fs::read_to_string(folder.join("paird-leave.service")).unwrap();
    let after = unit.lines().find_map(|line| line.strip_prefix("After=")).unwrap();
    let after: Vec<&str> = after.split_whitespace().collect();
    assert!(
        after.contains(&"paird.service") && after.contains(&"haproxy.service"),
        "{after:?}"
    );
    // Any of these would have a restart of the agent stop it, and thereby move the address.
    for bond in ["Requires=", "Requisite=", "BindsTo=", "PartOf=", "StopPropagatedFrom="] {
        assert!(!unit.lines().any(|line| line.starts_with(bond)), "{bond}");
    }
}

/// Two hardening lines that belong together still have a comment each: what it costs to take one away stands beside it.
#[test]
fn every_line_of_the_sandbox_says_why_it_is_there() {
    for name in DAEMONS {
        let unit = fs::read_to_string(unit(name)).unwrap();
        let lines: Vec<&str> = unit.lines().collect();
        let sandbox = lines
            .iter()
            .position(|line| line.starts_with("CapabilityBoundingSet="))
            .unwrap();
        let silent = (sandbox..lines.len())
            .take_while(|at| lines[*at] != "[Install]")
            .filter(|at| lines[*at].contains('=') && !lines[*at].starts_with('#'))
            .filter(|at| !lines[*at - 1].starts_with('#'));
        let silent: Vec<&str> = silent.map(|at| lines[at]).collect();
        assert_eq!(silent, Vec::<&str>::new(), "{name}");
    }
}
