//! `pairctl wait`: for scripts that run while a host comes up.

use std::{fs, io::Write as _, os::unix::net::UnixListener, thread};

use pair_wire::control::{Request, Response, encode_line, read_line};
use tempfile::TempDir;

use crate::{
    daemon::{Daemon, Ran, run},
    documents::{critical, degraded, healthy, healthy_on_b},
};

#[test]
fn it_returns_once_the_condition_holds() {
    let cases = [
        (&["wait"][..], critical(), healthy(), "this node is ready\n"),
        (&["wait", "--ready"], critical(), degraded(), "this node is ready\n"),
        (
            &["wait", "--active"],
            healthy_on_b(),
            healthy(),
            "this node is active\n",
        ),
        (&["wait", "--healthy"], degraded(), healthy(), "the pair is healthy\n"),
    ];
    for (args, before, after, says) in cases {
        let daemon = Daemon::answering_in_turn(vec![Response::status(before), Response::status(after)]);
        assert_eq!(daemon.run(args), ended(0, says, ""), "{args:?}");
    }
}

#[test]
fn it_says_what_is_missing_when_its_time_is_over() {
    let cases = [
        (&["wait"][..], critical(), "this node is ready: denied"),
        (
            &["wait", "--active"],
            healthy_on_b(),
            "this node is active: the node is passive, and the pair has no problem",
        ),
        (
            &["wait", "--healthy"],
            degraded(),
            "the pair is healthy: peer-presumed-dead",
        ),
    ];
    for (args, document, says) in cases {
        let daemon = Daemon::answering_in_turn(vec![Response::status(document); 2]);
        let err = format!(
            "pairctl: it did not come to pass within 10ms that {says}\n\
            hint: `pairctl status` says more; --timeout waits for longer\n"
        );
        // It asks at once and at the end.
        assert_eq!(daemon.run(&[args, &["--timeout", "10ms"]].concat()), ended(6, "", &err));
    }
}

#[test]
fn a_daemon_that_never_comes_is_named() {
    let nowhere = TempDir::new().unwrap();
    let socket = nowhere.path().join("control.sock");
    let ran = run(&["wait", "--timeout", "50ms", "--socket", socket.to_str().unwrap()]);
    let err = "pairctl: it did not come to pass within 50ms that this node is ready: there is no control socket at SOCKET\n\
        hint: `pairctl status` says more; --timeout waits for longer\n";
    assert_eq!(ran.with_socket_named(&socket), ended(6, "", err));
}

#[test]
fn a_daemon_may_come_later() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("control.sock");
    // What a daemon that died has left behind: nobody listens there.
    drop(UnixListener::bind(&socket).unwrap());
    let waiting = thread::spawn({
        let socket = socket.clone();
        move || run(&["wait", "--healthy", "--socket", socket.to_str().unwrap()])
    });
    fs::remove_file(&socket).unwrap();
    let (mut client, _) = UnixListener::bind(&socket).unwrap().accept().unwrap();
    read_line::<Request>(&mut client).unwrap();
    client
        .write_all(&encode_line(&Response::status(healthy())).unwrap())
        .unwrap();
    assert_eq!(waiting.join().unwrap(), ended(0, "the pair is healthy\n", ""));
}

fn ended(code: u8, out: &str, err: &str) -> Ran {
    Ran {
        code,
        out: out.to_owned(),
        err: err.to_owned(),
    }
}
