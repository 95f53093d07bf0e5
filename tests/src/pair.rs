//! A pair, and what can be done to it.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::thread;

use pair_lab::blocking::Lab;
use pair_lab::{Forwarder, Holder, LogEntry, NODE_HEADER, Scope, Target};
use pair_wire::control::{State, Status};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::backend::World;
use crate::binaries::{self, Ran};
use crate::config::{self, HEARTBEAT_PORT, METRICS_PORT, PORT};
use crate::cut::Cut;
use crate::doctor::{Diagnosed, Doctor};
use crate::node::{Node, Place, pairctl};
use crate::process::Process;
use crate::quarter::Quarter;
use crate::user::User;
use crate::visitors::Visitors;
use crate::wait::eventually;
use crate::watch::{self, Watch};
use crate::witness::{self, WITNESS_KEY};

/// A pair of nodes, called `a` (preferred) and `b`, in a world with an EC2.
#[derive(Debug)]
pub struct Pair {
    scenario: String,
    watch: Option<Watch>,
    /// The members, and a third host where members are found.
    nodes: Vec<Node>,
    /// The published address: connections go to the service of whoever holds it.
    _forwarder: Forwarder,
    second: Option<Second>,
    world: World,
    quarter: Quarter,
    /// The third host, while it runs.
    witness: Option<Process>,
    folder: TempDir,
}

/// The second address of a pair.
#[derive(Debug)]
struct Second {
    allocation_id: String,
    _forwarder: Forwarder,
}

impl Second {
    fn published(world: &World, nodes: &[Node], quarter: &Quarter, allocation_id: String) -> Self {
        let services = nodes.iter().map(Node::place).filter_map(|place| {
            let private_ip = place.second_private_ip?;
            Some((place.name.to_owned(), (private_ip, PORT).into()))
        });
        let published = SocketAddr::from((quarter.second_public_ip(), PORT));
        let starting = Forwarder::start_for(&world.lab, &allocation_id, published, services.collect());
        let forwarder = world.lab.run(starting).expect("a quarter's addresses are free");
        Self {
            allocation_id,
            _forwarder: forwarder,
        }
    }
}

impl Pair {
    pub(crate) fn new(
        scenario: String,
        world: World,
        nodes: Vec<Node>,
        quarter: Quarter,
        folder: TempDir,
        second: Option<String>,
    ) -> Self {
        let services: BTreeMap<String, SocketAddr> = nodes
            .iter()
            .map(Node::place)
            .map(|place| (place.name.to_owned(), (place.private_ip, PORT).into()))
            .collect();
        let published = SocketAddr::from((quarter.public_ip(), PORT));
        let forwarder = world.lab.run(Forwarder::start(&world.lab, published, services));
        let sockets = nodes
            .iter()
            .take(2)
            .map(Node::place)
            .map(|place| (place.name, place.control_socket.clone()));
        let watch = Watch::begin(world.lab.clock(), sockets.collect());
        Self {
            scenario,
            watch: Some(watch),
            _forwarder: forwarder.expect("a quarter's addresses are free"),
            second: second.map(|allocation_id| Second::published(&world, &nodes, &quarter, allocation_id)),
            nodes,
            world,
            quarter,
            witness: None,
            folder,
        }
    }

    /// Starts the witness of a pair that has one.
    pub fn start_witness(&mut self) {
        self.start_witness_with(&self.folder().join(WITNESS_KEY));
    }

    /// Starts it with a key of its own, which the pair does not have.
    pub fn start_witness_with_another_key(&mut self) {
        let key_file = self.folder().join("another-witness-key");
        config::new_key(&key_file);
        self.start_witness_with(&key_file);
    }

    /// The address of its host.
    pub(crate) const fn witness_ip(&self) -> Ipv4Addr {
        self.quarter.witness_ip()
    }

    /// Kills it (SIGKILL).
    pub fn kill_witness(&mut self) {
        drop(self.witness.take());
    }

    fn start_witness_with(&mut self, key_file: &Path) {
        let log = self.folder().join("witness.log");
        self.witness = Some(witness::start(self.quarter.witness_ip(), key_file, &log));
    }

    /// Starts both services and both agents.
    pub fn start(&mut self) {
        for node in self.nodes.iter_mut().take(2) {
            node.start_service();
        }
        for node in self.nodes.iter_mut().take(2) {
            node.start_agent();
        }
    }

    /// Starts both services and both agents, and waits until node `a` has taken the address and both say that all is well.
    pub fn start_healthy(&mut self) {
        self.start();
        self.await_takeover("a");
        self.await_healthy();
    }

    /// Puts the address at node `a`, starts everything, and waits until both say that all is well.
    ///
    /// A node whose own claim EC2 has just answered believes no other word for ten seconds (F-1); one that found the
    /// address where it is has claimed nothing.
    pub fn start_healthy_without_a_claim(&mut self) {
        self.lab()
            .move_address(&Target::Node("a".to_owned()))
            .expect("an operator may move the address");
        self.start();
        self.await_healthy();
    }

    /// Starts a node's service.
    pub fn start_service(&mut self, node: &str) {
        self.node_mut(node).start_service();
    }

    /// Starts a node's agent.
    pub fn start_agent(&mut self, node: &str) {
        self.node_mut(node).start_agent();
    }

    /// Kills a node's agent (SIGKILL); its service lives.
    pub fn kill_agent(&mut self, node: &str) {
        self.node_mut(node).kill_agent();
    }

    /// Stops a node's agent as a service manager does (SIGTERM).
    pub fn stop_agent(&mut self, node: &str) {
        self.node_mut(node).stop_agent();
    }

    /// Kills a node's agent and starts another.
    pub fn restart_agent(&mut self, node: &str) {
        self.kill_agent(node);
        self.start_agent(node);
    }

    /// Pauses a node's agent (SIGSTOP).
    pub fn pause_agent(&self, node: &str) {
        self.node(node).signal_agent(Signal::STOP);
    }

    /// Lets a paused agent go on (SIGCONT).
    pub fn resume_agent(&self, node: &str) {
        self.node(node).signal_agent(Signal::CONT);
    }

    /// Drops the heartbeats of both nodes until the cut is healed; services and EC2 are reached as before.
    #[must_use]
    pub fn cut_heartbeats(&self) -> Cut {
        Cut::from(&["a", "b"].map(|node| self.place(node).private_ip), HEARTBEAT_PORT)
    }

    /// Drops the heartbeats of one node until the cut is healed; those of the other pass.
    #[must_use]
    pub fn cut_heartbeats_of(&self, node: &str) -> Cut {
        Cut::from(&[self.place(node).private_ip], HEARTBEAT_PORT)
    }

    /// Drops heartbeats on one of two paths, both ways: 0 is the first.
    #[must_use]
    pub fn cut_path(&self, path: u8) -> Cut {
        Cut::from(&self.ends(path), HEARTBEAT_PORT)
    }

    /// Drops so much of what is sent on one of two paths, in percent.
    #[must_use]
    pub fn disturb_path(&self, path: u8, percent: u8) -> Cut {
        Cut::most_of(&self.ends(path), HEARTBEAT_PORT, percent)
    }

    /// The ends of one of two paths.
    fn ends(&self, path: u8) -> [Ipv4Addr; 2] {
        [0, 1].map(|index| match path {
            0 => self.quarter.private_ip(index),
            _ => self.quarter.second_end(index),
        })
    }

    /// Kills a node's service (SIGKILL); its agent lives.
    pub fn kill_service(&mut self, node: &str) {
        self.node_mut(node).kill_service();
    }

    /// Kills a node's agent and service.
    pub fn kill_host(&mut self, node: &str) {
        self.node_mut(node).kill_agent();
        self.node_mut(node).kill_service();
    }

    /// Waits until both nodes say that the pair is healthy.
    pub fn await_healthy(&self) {
        for node in ["a", "b"] {
            self.await_status(node, "the pair is healthy", |status| status.state == State::Healthy);
        }
    }

    /// Waits until each node says that nothing is wrong but what must differ between the nodes now, on both.
    #[track_caller]
    pub fn await_differences(&self, ids: &[&str]) {
        for node in ["a", "b"] {
            self.await_status(node, "nothing is wrong but what differs", |status| {
                status
                    .problems
                    .iter()
                    .map(|problem| problem.id.as_str())
                    .eq(ids.iter().copied())
            });
        }
    }

    /// Waits until a node's status is as wanted, and gives it.
    ///
    /// # Panics
    /// If it is not before the deadline: with the last status.
    #[track_caller]
    pub fn await_status(&self, node: &str, what: &str, mut wanted: impl FnMut(&Status) -> bool) -> Status {
        eventually(&format!("{what}, says {node}"), || {
            self.try_status(node).filter(|status| wanted(status))
        })
    }

    /// Waits until a node names a problem, and gives its status.
    #[track_caller]
    pub fn await_problem(&self, node: &str, id: &str) -> Status {
        self.await_status(node, id, |status| has_problem(status, id))
    }

    /// Waits until a node's daemon refuses to tell its status with these words: it is no member.
    #[track_caller]
    pub fn await_refusal(&self, node: &str, words: &str) {
        eventually(&format!("{node} says {words:?}"), || {
            let asked = self.pairctl(node, &["status"]);
            (asked.code == Some(4) && asked.stderr.contains(words)).then_some(())
        });
    }

    /// Waits until the address is really held by a node, and the node says so and has verified it.
    #[track_caller]
    pub fn await_takeover(&self, node: &str) -> Status {
        eventually(&format!("{node} holds the address"), || {
            (self.holder().as_deref() == Some(node)).then_some(())
        });
        self.await_status(node, "the takeover is verified", |status| {
            let holder = status.addresses[0].holder.clone().map(String::from);
            let verified = status
                .last_takeover
                .as_ref()
                .is_some_and(|takeover| takeover.verify_ms.is_some());
            holder.as_deref() == Some(node) && verified
        })
    }

    /// Gives a node's status, as `pairctl status --json` prints it.
    ///
    /// # Panics
    /// If its daemon does not answer.
    #[track_caller]
    #[must_use]
    pub fn status(&self, node: &str) -> Status {
        let socket = self.place(node).control_socket.display().to_string();
        watch::status(&socket).unwrap_or_else(|(code, said)| panic!("pairctl status of {node}: exit {code}, {said}"))
    }

    /// Gives a node's status if its daemon answers.
    #[must_use]
    pub fn try_status(&self, node: &str) -> Option<Status> {
        watch::status(&self.place(node).control_socket.display().to_string()).ok()
    }

    /// Runs the `pairctl` binary on a node's control socket.
    #[must_use]
    pub fn pairctl(&self, node: &str, args: &[&str]) -> Ran {
        pairctl(self.place(node), args)
    }

    /// Lets a person at a node type this, to whom `paird` and `pairctl` are what is installed there.
    #[must_use]
    pub fn typed(&self, node: &str, script: &str) -> Ran {
        self.place(node).typed(script)
    }

    /// Runs the `pairctl` binary on a node's control socket as another user.
    ///
    /// # Panics
    /// If there is a [`User::obstacle`].
    #[must_use]
    pub fn pairctl_as(&self, node: &str, user: User, args: &[&str]) -> Ran {
        user.run(self.folder(), &self.place(node).control_socket, args)
    }

    /// Runs one more `paird run` for a node to its end.
    #[must_use]
    pub fn run_another_agent(&self, node: &str) -> Ran {
        let output = self
            .place(node)
            .paird()
            .output()
            .expect("a binary that is there can be run");
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Prepares an examination of a node by `paird doctor`, which needs no agent.
    #[must_use]
    pub fn doctor(&self, node: &str) -> Doctor<'_> {
        Doctor::new(self.place(node))
    }

    /// Has a node examined by `pairctl doctor`.
    ///
    /// # Panics
    /// If it says something that is no diagnosis.
    #[track_caller]
    #[must_use]
    pub fn pairctl_doctor(&self, node: &str) -> Diagnosed {
        Diagnosed::of(&self.pairctl(node, &["doctor", "--json"]))
    }

    /// Says whether a node's agent was started and has not ended.
    pub fn is_agent_running(&mut self, node: &str) -> bool {
        self.node_mut(node).is_agent_running()
    }

    /// Names the node that really holds the address; `outside` is the machine outside the pair.
    #[must_use]
    pub fn holder(&self) -> Option<String> {
        self.lab().holder().map(|holder| match holder {
            Holder::Node(node) => node,
            Holder::Outside(_) => "outside".to_owned(),
        })
    }

    /// The allocation id of the second address.
    ///
    /// # Panics
    /// If the pair has one only.
    #[must_use]
    pub fn second(&self) -> &str {
        &self.second.as_ref().expect("the pair has two addresses").allocation_id
    }

    /// The table of the second address, as it is in both configurations.
    #[must_use]
    pub fn second_table(&self) -> String {
        config::second_address(&self.quarter, self.second())
    }

    /// Names the node that really holds the second address.
    #[must_use]
    pub fn second_holder(&self) -> Option<String> {
        self.lab().holder_of(self.second()).map(|holder| match holder {
            Holder::Node(node) => node,
            Holder::Outside(_) => "outside".to_owned(),
        })
    }

    /// Names the nodes that really hold the two addresses.
    #[must_use]
    pub fn holders(&self) -> [Option<String>; 2] {
        [self.holder(), self.second_holder()]
    }

    /// Waits until these nodes hold the two addresses.
    ///
    /// # Panics
    /// If they do not before [`DEADLINE`](crate::DEADLINE).
    #[track_caller]
    pub fn await_holders(&self, nodes: [&str; 2]) {
        let nodes = nodes.map(|node| Some(node.to_owned()));
        eventually("the addresses are where they belong", || {
            (self.holders() == nodes).then_some(())
        });
    }

    /// Names the node whose service answers at the published address.
    #[must_use]
    pub fn answering(&self) -> Option<String> {
        self.answering_at(self.quarter.public_ip())
    }

    /// Names the node whose service answers at the second published address.
    #[must_use]
    pub fn answering_at_second(&self) -> Option<String> {
        self.answering_at(self.quarter.second_public_ip())
    }

    fn answering_at(&self, public_ip: Ipv4Addr) -> Option<String> {
        let published = SocketAddr::from((public_ip, PORT));
        let answer = self.lab().run(pair_lab::get(published, "/")).ok()?;
        Some(answer.headers().get(NODE_HEADER)?.to_str().ok()?.to_owned())
    }

    /// Gives the address at which a node's agent serves metrics.
    #[must_use]
    pub fn metrics_of(&self, node: &str) -> SocketAddr {
        (self.place(node).private_ip, METRICS_PORT).into()
    }

    /// Asks a node's agent over HTTP for its metrics or for its health, and gives status and body.
    #[must_use]
    pub fn ask_metrics(&self, node: &str, path: &str) -> Option<(u16, String)> {
        let answer = self.lab().run(pair_lab::get(self.metrics_of(node), path)).ok()?;
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        Some((answer.status().as_u16(), body))
    }

    /// Lists the requests to move the address, dry runs excluded, whatever came of them.
    #[must_use]
    pub fn associates(&self) -> Vec<LogEntry> {
        let log = self.lab().log();
        log.into_iter()
            .filter(|call| call.action == "AssociateAddress" && !call.dry_run)
            .collect()
    }

    /// Lists the nodes that asked to move an address, in order.
    #[must_use]
    pub fn claimers(&self) -> Vec<String> {
        self.associates().into_iter().map(|call| call.node).collect()
    }

    /// Lists the nodes that asked to move this address, in order.
    #[must_use]
    pub fn claimers_of(&self, allocation_id: &str) -> Vec<String> {
        let is_about = |call: &LogEntry| call.params.get("AllocationId").is_some_and(|id| id == allocation_id);
        let associates = self.associates().into_iter().filter(is_about);
        associates.map(|call| call.node).collect()
    }

    /// The EC2 of the pair, and the hand of an operator.
    #[must_use]
    pub const fn lab(&self) -> &Lab {
        &self.world.lab
    }

    /// Lets a node's agent read its files again, as `systemctl kill --signal=HUP` does.
    pub fn hang_up(&self, node: &str) {
        self.node(node).signal_agent(Signal::HUP);
    }

    /// Replaces a part of a node's configuration file.
    ///
    /// # Panics
    /// If the part is not there.
    pub fn edit_config(&self, node: &str, part: &str, by: &str) {
        let file = self.place(node).file("toml");
        let text = fs::read_to_string(&file).expect("the harness wrote it");
        assert!(text.contains(part), "{part:?} is not in {text}");
        fs::write(file, text.replace(part, by)).expect("a file can be written to a temporary folder");
    }

    /// Begins to visit the published address all the time.
    #[must_use]
    pub fn visitors(&self) -> Visitors {
        Visitors::of(SocketAddr::from((self.quarter.public_ip(), PORT)))
    }

    /// Runs `pairctl` on a node's control socket with this input.
    #[must_use]
    pub fn pairctl_with_input(&self, node: &str, args: &[&str], input: &str) -> Ran {
        let socket = self.place(node).control_socket.display().to_string();
        binaries::with_input("pairctl", &[&["--socket", &socket], args].concat(), input)
    }

    /// Gives the text of a node's key file.
    #[must_use]
    pub fn key(&self, node: &str) -> String {
        fs::read_to_string(&self.place(node).key_file).expect("the harness wrote it")
    }

    /// Gives what a node's agent has logged.
    #[must_use]
    pub fn agent_log(&self, node: &str) -> String {
        fs::read_to_string(self.place(node).file("paird.log")).unwrap_or_default()
    }

    /// Gives the folder with the pair's files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn place(&self, node: &str) -> &Place {
        self.node(node).place()
    }

    fn node(&self, name: &str) -> &Node {
        self.nodes
            .iter()
            .find(|node| node.place().name == name)
            .expect("the hosts are called a, b and c")
    }

    fn node_mut(&mut self, name: &str) -> &mut Node {
        self.nodes
            .iter_mut()
            .find(|node| node.place().name == name)
            .expect("the hosts are called a, b and c")
    }

    fn everything_that_was_logged(&self) -> String {
        let mut text = String::new();
        for call in self.lab().log() {
            let params: Vec<String> = call
                .params
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let _ = writeln!(
                text,
                "{:>7} ms  {:<5} {} {}  {:?} {:?} {:?} done {:?} settled {:?}",
                call.ms,
                call.node,
                call.action,
                params.join(" "),
                call.fate,
                call.status,
                call.error,
                call.done_ms,
                call.settled_ms,
            );
        }
        for held in self.lab().ownership() {
            let _ = writeln!(
                text,
                "{:>7} ms  held by {:?}, {:?}",
                held.ms, held.holder, held.association_id
            );
        }
        for node in ["a", "b"] {
            let _ = writeln!(text, "---- paird {node}\n{}", self.agent_log(node));
            let service = fs::read_to_string(self.place(node).file("service.log")).unwrap_or_default();
            let _ = writeln!(text, "---- service {node}\n{service}");
            let _ = writeln!(text, "---- status of {node}\n{:#?}", self.try_status(node));
        }
        text
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if thread::panicking() || env::var_os("PAIRD_E2E_LOGS").is_some() {
            println!("{}", self.everything_that_was_logged());
        }
        let Some(watch) = self.watch.take() else { return };
        let findings = watch.end(&self.lab().ownership());
        println!("longest disagreement about the holder: {findings}");
        let is_within = findings.are_within_the_bound();
        watch::remember(&self.scenario, findings);
        if !is_within && !thread::panicking() {
            println!("{}", self.everything_that_was_logged());
            panic!("a status told a wrong holder for longer than {:?}", Watch::BOUND);
        }
    }
}

/// Says whether a status names a problem.
#[must_use]
pub fn has_problem(status: &Status, id: &str) -> bool {
    status.problems.iter().any(|problem| problem.id == id)
}

/// The calls of one node, for a fault.
#[must_use]
pub fn of(node: &str) -> Scope {
    Scope::Node(node.to_owned())
}
