//! `pairctl status`: what it prints, and what its exit code says.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    time::{Duration, Instant},
};

use pair_wire::control::{AgentStatus, Command, DiscoveryStatus, Request, Response, Status};
use pairctl::status_text;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

use crate::{
    daemon::{Daemon, Ran, run},
    documents::{critical, degraded, healthy, healthy_on_b, mutual_backup},
};

#[test]
fn a_healthy_pair() {
    let text = "\
pair lb-1  healthy, standby ready
  a  i-0aaaaaaaaaaaaaaaa  10.0.1.10   us-east-1a  active   haproxy ok  this node
  b  i-0bbbbbbbbbbbbbbbb  10.0.12.10  us-east-1b  passive  haproxy ok  ready, heard 80 ms ago, rtt 0.6 ms, loss 0 %
  203.0.113.10  eipalloc-0123456789abcdef0  on a 10.0.1.10  by IMDS 1 s ago, by EC2 4 min ago
  last takeover 3 d ago: b → a, rule F-6a, detect 0.93 s, api 0.31 s, verify 0.11 s
";
    assert_eq!(status_of(healthy()), ran(0, text));
}

#[test]
fn the_same_pair_from_its_other_node() {
    let text = "\
pair lb-1  healthy, standby ready
  a  i-0aaaaaaaaaaaaaaaa  10.0.1.10   us-east-1a  active   haproxy ok  heard 120 ms ago, rtt 0.6 ms, loss 0 %
  b  i-0bbbbbbbbbbbbbbbb  10.0.12.10  us-east-1b  passive  haproxy ok  ready, this node
  203.0.113.10  eipalloc-0123456789abcdef0  on a 10.0.1.10  by IMDS 1 s ago, by EC2 4 min ago
";
    assert_eq!(status_text(&healthy_on_b()), text);
}

#[test]
fn of_several_addresses_each_is_told_for_itself() {
    let text = "\
pair lb-1  degraded, standby not ready for 203.0.113.11
  a  i-0aaaaaaaaaaaaaaaa  10.0.1.10   us-east-1a  active  haproxy ok  this node
  b  i-0bbbbbbbbbbbbbbbb  10.0.12.10  us-east-1b  active  haproxy ok  heard 80 ms ago, rtt 0.6 ms, loss 0 %
  203.0.113.10  eipalloc-0123456789abcdef0         on a 10.0.1.10   by IMDS 1 s ago, by EC2 4 min ago
  203.0.113.11  eipalloc-0123456789abcdef1 second  on b 10.0.12.11  by EC2 1 s ago
  last takeover of 203.0.113.10 3 d ago: b → a, rule F-6a, detect 0.93 s, api 0.31 s, verify 0.11 s
  decision about 203.0.113.10: stay
  decision about 203.0.113.11: wait, rule F-19
  degraded  ec2-denied of 203.0.113.11: this node may not take the address
";
    assert_eq!(status_of(mutual_backup()), ran(1, text));
}

#[test]
fn members_that_were_found_are_told_with_those_that_are_not_used() {
    let mut status = healthy();
    let found = |spares: &[&str]| DiscoveryStatus {
        tag: "paird:pair=lb-1".to_owned(),
        asked_ago_ms: 3_000,
        spares: spares.iter().map(|id| (*id).to_owned()).collect(),
    };
    status.discovery = Some(found(&[]));
    assert!(status_text(&status).contains("\n  found by tag paird:pair=lb-1 3 s ago\n"));
    status.discovery = Some(found(&["i-0c", "i-0d"]));
    let line = "\n  found by tag paird:pair=lb-1 3 s ago, not used: i-0c, i-0d\n";
    assert!(status_text(&status).contains(line), "{}", status_text(&status));
}

#[test]
fn a_degraded_pair_says_what_to_do() {
    let text = "\
pair lb-1  degraded, standby unknown
  a  i-0aaaaaaaaaaaaaaaa  10.0.1.10   us-east-1a  active   haproxy ok  this node
  b  i-0bbbbbbbbbbbbbbbb  10.0.12.10  us-east-1b  passive  unknown     presumed dead, heard 12 s ago, probe silent for 11 s, paird 0.0.9
  203.0.113.10  eipalloc-0123456789abcdef0  on a 10.0.1.10  by IMDS 1 s ago, by EC2 4 min ago
  last takeover 3 d ago: b → a, rule F-6a, detect 0.93 s, api 0.31 s, verify 0.11 s
  decision: stay
  degraded  peer-presumed-dead: node b has been silent for 12 s (hint: see whether its host and its paird run)
  dropped datagrams: replayed 3, tag 12
";
    assert_eq!(status_of(degraded()), ran(1, text));
}

#[test]
fn a_critical_pair_says_why() {
    let text = "\
pair lb-1  critical, no active node
  a  i-0aaaaaaaaaaaaaaaa  10.0.1.10   us-east-1a  passive  haproxy ok  not ready, this node
  b  -                    10.0.12.10  -           passive  unknown     never heard
  203.0.113.10  eipalloc-0123456789abcdef0  on a stranger  by EC2 1 s ago
  decision: leave it, rule F-9: held by a stranger; by EC2
  critical  stranger-holds: 203.0.113.10 is on i-0cccccccccccccccc, outside the pair (hint: paird never takes it from there: associate it with a node of the pair)
  not ready  denied: EC2 denies AssociateAddress
";
    assert_eq!(status_of(critical()), ran(2, text));
}

#[test]
fn the_json_document_is_that_of_the_daemon() {
    for (document, code) in [(healthy(), 0), (degraded(), 1), (critical(), 2)] {
        let ran = daemon_with(document.clone()).run(&["status", "--json"]);
        assert_eq!((ran.code, ran.err.as_str()), (code, ""));
        assert_eq!(serde_json::from_str::<Status>(&ran.out).unwrap(), document);
    }
}

#[test]
fn a_reader_that_has_gone_does_not_change_the_exit_code() {
    struct Gone;

    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let daemon = daemon_with(degraded());
    let mut err = Vec::new();
    let code = pairctl::run(
        ["pairctl", "--socket", daemon.socket().to_str().unwrap(), "status"],
        &mut Gone,
        &mut err,
    );
    assert_eq!((code, err.as_slice()), (1, &b""[..]));
}

#[test]
fn a_daemon_whose_loop_stands_still_is_not_healthy() {
    let agent = AgentStatus {
        written_at_loop_age_ms: 7000,
        ..healthy().agent
    };
    for args in [&["status"][..], &["status", "--json"]] {
        let ran = daemon_with(Status {
            agent: agent.clone(),
            ..healthy()
        })
        .run(args);
        let message = "pairctl: the daemon is stuck: its event loop last turned 7000 ms ago, so its status says nothing\n\
            hint: its watchdog should restart it; `journalctl -u paird` says what it did last\n";
        assert_eq!(ran, unreachable(message));
    }
}

#[test]
fn no_socket_is_not_healthy() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("control.sock");
    let ran = run(&["--socket", socket.to_str().unwrap(), "status"]).with_socket_named(&socket);
    let message = "pairctl: there is no control socket at SOCKET\n\
        hint: is paird running? `systemctl status paird`; another socket: --socket PATH\n";
    assert_eq!(ran, unreachable(message));
}

#[test]
fn a_dead_daemon_is_not_healthy() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("control.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let ran = run(&["--socket", socket.to_str().unwrap(), "status"]).with_socket_named(&socket);
    let message = "pairctl: nobody listens at SOCKET: the daemon is dead\n\
        hint: `systemctl status paird` and `journalctl -u paird` say why\n";
    assert_eq!(ran, unreachable(message));
}

#[test]
fn a_daemon_that_does_not_answer_is_not_healthy() {
    assert_eq!(
        Daemon::hanging().run(&["status", "--timeout", "50ms"]),
        unreachable(NO_ANSWER)
    );
}

#[test]
fn a_daemon_that_does_not_even_accept_is_not_healthy() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("control.sock");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    listener.listen(0).unwrap();
    let _fills_the_backlog = UnixStream::connect(&path).unwrap();
    let ran = run(&["--socket", path.to_str().unwrap(), "status", "--timeout", "50ms"]);
    assert_eq!(ran, unreachable(NO_ANSWER));
}

#[test]
fn a_daemon_that_answers_a_byte_now_and_then_wins_no_time() {
    let began = Instant::now();
    let daemon = Daemon::new(|mut stream| {
        // One byte at each request for more, until the client hangs up: a socket that is never silent for long.
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        while stream.write_all(b" ").is_ok() {
            let _ = stream.read(&mut [0; 64]);
        }
    });
    assert_eq!(daemon.run(&["status", "--timeout", "50ms"]), unreachable(NO_ANSWER));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_daemon_that_hangs_up_is_not_healthy() {
    let message = "pairctl: the daemon hung up without an answer\n\
        hint: is it stuck or just restarting? `systemctl status paird` and `journalctl -u paird`\n";
    assert_eq!(Daemon::saying("").run(&["status"]), unreachable(message));
    let at_once = Daemon::new(|stream| stream.shutdown(Shutdown::Both).unwrap());
    assert_eq!(at_once.run(&["status"]), unreachable(message));
}

#[test]
fn an_answer_that_cannot_be_used_is_not_healthy() {
    let hint = "hint: is --socket the control socket of paird?\n";
    let unusable = "pairctl: the daemon's answer cannot be used: ";
    let cases = [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            format!("{unusable}the message cannot be understood: expected value at line 1 column 1\n{hint}"),
        ),
        (
            b"{\"version\":1,\"outcome\":{\"ok\":{\"st".to_vec(),
            format!("{unusable}the other side hung up after 33 bytes, before the end of its message\n{hint}",),
        ),
        (
            vec![b'x'; 100_000],
            format!("{unusable}the message is longer than 131072 bytes\n{hint}"),
        ),
        (
            b"{\"version\":1,\"outcome\":{\"ok\":{\"done\":{\"text\":\"x\"}}}}\n".to_vec(),
            format!("pairctl: the daemon answered another question\n{hint}"),
        ),
    ];
    for (bytes, message) in cases {
        assert_eq!(Daemon::saying(bytes).run(&["status"]), unreachable(&message));
    }
}

#[test]
fn a_daemon_of_another_version_is_not_healthy() {
    let hint = "hint: paird and pairctl come in one package: restart paird after an upgrade\n";
    let ran = Daemon::saying("{\"version\":2,\"reply\":\"what?\"}\n").run(&["status"]);
    let message = "pairctl: the daemon speaks version 2 of the control protocol, this pairctl version 1\n";
    assert_eq!(ran, unreachable(&format!("{message}{hint}")));

    let ran = daemon_with(Status {
        version: 2,
        ..healthy()
    })
    .run(&["status"]);
    let message = "pairctl: the daemon's status document has version 2, this pairctl reads version 1\n";
    assert_eq!(ran, unreachable(&format!("{message}{hint}")));
}

#[test]
fn an_error_of_the_daemon_is_passed_on() {
    let daemon = Daemon::answering(
        Request::new(Command::Status),
        &Response::error("the status is too long"),
    );
    let err = "pairctl: the status is too long\n".to_owned();
    assert_eq!(
        daemon.run(&["status"]),
        Ran {
            code: 5,
            out: String::new(),
            err
        }
    );
}

const NO_ANSWER: &str = "pairctl: the daemon did not answer within 50ms\n\
    hint: is it stuck or just restarting? `systemctl status paird` and `journalctl -u paird`\n";

fn daemon_with(status: Status) -> Daemon {
    Daemon::answering(Request::new(Command::Status), &Response::status(status))
}

fn status_of(status: Status) -> Ran {
    daemon_with(status).run(&["status"])
}

fn ran(code: u8, out: &str) -> Ran {
    Ran {
        code,
        out: out.to_owned(),
        err: String::new(),
    }
}

fn unreachable(err: &str) -> Ran {
    Ran {
        code: 3,
        out: String::new(),
        err: err.to_owned(),
    }
}
