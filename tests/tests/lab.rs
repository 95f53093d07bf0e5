//! The lab as a whole: a failover with the real HAProxy in network namespaces, and nothing left behind however it ends.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use e2e::{eventually, is_skipped, lab_obstacle, pair_lab};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[test]
fn a_host_dies_and_the_client_is_answered_by_the_other_node() {
    if is_skipped(
        "a_host_dies_and_the_client_is_answered_by_the_other_node",
        lab_obstacle(),
    ) {
        return;
    }
    let output = pair_lab()
        .args(["lab", "host-death", "--runs", "1", "--json"])
        .output()
        .unwrap();
    // Whether the limit holds is a question to an idle machine; that the address moves, once and for the client, is not.
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(document["complete"], true);
    let run = &document["scenarios"][0]["runs"][0];
    assert_eq!(run["figures"]["moves"], 1, "{run:#}");
    assert!(run["figures"]["outage_ms"].is_u64(), "{run:#}");
    let claims = run["calls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|call| call["action"] == "AssociateAddress" && call["dry_run"] == false && call["error"].is_null());
    let claims: Vec<&Value> = claims.collect();
    assert_eq!(claims.len(), 1, "{run:#}");
    assert!(
        claims[0]["caller"].as_str().unwrap().starts_with("aws-sdk-rust/"),
        "{run:#}"
    );
}

#[test]
fn what_an_idle_node_costs_is_measured() {
    let name = "what_an_idle_node_costs_is_measured";
    if is_skipped(name, lab_obstacle()) {
        return;
    }
    let output = pair_lab()
        .args(["bench", "idle", "--contender", "paird-default", "--json"])
        .args(["--seconds", "2", "--starts", "1"])
        .output()
        .unwrap();
    // Whether the limits hold is a question to a release build on an idle machine; that everything is measured is not.
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let idle = &document["contenders"][0];
    // The address, the dry run, the neighbours; a busy machine may have made the node ask for more.
    assert!(idle["rehearsal_calls"].as_u64().unwrap() >= 3, "{idle:#}");
    assert_eq!(idle["start_ms"]["n"], 1, "{idle:#}");
    for figure in ["resident_kib", "imds_per_hour", "sent_per_s", "received_per_s"] {
        assert!(idle[figure].as_f64().unwrap() > 0.0, "{idle:#}");
    }
}

#[test]
fn an_interrupted_lab_tells_what_it_has_and_leaves_nothing_behind() {
    let name = "an_interrupted_lab_tells_what_it_has_and_leaves_nothing_behind";
    if is_skipped(name, lab_obstacle()) {
        return;
    }
    let mut lab = Running::start();
    lab.await_line("run   1");
    let spaces = lab.spaces();
    lab.signal(Signal::INT);
    lab.await_line("outage_ms");
    assert_eq!(lab.child.wait().unwrap().code(), Some(130));
    await_nothing_left(&spaces, &lab.devices);
}

#[test]
fn a_lab_that_is_killed_leaves_nothing_behind() {
    if is_skipped("a_lab_that_is_killed_leaves_nothing_behind", lab_obstacle()) {
        return;
    }
    let mut lab = Running::start();
    let spaces = lab.spaces();
    lab.signal(Signal::KILL);
    lab.child.wait().unwrap();
    await_nothing_left(&spaces, &lab.devices);
}

#[test]
fn haproxy_accepts_the_configuration_that_is_shipped() {
    let name = "haproxy_accepts_the_configuration_that_is_shipped";
    if is_skipped(name, lab_obstacle()) {
        return;
    }
    let shipped = include_str!("../../deploy/haproxy/haproxy.cfg");
    // The group comes with the package of paird, the user with that of HAProxy.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("haproxy.cfg");
    fs::write(&config, shipped.replace(" group paird ", " ")).unwrap();
    let checked = Command::new("/usr/sbin/haproxy")
        .arg("-c")
        .arg("-f")
        .arg(&config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && !said.contains("WARNING"), "{said}");
}

/// A lab that goes on until it is told to end.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    devices: BTreeSet<OsString>,
}

impl Running {
    fn start() -> Self {
        let devices = devices();
        let mut child = pair_lab()
            .args(["lab", "host-death", "--runs", "1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, devices }
    }

    /// Reads what it prints up to a line that begins like this.
    fn await_line(&mut self, beginning: &str) {
        let found = self.lines.any(|line| line.unwrap().starts_with(beginning));
        assert!(found, "the lab ended without {beginning:?}");
    }

    /// The namespaces of its processes, once HAProxy and agents run, without those that it shares with this test.
    fn spaces(&self) -> BTreeSet<OsString> {
        eventually("HAProxy and agents run", || {
            let family = family(self.child.id());
            let runs = |name: &str| family.iter().any(|process| process.name == name);
            (runs("haproxy") && runs("paird")).then(|| {
                let own = spaces(std::process::id());
                let all: BTreeSet<OsString> = family.iter().flat_map(|process| spaces(process.id)).collect();
                all.difference(&own).cloned().collect()
            })
        })
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails only if it has ended and was waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Waits until no process is in one of these namespaces, and sees that this machine has the devices it had.
fn await_nothing_left(spaces_of_lab: &BTreeSet<OsString>, devices_before: &BTreeSet<OsString>) {
    assert!(
        spaces_of_lab.len() >= 5,
        "the lab had namespaces of its own: {spaces_of_lab:?}"
    );
    eventually("every process of the lab has ended", || {
        let left = processes()
            .into_iter()
            .find(|process| !spaces(process.id).is_disjoint(spaces_of_lab));
        left.is_none().then_some(())
    });
    assert_eq!(&devices(), devices_before);
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    for space in spaces_of_lab {
        let space = space.to_str().unwrap();
        assert!(!mounts.contains(space), "{space} is still mounted");
    }
}

#[derive(Debug)]
struct Process {
    id: u32,
    parent: u32,
    name: String,
}

/// Every living process that this test can see.
fn processes() -> Vec<Process> {
    let folders = fs::read_dir("/proc").unwrap().flatten();
    let read = |folder: fs::DirEntry| {
        let id = folder.file_name().to_str()?.parse().ok()?;
        // "4711 (name) S 4710 …"; a process that has ended meanwhile is none.
        let stat = fs::read_to_string(folder.path().join("stat")).ok()?;
        let (head, tail) = stat.rsplit_once(')')?;
        let mut fields = tail.split_ascii_whitespace();
        // What has ended stays listed until somebody waits for it, and nobody may.
        let has_ended = matches!(fields.next()?, "Z" | "X");
        let process = Process {
            id,
            parent: fields.next()?.parse().ok()?,
            name: head.split_once('(')?.1.to_owned(),
        };
        (!has_ended).then_some(process)
    };
    folders.filter_map(read).collect()
}

/// A process and all that come from it.
fn family(of: u32) -> Vec<Process> {
    let mut rest = processes();
    let mut family: Vec<Process> = rest.extract_if(.., |process| process.id == of).collect();
    let mut at = 0;
    while let Some(parent) = family.get(at).map(|process| process.id) {
        family.extend(rest.extract_if(.., |process| process.parent == parent));
        at += 1;
    }
    family
}

/// The network and process namespaces in which a process has threads; none if it has ended.
fn spaces(of: u32) -> BTreeSet<OsString> {
    let threads = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let links = threads.flat_map(|thread| ["ns/net", "ns/pid"].map(|kind| thread.path().join(kind)));
    links
        .filter_map(|link| Some(fs::read_link(link).ok()?.into_os_string()))
        .collect()
}

/// The network devices of this machine.
fn devices() -> BTreeSet<OsString> {
    let entries = fs::read_dir("/sys/class/net").unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}
