//! One host of the pair: an agent and a service.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::binaries::{self, binary};
use crate::config::PORT;
use crate::process::Process;
use crate::wait::eventually;

/// Where a node is, and what it is given.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: &'static str,
    pub(crate) private_ip: Ipv4Addr,
    pub(crate) folder: PathBuf,
    pub(crate) control_socket: PathBuf,
    pub(crate) key_file: PathBuf,
    /// Where the environment says that EC2 and IMDS are, if it does.
    pub(crate) redirected: Option<[String; 2]>,
    pub(crate) is_haproxy: bool,
    /// Whether it has to find out itself which node it is.
    pub(crate) is_found: bool,
    /// Where the second address lands, if the pair has one: the service is there, too.
    pub(crate) second_private_ip: Option<Ipv4Addr>,
}

/// A host and what runs on it.
#[derive(Debug)]
pub(crate) struct Node {
    place: Place,
    agent: Option<Process>,
    service: Option<Process>,
    second_service: Option<Process>,
}

impl Place {
    /// Gives the path of one of the node's files.
    pub(crate) fn file(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("{}.{kind}", self.name))
    }

    /// Gives a command that runs `paird run` on this node.
    pub(crate) fn paird(&self) -> Command {
        let mut paird = binary("paird");
        paird.arg("run");
        if !self.is_found {
            paird.args(["--node", self.name]);
        }
        paird
            .arg("--config")
            .arg(self.file("toml"))
            .envs(self.redirection())
            .env("RUST_LOG", "info,paird=debug");
        paird
    }

    /// Runs a script of the shell, in which `paird` and `pairctl` are of this node without being told.
    pub(crate) fn typed(&self, script: &str) -> binaries::Ran {
        let [paird, pairctl] = ["paird", "pairctl"].map(|name| binary(name).get_program().display().to_string());
        let functions = format!(
            "paird() {{ command=$1; shift; {paird} $command --node {name} --config {config} \"$@\"; }}\n\
             pairctl() {{ {pairctl} --socket {socket} \"$@\"; }}\n",
            name = self.name,
            config = self.file("toml").display(),
            socket = self.control_socket.display(),
        );
        let mut shell = Command::new("sh");
        shell.args(["-euc", &format!("{functions}{script}")]).env_clear();
        binaries::ran(&mut shell)
    }

    /// Gives the environment that leads the node to EC2 and IMDS, if its configuration does not.
    pub(crate) fn redirection(&self) -> BTreeMap<&'static str, String> {
        let [ec2, imds] = ["AWS_ENDPOINT_URL_EC2", "AWS_EC2_METADATA_SERVICE_ENDPOINT"];
        self.redirected.clone().map_or_else(BTreeMap::new, |[to_ec2, to_imds]| {
            BTreeMap::from([(ec2, to_ec2), (imds, to_imds)])
        })
    }
}

impl Node {
    pub(crate) const fn new(place: Place) -> Self {
        Self {
            place,
            agent: None,
            service: None,
            second_service: None,
        }
    }

    /// Where it is.
    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Starts the agent; does not wait for anything.
    pub(crate) fn start_agent(&mut self) {
        let name = format!("paird {}", self.place.name);
        let log = self.place.file("paird.log");
        self.agent = Some(Process::start(&name, &mut self.place.paird(), &log));
    }

    /// Starts the service and waits until it listens.
    pub(crate) fn start_service(&mut self) {
        let name = format!("service {}", self.place.name);
        let mut command = if self.place.is_haproxy {
            self.haproxy()
        } else {
            self.built_in_service(self.place.private_ip)
        };
        self.service = Some(Process::start(&name, &mut command, &self.place.file("service.log")));
        let addr = (self.place.private_ip, PORT);
        eventually("the service listens", || TcpStream::connect(addr).ok());
        if let Some(private_ip) = self.place.second_private_ip {
            let mut command = self.built_in_service(private_ip);
            let log = self.place.file("second-service.log");
            self.second_service = Some(Process::start(&name, &mut command, &log));
            let addr = (private_ip, PORT);
            eventually("the service listens there, too", || TcpStream::connect(addr).ok());
        }
    }

    /// Kills the agent, if it runs.
    pub(crate) fn kill_agent(&mut self) {
        drop(self.agent.take());
    }

    /// Asks the agent to end and waits until it has.
    pub(crate) fn stop_agent(&mut self) {
        let agent = self.agent.take().expect("the agent runs");
        let status = agent.terminate();
        assert!(status.success(), "paird {} ended with {status}", self.place.name);
    }

    /// Kills the service, if it runs.
    pub(crate) fn kill_service(&mut self) {
        drop(self.service.take());
        drop(self.second_service.take());
    }

    /// Sends the agent a signal.
    pub(crate) fn signal_agent(&self, signal: Signal) {
        self.agent.as_ref().expect("the agent runs").signal(signal);
    }

    /// Says whether the agent was started and has not ended.
    pub(crate) fn is_agent_running(&mut self) -> bool {
        self.agent.as_mut().is_some_and(|agent| agent.status().is_none())
    }

    fn built_in_service(&self, private_ip: Ipv4Addr) -> Command {
        let mut service = binary("pair-lab");
        let listen = format!("{private_ip}:{PORT}");
        service.args(["service", "--listen", &listen, "--node", self.place.name]);
        service
    }

    /// HAProxy as its packages run it, but for the master process: a kill of it is a kill of the service. A test may have
    /// written another configuration.
    fn haproxy(&self) -> Command {
        let Place { name, private_ip, .. } = &self.place;
        let socket = self.place.file("haproxy");
        let config = format!(
            "global\n  stats socket {} mode 600 level user\n  maxconn 200\n\
             defaults\n  mode http\n  timeout client 60s\n  timeout connect 1s\n  timeout server 1s\n\
             frontend service\n  maxconn 180\n  bind {private_ip}:{PORT}\n  \
             http-request return status 200 content-type text/plain string {name} hdr x-node {name}\n",
            socket.display()
        );
        let file = self.place.file("haproxy.cfg");
        if !file.exists() {
            fs::write(&file, config).expect("a file can be written to a temporary folder");
        }
        let mut haproxy = Command::new("haproxy");
        haproxy.args(["-db", "-f"]).arg(file);
        haproxy
    }
}

/// Runs `pairctl` on the control socket of a node.
pub(crate) fn pairctl(place: &Place, args: &[&str]) -> binaries::Ran {
    let socket = place.control_socket.display().to_string();
    let mut all = vec!["--socket", &socket];
    all.extend(args);
    binaries::pairctl(&all)
}
