//! The stage: the emulated cloud, two nodes with service and agent, the published address and its client.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::Process;
use crate::wait::Interrupt;
use pair_lab::{Client, ClientConfig, Forwarder, LabConfig, NodeSpec, blocking};

/// The nodes: name, private address, availability zone.
const NODES: [(&str, Ipv4Addr, &str); 2] = [
    ("a", Ipv4Addr::new(127, 0, 0, 1), "us-east-1a"),
    ("b", Ipv4Addr::new(127, 0, 0, 2), "us-east-1b"),
];

/// How long a pair may take to become healthy.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// What the demo runs on.
#[derive(Debug)]
pub(crate) struct Stage {
    // Fields end in this order: the client and the nodes before the cloud that they talk to.
    client: Client,
    _forwarder: Forwarder,
    nodes: Vec<Node>,
    lab: blocking::Lab,
    files: Files,
    bin_dir: PathBuf,
    haproxy: Option<PathBuf>,
    service_port: u16,
    interrupt: Interrupt,
}

/// One node of the pair.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: &'static str,
    address: Ipv4Addr,
    service: Option<Process>,
    agent: Option<Process>,
}

/// The folder of the demo, removed with it.
#[derive(Debug)]
struct Files {
    folder: PathBuf,
}

impl Stage {
    /// Sets the stage and starts both nodes.
    pub(crate) fn set(bin_dir: &Path, interrupt: Interrupt) -> Result<Self> {
        let specs = NODES.map(|(name, address, zone)| NodeSpec::new(name, address, zone));
        let lab = blocking::Lab::start(LabConfig::emulated(&specs)).context("cannot start the emulator")?;
        let files = Files::make()?;
        let haproxy = find_haproxy();
        let service_port = free_tcp_port(lab.public_ip())?;
        let published = SocketAddr::from((lab.public_ip(), service_port));
        let services = NODES
            .iter()
            .map(|(name, address, _)| ((*name).to_owned(), SocketAddr::from((*address, service_port))))
            .collect::<BTreeMap<_, _>>();
        let forwarder = lab
            .run(Forwarder::start(&lab, published, services))
            .context("cannot publish the address")?;
        let clock = lab.clock();
        let client = lab.run(async { Client::start(clock, ClientConfig::new(published)) });
        let mut stage = Self {
            client,
            _forwarder: forwarder,
            nodes: Vec::new(),
            lab,
            files,
            bin_dir: bin_dir.to_path_buf(),
            haproxy,
            service_port,
            interrupt,
        };
        stage.write_shared_files()?;
        for (name, address, _) in NODES {
            stage.nodes.push(Node {
                name,
                address,
                service: None,
                agent: None,
            });
        }
        stage.revive()?;
        Ok(stage)
    }

    /// Starts whatever of the nodes does not run.
    pub(crate) fn revive(&mut self) -> Result<()> {
        for index in 0..self.nodes.len() {
            if self.nodes[index].service.is_none() {
                let service = self.start_service(index)?;
                self.nodes[index].service = Some(service);
            }
            if self.nodes[index].agent.is_none() {
                let agent = self.start_agent(index)?;
                self.nodes[index].agent = Some(agent);
            }
        }
        Ok(())
    }

    /// Waits until both nodes call the pair healthy.
    pub(crate) fn wait_until_healthy(&mut self) -> Result<()> {
        let interrupt = self.interrupt.clone();
        let waited = interrupt.until("both nodes healthy", START_PATIENCE, || {
            for node in &mut self.nodes {
                let name = node.name;
                for process in [&mut node.service, &mut node.agent].into_iter().flatten() {
                    process.check_alive(&format!("a process of node {name}"))?;
                }
            }
            let healthy = self
                .names()
                .all(|name| self.pairctl(name, &["status"]).is_ok_and(|out| out.status.success()));
            Ok(healthy.then_some(()))
        });
        waited.with_context(|| {
            self.names()
                .map(|name| self.status_text(name))
                .collect::<Vec<_>>()
                .join("\n")
        })
    }

    /// Kills the agent and the service of a node at once, as if its host had died.
    pub(crate) fn kill_host(&mut self, name: &str) {
        for node in self.nodes.iter_mut().filter(|node| node.name == name) {
            // Both are struck before either is waited for.
            for process in [&mut node.agent, &mut node.service].into_iter().flatten() {
                process.strike();
            }
            node.agent = None;
            node.service = None;
        }
    }

    /// What `pairctl status` prints on a node, errors included.
    pub(crate) fn status_text(&self, name: &str) -> String {
        match self.pairctl(name, &["status"]) {
            Ok(out) => {
                let text = [out.stdout, out.stderr]
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                    .concat();
                let code = out
                    .status
                    .code()
                    .map_or_else(|| "killed".to_owned(), |code| code.to_string());
                format!("{text}(exit code {code})")
            }
            Err(error) => format!("{error:#}"),
        }
    }

    /// The status document of a node, if its agent answers.
    pub(crate) fn status(&self, name: &str) -> Option<Value> {
        let out = self.pairctl(name, &["status", "--json"]).ok()?;
        serde_json::from_slice(&out.stdout).ok()
    }

    /// The emulated cloud.
    pub(crate) fn lab(&self) -> &blocking::Lab {
        &self.lab
    }

    /// The client of the published address.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The means to wait.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The names of the nodes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        NODES.iter().map(|(name, _, _)| *name)
    }

    /// What the agent of a node has logged, one JSON document per line.
    pub(crate) fn agent_log(&self, name: &str) -> Vec<Value> {
        let node = self.nodes.iter().find(|node| node.name == name);
        let printed = node
            .and_then(|node| node.agent.as_ref())
            .map(Process::printed)
            .unwrap_or_default();
        printed
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// What serves behind the address.
    pub(crate) fn service_kind(&self) -> String {
        match &self.haproxy {
            Some(path) => format!("HAProxy ({})", path.display()),
            None => "a small built-in HTTP server, since HAProxy is not installed".to_owned(),
        }
    }

    /// Where the control socket of a node is.
    pub(crate) fn control_socket(&self, name: &str) -> PathBuf {
        self.files.path(&format!("{name}.sock"))
    }

    fn pairctl(&self, name: &str, args: &[&str]) -> Result<Output> {
        Command::new(self.bin_dir.join("pairctl"))
            .arg("--socket")
            .arg(self.control_socket(name))
            .args(args)
            .output()
            .context("cannot start pairctl")
    }

    fn write_shared_files(&self) -> Result<()> {
        let key = Command::new(self.bin_dir.join("pairctl"))
            .args(["key", "generate"])
            .output()
            .context("cannot start pairctl")?;
        if !key.status.success() {
            bail!("pairctl key generate failed: {}", String::from_utf8_lossy(&key.stderr));
        }
        self.files.write_secret("key", &key.stdout)?;
        let heartbeat_port = free_udp_port(NODES.map(|(_, address, _)| address))?;
        for (name, _, _) in NODES {
            self.files
                .write(&format!("{name}.toml"), &self.config(name, heartbeat_port))?;
        }
        Ok(())
    }

    /// The configuration of a node: both nodes' are the same but for the sockets, since they share one file system.
    fn config(&self, name: &str, heartbeat_port: u16) -> String {
        let port = self.service_port;
        let check = match &self.haproxy {
            Some(_) => format!(
                "haproxy = {{ socket = \"{}\" }}",
                self.files.path(&format!("{name}.haproxy")).display()
            ),
            None => format!("http = {{ port = {port}, path = \"/\" }}"),
        };
        let nodes = NODES
            .map(|(name, address, _)| format!("[[node]]\nname = \"{name}\"\naddresses = [\"{address}\"]\n"))
            .concat();
        format!(
            "pair = \"demo\"\n{nodes}[[address]]\nallocation_id = \"{allocation}\"\n\
             [heartbeat]\nport = {heartbeat_port}\n[check]\n{check}\n[probe]\nhttp = {{ port = {port}, path = \"/\" }}\n\
             [security]\nkey_file = \"{key}\"\n[control]\nsocket = \"{socket}\"\n[state]\ndirectory = \"{state}\"\n[metrics]\nnone = true\n[log]\nformat = \"json\"\n",
            allocation = self.lab.allocation_id(),
            key = self.files.path("key").display(),
            socket = self.control_socket(name).display(),
            state = self.files.path(&format!("{name}.state")).display(),
        )
    }

    fn start_service(&self, index: usize) -> Result<Process> {
        let Node { name, address, .. } = &self.nodes[index];
        let listen = SocketAddr::from((*address, self.service_port));
        let command = match &self.haproxy {
            Some(haproxy) => {
                let config = self.files.path(&format!("{name}.cfg"));
                let socket = self.files.path(&format!("{name}.haproxy"));
                self.files
                    .write(&format!("{name}.cfg"), &haproxy_config(name, listen, &socket))?;
                let mut command = Command::new(haproxy);
                // In the foreground and in one process: a SIGKILL to its pid is the death of the service.
                command.arg("-db").arg("-f").arg(config);
                command
            }
            None => {
                let mut command = Command::new(self.bin_dir.join("pair-lab"));
                command.args(["service", "--listen", &listen.to_string(), "--node", name]);
                command
            }
        };
        let mut service = Process::start(command, &self.files.path(&format!("{name}.service.log")))?;
        self.interrupt.until("the service listens", START_PATIENCE, || {
            service.check_alive("the service")?;
            Ok(TcpStream::connect(listen).ok().map(drop))
        })?;
        Ok(service)
    }

    fn start_agent(&self, index: usize) -> Result<Process> {
        let name = self.nodes[index].name;
        let mut command = Command::new(self.bin_dir.join("paird"));
        command
            .args(["run", "--node", name, "--config"])
            .arg(self.files.path(&format!("{name}.toml")))
            .env("AWS_ENDPOINT_URL_EC2", self.lab.ec2_endpoint())
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.lab.imds_endpoint(name)?)
            .env_remove("RUST_LOG")
            .env_remove("NOTIFY_SOCKET");
        Process::start(command, &self.files.path(&format!("{name}.paird.log")))
    }
}

impl Files {
    fn make() -> Result<Self> {
        let folder = env::temp_dir().join(format!("paird-demo-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).context("cannot close the folder to others")?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.path(name), text).with_context(|| format!("cannot write {name}"))
    }

    fn write_secret(&self, name: &str, text: &[u8]) -> Result<()> {
        use std::io::Write as _;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(self.path(name))?;
        file.write_all(text).with_context(|| format!("cannot write {name}"))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What cannot be removed is a folder in /tmp: no reason to fail.
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn haproxy_config(node: &str, listen: SocketAddr, socket: &Path) -> String {
    format!(
        "global\n    stats socket {socket} mode 600 level user\n    maxconn 1000\n\
         defaults\n    mode http\n    timeout connect 1s\n    timeout client 5s\n    timeout server 5s\n\
         frontend public\n    bind {listen}\n    maxconn 900\n\
         \x20   http-request return status 200 content-type text/plain string \"{node}\" hdr X-Node {node}\n",
        socket = socket.display()
    )
}

fn find_haproxy() -> Option<PathBuf> {
    // Not in every user's PATH, but where every distribution puts it.
    let paths = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&paths)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")])
        .map(|folder| folder.join("haproxy"))
        .find(|path| path.is_file())
}

/// A TCP port that is free on the published address and on both nodes.
fn free_tcp_port(published: Ipv4Addr) -> Result<u16> {
    const ATTEMPTS: usize = 20;
    for _ in 0..ATTEMPTS {
        let first = TcpListener::bind((published, 0)).context("cannot listen on loopback")?;
        let port = first.local_addr()?.port();
        if NODES
            .iter()
            .all(|(_, address, _)| TcpListener::bind((*address, port)).is_ok())
        {
            return Ok(port);
        }
    }
    bail!("no TCP port is free on loopback")
}

/// A UDP port that is free on both nodes.
fn free_udp_port(addresses: [Ipv4Addr; 2]) -> Result<u16> {
    const ATTEMPTS: usize = 20;
    for _ in 0..ATTEMPTS {
        let first = UdpSocket::bind((IpAddr::V4(addresses[0]), 0)).context("cannot open a UDP socket on loopback")?;
        let port = first.local_addr()?.port();
        if UdpSocket::bind((IpAddr::V4(addresses[1]), port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no UDP port is free on loopback")
}
