//! `pairctl status --watch`, as the program that people interrupt.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use pair_wire::control::Response;

use crate::{
    daemon::Daemon,
    documents::{critical, degraded, healthy},
};

#[test]
fn without_a_terminal_each_change_is_a_block_and_an_interrupt_ends_it_well() {
    let mut aged = healthy();
    aged.peer.heard_ago_ms = Some(120);
    let daemon = Daemon::answering_in_turn([healthy(), aged, degraded(), critical()].map(Response::status).to_vec());
    let mut watch = Command::new(env!("CARGO_BIN_EXE_pairctl"))
        .args(["status", "--watch", "0.1", "--socket"])
        .arg(daemon.socket())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let heads = heads_until(&mut watch, "pairctl: nobody listens at");
    assert_eq!(
        heads,
        [
            "pair lb-1  healthy, standby ready",
            "pair lb-1  degraded, standby unknown",
            "pair lb-1  critical, no active node"
        ]
    );
    // A shell has `kill` built in.
    let kill = format!("kill -INT {}", watch.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let status = watch.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    let mut err = String::new();
    watch.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(err, "");
}

#[test]
fn a_reader_that_has_gone_ends_it_well() {
    let daemon = Daemon::answering_in_turn([healthy(), degraded()].map(Response::status).to_vec());
    let mut watch = Command::new(env!("CARGO_BIN_EXE_pairctl"))
        .args(["status", "--watch", "0.1", "--socket"])
        .arg(daemon.socket())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(watch.stdout.take());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

/// Reads until a line begins so, and gives the first line of each status before it; nothing in them controls a terminal.
fn heads_until(watch: &mut Child, end: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let lines = BufReader::new(watch.stdout.as_mut().unwrap()).lines();
    for line in lines.map(Result::unwrap) {
        assert!(!line.contains('\x1b'), "{line:?}");
        if line.starts_with(end) {
            break;
        }
        if line.starts_with("pair ") {
            heads.push(line);
        }
    }
    heads
}
