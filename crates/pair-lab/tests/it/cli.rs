//! The binary: one JSON line on stdout, and an end when asked.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use pair_lab::{QueryClient, blocking::Engine};

struct Process(Child);

impl Process {
    /// Starts the binary and reads the line it prints.
    fn start(args: &[&str]) -> (Self, serde_json::Value) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pair-lab"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        (Self(child), serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_service_says_where_it_listens_and_who_it_is() {
    let (_process, line) = Process::start(&["service", "--listen", "127.0.0.2:0", "--node", "b"]);
    let addr: SocketAddr = line["listen"].as_str().unwrap().parse().unwrap();
    assert_eq!(addr.ip().to_string(), "127.0.0.2");
    let reply = Engine::start().unwrap().run(pair_lab::get(addr, "/")).unwrap();
    assert_eq!(reply.headers()[pair_lab::NODE_HEADER], "b");
}

#[test]
fn the_emulator_serves_until_its_input_closes() {
    let nodes = [
        "--node",
        "a=127.0.0.1@us-east-1a",
        "--node",
        "b=127.0.0.2,127.0.1.2@us-east-1b",
    ];
    let (mut process, line) = Process::start(&[&["ec2"][..], &nodes].concat());
    let addr: SocketAddr = line["ec2_endpoint"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let client = QueryClient::new(addr, line["nodes"][0]["access_key_id"].as_str().unwrap());
    let params = [("AllocationId.1", line["allocation_id"].as_str().unwrap())];
    let read = Engine::start()
        .unwrap()
        .run(client.call("DescribeAddresses", &params))
        .unwrap();
    assert_eq!(read.text_of("publicIp"), line["public_ip"].as_str());
    assert_eq!(line["nodes"][1]["private_ips"][1], "127.0.1.2");
    drop(process.0.stdin.take());
    assert!(process.0.wait().unwrap().success());
}

#[test]
fn a_node_that_is_misspelt_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_pair-lab"))
        .args(["ec2", "--node", "a"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not name=ip"));
}
