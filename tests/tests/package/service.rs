//! The installed package under its service manager: start, restart, upgrade, shutdown and removal.
//!
//! One machine is both nodes: `a` is the package as it is installed, `b` the same program beside it, and EC2 is emulated.

use std::fs;

use e2e::eventually;
use serde_json::Value;

use crate::debian::Debian;
use crate::machine::Machine;
use crate::packages::{lacks, lacks_root, packages};

#[test]
fn a_restart_and_an_upgrade_move_nothing_and_a_shutdown_and_a_removal_hand_over() {
    const TEST: &str = "a_restart_and_an_upgrade_move_nothing_and_a_shutdown_and_a_removal_hand_over";
    if lacks_root(TEST) || lacks(TEST, &["debootstrap", "ip", "journalctl", "nsenter", "unshare"]) {
        return;
    }
    let debian = Debian::with_systemd();
    prepare(&debian);
    let machine = Machine::boot(&debian);
    machine.run(&["dpkg", "--install", "/var/tmp/paird.deb"]);
    assert_eq!(state(&machine, "paird"), "inactive", "it waits for its configuration");
    configure(&machine);
    machine.run(&["systemctl", "enable", "--now", "paird"]);
    start_the_other_node(&machine);
    assert_eq!(state(&machine, "paird-leave"), "active");
    assert_eq!(holder(&machine), "a");

    machine.run(&["systemctl", "restart", "paird"]);
    await_healthy(&machine);
    machine.run(&["dpkg", "--install", "/var/tmp/paird.deb"]);
    await_healthy(&machine);
    assert_eq!(holder(&machine), "a");

    // First the hand-over, then the agent, then the service.
    let log = machine.power_off();
    let at = |words: &str| log.iter().position(|line| line.contains(words));
    let steps = [
        "Stopping paird-leave.service",
        "Stopped paird-leave.service",
        "Stopping paird.service",
        "Stopped paird.service",
        "Stopping haproxy.service",
    ];
    let order: Vec<_> = steps.iter().map(|words| at(words)).collect();
    assert!(at(HANDED_OVER).is_some(), "{log:#?}");
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "{order:?} in {log:#?}"
    );

    // Back in the pair, since nobody has ordered otherwise.
    let machine = Machine::boot(&debian);
    configure(&machine);
    machine.run(&["systemctl", "restart", "paird"]);
    start_the_other_node(&machine);
    assert_eq!(holder(&machine), "a");

    machine.run(&["dpkg", "--remove", "paird"]);
    eventually("the address was handed over", || {
        let log = machine.run(&["journalctl", "--no-pager", "--boot", "--unit", "paird-leave"]);
        log.contains(HANDED_OVER).then_some(())
    });
    assert_eq!(state(&machine, "paird"), "inactive");
    let enabled = machine.path("etc/systemd/system/multi-user.target.wants/paird.service");
    assert!(fs::symlink_metadata(enabled).is_err(), "it is enabled still");
}

/// Puts the package there, and units for what a node has around it. They stop after it, so that the other node is there at the end.
fn prepare(debian: &Debian) {
    fs::copy(&packages().deb, debian.path("var/tmp/paird.deb")).unwrap();
    let lab = e2e::pair_lab();
    fs::copy(lab.get_program(), debian.path("usr/local/bin/pair-lab")).unwrap();
    let units = [
        (
            "ec2",
            "/bin/sh -c 'tail -f /dev/null | pair-lab ec2 --node a=127.77.0.1@us-east-1a --node b=127.77.0.2@us-east-1b >/run/ec2.json'",
        ),
        (
            "haproxy",
            "/usr/local/bin/pair-lab service --node a --listen 127.77.0.1:80",
        ),
        (
            "service-b",
            "/usr/local/bin/pair-lab service --node b --listen 127.77.0.2:80",
        ),
        (
            "paird-b",
            "/usr/local/bin/paird-b run --config /etc/paird-b.toml --node b",
        ),
    ];
    for (name, command) in units {
        let before = if name == "haproxy" {
            "paird.service"
        } else {
            "haproxy.service paird.service"
        };
        let unit =
            format!("[Unit]\nBefore={before}\n[Service]\nExecStart={command}\n[Install]\nWantedBy=multi-user.target\n");
        fs::write(debian.path(&format!("etc/systemd/system/{name}.service")), unit).unwrap();
    }
    for name in ["ec2", "haproxy", "service-b"] {
        debian.run("systemctl", &["enable", name]);
    }
    // Both nodes have the address of the other one, too.
    let drop_in = debian.path("etc/systemd/system/paird.service.d");
    fs::create_dir_all(&drop_in).unwrap();
    let command = "[Service]\nExecStart=\nExecStart=/usr/bin/paird run --node a\n";
    fs::write(drop_in.join("node.conf"), command).unwrap();
}

/// Writes both configurations, with the ports that the emulator has got.
fn configure(machine: &Machine<'_>) {
    let lab: Value = eventually("the emulator tells its ports", || {
        serde_json::from_str(&fs::read_to_string(machine.path("run/ec2.json")).ok()?).ok()
    });
    machine.run(&[
        "sh",
        "-c",
        "test -e /etc/paird/key || (umask 027; pairctl key generate >/etc/paird/key)",
    ]);
    for (index, path) in ["etc/paird/paird.toml", "etc/paird-b.toml"].into_iter().enumerate() {
        let node = &lab["nodes"][index];
        let mut config = format!(
            "pair = \"lb-1\"\n[[node]]\nname = \"a\"\naddresses = [\"127.77.0.1\"]\n[[node]]\nname = \"b\"\naddresses = [\"127.77.0.2\"]\n\
             [[address]]\nallocation_id = {}\n[check]\nhttp = {{ port = 80 }}\n[probe]\nhttp = {{ port = 80 }}\n\
             [security]\nkey_file = \"/etc/paird/key\"\n[ec2]\nendpoint = {}\nimds_endpoint = {}\n",
            lab["allocation_id"], node["ec2_endpoint"], node["imds_endpoint"],
        );
        if index == 1 {
            config += "[control]\nsocket = \"/run/paird-b.sock\"\n[state]\ndirectory = \"/var/lib/paird-b\"\n[metrics]\nnone = true\n";
        }
        fs::write(machine.path(path), config).unwrap();
    }
}

/// Starts the other node once this one has the address, and waits for both.
fn start_the_other_node(machine: &Machine<'_>) {
    machine.run(&["pairctl", "wait", "--active"]);
    // A copy, which the removal of the package leaves alone.
    machine.run(&["cp", "/usr/bin/paird", "/usr/local/bin/paird-b"]);
    machine.run(&["systemctl", "start", "paird-b"]);
    await_healthy(machine);
}

fn await_healthy(machine: &Machine<'_>) {
    machine.run(&["pairctl", "wait", "--healthy"]);
}

/// Returns who holds the address, as the other node knows.
fn holder(machine: &Machine<'_>) -> String {
    // Its exit code says how the pair is, which is not asked here.
    let status = machine.output(&["pairctl", "--socket", "/run/paird-b.sock", "status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    status["addresses"][0]["holder"].as_str().unwrap_or_default().to_owned()
}

fn state(machine: &Machine<'_>, unit: &str) -> String {
    let output = machine.output(&["systemctl", "is-active", unit]);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What `pairctl leave` says when it is done.
const HANDED_OVER: &str = "this node has left the pair, and does not hold the address";
