//! A fleet: the template for several pairs in moto, and on each of its nodes the daemon that its user-data makes.
//!
//! ```text
//! cargo xtask template ─► moto's CloudFormation ─► instances with user-data ─► `paird init …` of it ─► `paird run`
//!                                 │                                             HAProxy with the shipped file
//!                                 └─► Elastic IPs, a name in Route 53
//! ```
//!
//! The network of the template is a quarter of the loopback network, so every address of it is real here. Each pair has a lab of its
//! own in front of the one moto, which serves the instance metadata that moto lacks.

mod stack;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use pair_lab::blocking::{Engine, Lab};
use pair_lab::{Forwarder, Holder, LabConfig, Machine, World, moto};
use pair_wire::control::Status;
use serde_json::Value;
use tempfile::TempDir;

use crate::backend::moto_program;
use crate::binaries::{self, binary, ran};
use crate::config::{self, PORT};
use crate::first_config;
use crate::node::{Node, Place};
use crate::quarter::Quarter;
use crate::turn::Turn;
use crate::watch;

pub use stack::Stack;
use stack::{create, ip, part, text};

/// The port of HAProxy's health frontend, which the nodes check and probe.
const HEALTH_PORT: u16 = 8404;

/// A running fleet.
#[derive(Debug)]
pub struct Fleet {
    // Processes before the EC2 that they call.
    pairs: Vec<Member>,
    stack: Stack,
    _moto: moto::Server,
    _engine: Engine,
    _folder: TempDir,
    _turn: Turn,
}

/// A pair of the fleet.
#[derive(Debug)]
struct Member {
    nodes: [Node; 2],
    _forwarder: Forwarder,
    lab: Lab,
    public_ip: Ipv4Addr,
}

impl Fleet {
    /// Says why there can be none here, if so.
    #[must_use]
    pub fn obstacle() -> Option<&'static str> {
        let asked = Command::new("haproxy").arg("-v").stdout(Stdio::null()).status();
        if moto_program().is_none() {
            Some("PAIRD_MOTO does not say where moto_server is")
        } else if asked.is_err() {
            Some("haproxy is not installed")
        } else {
            None
        }
    }

    /// Creates the stack for `count` pairs and starts HAProxy and the agent on each node.
    ///
    /// # Panics
    /// If there is an [`obstacle`](Self::obstacle), or anything does not start.
    #[must_use]
    pub fn start(count: usize) -> Self {
        let turn = Turn::take_alone();
        let quarter = Quarter::take();
        let folder = tempfile::Builder::new()
            .prefix("fleet-")
            .tempdir()
            .expect("a temporary folder can be made");
        let network = format!("{}0.0/16", quarter.prefix());
        let printed = binaries::xtask(&["template", "--pairs", &count.to_string(), "--network", &network]);
        assert_eq!(printed.code, Some(0), "{printed:?}");

        let engine = Engine::start().expect("a thread can be started");
        let program = moto_program().expect("a fleet is skipped without it");
        let moto = engine.run(moto::Server::start(&program)).expect("moto starts");
        let made = create(moto.addr(), &printed.stdout);
        let mut fleet = Self {
            pairs: Vec::new(),
            stack: Stack::of(&made, printed.stdout, quarter.prefix()),
            _moto: moto,
            _engine: engine,
            _folder: folder,
            _turn: turn,
        };
        for number in 1..=count {
            let home = fleet._folder.path().join(number.to_string());
            let member = Member::start(&made, number, fleet._moto.addr(), &home);
            fleet.pairs.push(member);
        }
        fleet
    }

    /// What CloudFormation made.
    #[must_use]
    pub const fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Names the node that really holds the address of each pair.
    #[must_use]
    pub fn holders(&self) -> Vec<Option<String>> {
        let name = |holder| match holder {
            Holder::Node(node) => node,
            Holder::Outside(_) => "outside".to_owned(),
        };
        self.pairs.iter().map(|pair| pair.lab.holder().map(name)).collect()
    }

    /// Says for each pair whether HAProxy answers at its Elastic IP.
    #[must_use]
    pub fn answering(&self) -> Vec<bool> {
        let answers = |pair: &Member| {
            let published = SocketAddr::from((pair.public_ip, HEALTH_PORT));
            let answer = pair.lab.run(pair_lab::get(published, "/health"));
            answer.is_ok_and(|answer| answer.status().is_success())
        };
        self.pairs.iter().map(answers).collect()
    }

    /// Gives what the nodes in the zone of this node name say, as far as they answer.
    #[must_use]
    pub fn statuses(&self, name: &str) -> Vec<Status> {
        let nodes = self.pairs.iter().flat_map(|pair| &pair.nodes);
        nodes
            .filter(|node| node.place().name == name)
            .filter_map(|node| watch::status(&node.place().control_socket.display().to_string()).ok())
            .collect()
    }

    /// Kills agent and service of every node in the zone of this node name.
    pub fn kill_zone(&mut self, name: &str) {
        let nodes = self.pairs.iter_mut().flat_map(|pair| &mut pair.nodes);
        for node in nodes.filter(|node| node.place().name == name) {
            node.kill_agent();
            node.kill_service();
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        for node in self.pairs.iter().flat_map(|pair| &pair.nodes) {
            let place = node.place();
            for kind in ["toml", "service.log", "paird.log"] {
                let file = place.file(kind);
                let text = fs::read_to_string(&file).unwrap_or_default();
                println!("---- {}\n{text}", file.display());
            }
        }
    }
}

impl Member {
    fn start(made: &Value, number: usize, moto: SocketAddr, home: &Path) -> Self {
        fs::create_dir(home).expect("a folder can be made in a temporary one");
        let address = &made["addresses"][format!("Pair{number}Address")];
        let instances = ["A", "B"].map(|side| &made["nodes"][format!("Pair{number}Node{side}")]);
        let names = ["a", "b"];
        let [first, second] = [0, 1].map(|index| machine(names[index], 2 * number + index, instances[index]));
        let public_ip = ip(&address["public_ip"]);
        let invented = World::invent(&[]);
        let world = World {
            allocation_id: text(&address["allocation_id"]),
            public_ip,
            nodes: vec![first, second],
            ..invented
        };
        let lab = Lab::start(LabConfig::upstream(moto, world)).expect("the lab starts in front of moto");
        let key_file = home.join("key");
        config::new_key(&key_file);
        let mut services = BTreeMap::new();
        let nodes = [0, 1].map(|index| {
            let name = names[index];
            let private_ips = &lab.world().nodes[index].private_ips;
            let endpoints = [lab.ec2_endpoint_of(name), lab.imds_endpoint(name)];
            let place = Place {
                name,
                private_ip: private_ips[0],
                folder: home.to_path_buf(),
                control_socket: home.join(format!("{name}.sock")),
                key_file: key_file.clone(),
                redirected: Some(endpoints.map(|endpoint| endpoint.expect("the lab has both nodes"))),
                is_haproxy: true,
                is_found: false,
                second_private_ip: None,
            };
            services.insert(name.to_owned(), SocketAddr::from((place.private_ip, HEALTH_PORT)));
            let haproxy = haproxy_config(&place, private_ips);
            fs::write(place.file("haproxy.cfg"), haproxy).expect("a file can be written to a temporary folder");
            first_config::install(&place, &initialize(&place, &text(&instances[index]["user_data"])));
            let mut node = Node::new(place);
            node.start_service();
            node.start_agent();
            node
        });
        let published = SocketAddr::from((public_ip, HEALTH_PORT));
        let forwarder = lab.run(Forwarder::start(&lab, published, services));
        Self {
            nodes,
            _forwarder: forwarder.expect("moto's addresses are loopback ones, and free"),
            lab,
            public_ip,
        }
    }
}

/// Runs the `paird init` of a user-data with its own variables, but for paths that all nodes share here.
fn initialize(place: &Place, user_data: &str) -> String {
    let variables = part(user_data, "path: /etc/paird/node.env\n", "\n\n");
    let (_, variables) = variables.split_once("content: |\n").expect("it is a block");
    let command = part(user_data, "paird init ", "\npaird check")
        .replace("\\\n", " ")
        .replace('\n', " ");
    let command = command
        .split("paird check")
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    let variables: Vec<&str> = variables.lines().map(str::trim).collect();
    let script = format!(
        "{}\npaird init {command} --print --key-file {} --haproxy-socket {}",
        variables.join("\n"),
        place.key_file.display(),
        place.file("haproxy").display(),
    );
    let paird = binary("paird");
    let folder = Path::new(paird.get_program()).parent().expect("it lies in a folder");
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-euc", &script])
        .env_clear()
        .env("PATH", folder)
        .envs(place.redirection());
    let printed = ran(&mut shell);
    assert_eq!((printed.code, printed.stderr.as_str()), (Some(0), ""), "{script}");
    printed.stdout
}

/// HAProxy's configuration as it is shipped, but for what only one HAProxy of a host can have, or only one of a package.
fn haproxy_config(place: &Place, private_ips: &[Ipv4Addr]) -> String {
    let shipped = include_str!("../../deploy/haproxy/haproxy.cfg");
    let bind = |port: u16| {
        let binds: Vec<String> = private_ips.iter().map(|ip| format!("{ip}:{port}")).collect();
        format!("bind {}", binds.join(","))
    };
    let only_once = ["user ", "group ", "chroot ", "master-worker", "log /dev/log"];
    let lines = shipped
        .lines()
        .filter(|line| !only_once.iter().any(|word| line.trim_start().starts_with(word)));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    text.replace("/run/haproxy/admin.sock", &place.file("admin").display().to_string())
        .replace("/run/haproxy/paird.sock", &place.file("haproxy").display().to_string())
        .replace("mode 660 group paird", "mode 600")
        .replace("bind :80\n", &format!("{}\n", bind(PORT)))
        .replace("bind :8404", &bind(HEALTH_PORT))
}

fn machine(name: &str, index: usize, instance: &Value) -> Machine {
    let landing = ip(&instance["private_ip"]);
    // The template gives a node two addresses side by side.
    let primary = Ipv4Addr::from_bits(landing.to_bits() - 1);
    Machine {
        name: name.to_owned(),
        instance_id: text(&instance["instance_id"]),
        network_interface_id: text(&instance["network_interface_id"]),
        subnet_id: text(&instance["subnet_id"]),
        mac: text(&instance["mac"]),
        private_ips: vec![primary, landing],
        availability_zone: text(&instance["availability_zone"]),
        access_key_id: format!("ASIAFLEET{index:011}"),
    }
}
