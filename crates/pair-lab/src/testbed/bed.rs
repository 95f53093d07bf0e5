//! The testbed: a cloud, a network, two nodes and a client, and what can be done to them.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use pair_lab::blocking::{Engine, Lab};
use pair_lab::{Holder, LabConfig, NodeSpec, Outage, Ownership, Purchase, Target, World, moto};

use super::chance::Chance;
use super::contender::Contender;
use super::gateway::Gateway;
use super::ground::Legs;
use super::network::{self, CLIENT, ELASTIC_IP, NODE_A, NODE_B, NODE_C, ORIGIN};
use super::node::Node;
use super::origin;
use super::place::Place;
use super::programs::Programs;
use super::traffic::Traffic;
use crate::wait::Interrupt;

/// Everything, running.
#[derive(Debug)]
pub(crate) struct Testbed {
    // Fields end in this order: those who ask before those who answer.
    traffic: Traffic,
    nodes: [Node; 2],
    /// The instance that comes after `b`, in a scenario of one.
    successor: Node,
    _origin: Engine,
    third: Place,
    gateway: Gateway,
    router: Arc<Place>,
    lab: Arc<Lab>,
    _moto: Option<moto::Server>,
    contender: Contender,
    programs: Programs,
    interrupt: Interrupt,
    soak: (Duration, u64),
}

/// Which EC2 answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Ec2 {
    Emulator,
    Moto,
}

impl Testbed {
    /// Builds it around the contender; HAProxy runs on both nodes, and no agent.
    pub(crate) fn build(contender: Contender, ec2: Ec2, programs: Programs, interrupt: Interrupt) -> Result<Self> {
        let router = Arc::new(Place::found("router", || Ok(()))?);
        network::prepare_router(&router)?;
        let engine = router.run(Engine::start).context("cannot start the cloud")?;
        let (config, moto) = router.run(move || -> Result<_> {
            let (config, moto) = describe(&engine, ec2)?;
            Ok(((config, engine), moto))
        })?;
        let (mut config, engine) = config;
        let mac = |at: usize| config.world.nodes[at].mac.clone();
        let nodes = [
            Node::found(&router, NODE_A, &mac(0), &programs)?,
            Node::found(&router, NODE_B, &mac(1), &programs)?,
        ];
        let successor = Node::found(&router, NODE_C, &mac(2), &programs)?;
        let places = [nodes[0].place(), nodes[1].place(), successor.place()];
        config.ground = Arc::new(Legs::new(places.map(Arc::as_ref))?);
        let lab = router
            .run(move || Lab::start_on(engine, config))
            .context("cannot open EC2 and IMDS")?;
        let lab = Arc::new(lab);
        let gateway = Gateway::open(&router, lab.clock())?;
        follow(&lab, &gateway)?;
        let at_origin = Place::found(ORIGIN.name, || Ok(()))?;
        network::connect(&router, &at_origin, ORIGIN, None)?;
        let origin = origin::start(&at_origin)?;
        let at_client = Place::found(CLIENT.name, || Ok(()))?;
        network::connect(&router, &at_client, CLIENT, None)?;
        let traffic = Traffic::start(at_client, lab.clock())?;
        let mut bed = Self {
            traffic,
            nodes,
            successor,
            _origin: origin,
            third: at_origin,
            gateway,
            router,
            lab,
            _moto: moto,
            contender,
            programs,
            interrupt,
            soak: (Duration::from_secs(1800), 0),
        };
        contender.prepare(&bed)?;
        for node in &mut bed.nodes {
            node.start_haproxy()?;
        }
        Ok(bed)
    }

    /// Lets another contender watch over the address, from the next beginning on.
    pub(crate) fn change_contender(&mut self, contender: Contender) -> Result<()> {
        self.contender = contender;
        contender.prepare(self)
    }

    /// Says how long a soak lasts, and where its chance comes from; without a seed, from the time.
    pub(crate) fn set_soak(&mut self, time: Duration, seed: Option<u64>) {
        let now = || {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| time.as_secs())
        };
        self.soak = (time, seed.unwrap_or_else(now));
    }

    /// How long a soak lasts, and the seed of its chance.
    pub(crate) fn soak(&self) -> (Duration, u64) {
        self.soak
    }

    /// Starts whatever does not run; what runs is left alone.
    pub(crate) fn revive(&mut self) -> Result<()> {
        for at in 0..self.nodes.len() {
            self.nodes[at].start_haproxy()?;
            if !self.nodes[at].has_agent() {
                self.start_agent(at)?;
            }
        }
        Ok(())
    }

    /// Ends every fault, and every process of the nodes.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.lab.faults().clear_all();
        for node in &self.nodes {
            // As it was in the beginning: told of nothing, too.
            self.lab.set_purchase(node.name(), Purchase::OnDemand)?;
        }
        self.gateway.heal()?;
        for node in &mut self.nodes {
            node.kill();
        }
        self.successor.kill();
        Ok(())
    }

    /// Ends every fault and begins anew: agents without a past, the address on this node, everybody content.
    pub(crate) fn renew(&mut self, holder: &str) -> Result<()> {
        self.clear()?;
        for node in &mut self.nodes {
            node.wipe_state()?;
            node.start_haproxy()?;
        }
        let (lab, target) = (Arc::clone(&self.lab), Target::Node(holder.to_owned()));
        // On the router: an EC2 that is not emulated listens there.
        self.router.run(move || lab.move_address(&target))?;
        let interrupt = self.interrupt.clone();
        interrupt.until("HAProxy serves", START_PATIENCE, || {
            for node in &mut self.nodes {
                node.check_alive()?;
            }
            let since = self.lab.clock_ms().saturating_sub(200);
            Ok(self.is_answered_since(since).then_some(()))
        })?;
        for at in 0..self.nodes.len() {
            self.start_agent(at)?;
            let interrupt = self.interrupt.clone();
            interrupt.until("the agent is ready for its peer", START_PATIENCE, || {
                self.nodes[at].check_alive()?;
                Ok(self.contender.is_ready_for_peer(&self.nodes[at]).then_some(()))
            })?;
        }
        self.settle()
    }

    /// Waits until everybody is content.
    pub(crate) fn settle(&mut self) -> Result<()> {
        if self.comes_to_rest(START_PATIENCE)? {
            return Ok(());
        }
        bail!("the pair is not content after {START_PATIENCE:?}\n{}", self.logs());
    }

    /// Whether everybody is content in time.
    pub(crate) fn comes_to_rest(&mut self, patience: Duration) -> Result<bool> {
        let deadline_ms = self.lab.clock_ms() + u64::try_from(patience.as_millis())?;
        let interrupt = self.interrupt.clone();
        interrupt.until("the pair is content", patience * 2, || {
            for node in &mut self.nodes {
                node.check_alive()?;
            }
            let is_settled = self.contender.is_settled(self);
            Ok((is_settled || self.lab.clock_ms() >= deadline_ms).then_some(is_settled))
        })
    }

    /// Starts the agent of a node anew.
    pub(crate) fn start_agent(&mut self, at: usize) -> Result<()> {
        let command = self.contender.command(self, &self.nodes[at])?;
        self.nodes[at].start_agent(command)
    }

    /// Makes both nodes spot instances until the next beginning, with agents that start anew: what an instance was bought as they ask
    /// once.
    pub(crate) fn become_spot(&mut self) -> Result<()> {
        for at in 0..self.nodes.len() {
            self.lab.set_purchase(self.nodes[at].name(), Purchase::Spot)?;
            self.start_agent(at)?;
        }
        self.settle()
    }

    /// Starts the instance that comes after `b`: its HAProxy and its agent.
    pub(crate) fn start_successor(&mut self) -> Result<()> {
        self.successor.wipe_state()?;
        self.successor.start_haproxy()?;
        let command = self.contender.command(self, &self.successor)?;
        self.successor.start_agent(command)
    }

    /// Lets a host die: nothing passes any more, then its processes end.
    pub(crate) fn kill_host(&mut self, name: &str) -> Result<()> {
        let host = self.node(name)?.host();
        self.gateway.cut_host(host)?;
        self.node_mut(name)?.kill();
        Ok(())
    }

    /// Waits until the address is on this node and the client is answered by it; `None` if that does not come to pass.
    pub(crate) fn await_takeover(&self, by: &str, since_ms: u64, patience: Duration) -> Result<Option<Outage>> {
        let found = self.interrupt.until("a takeover", patience, || {
            let is_there = self.lab.holder() == Some(Holder::Node(by.to_owned()));
            let outage = self.traffic.client().longest_outage(since_ms);
            Ok(outage.filter(|outage| is_there && outage.to_node.as_deref() == Some(by)))
        });
        match found {
            Ok(outage) => Ok(Some(outage)),
            Err(error) if self.interrupt.is_raised() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) -> Result<()> {
        let until_ms = self.lab.clock_ms() + u64::try_from(time.as_millis())?;
        self.interrupt.until("time passes", time + START_PATIENCE, || {
            Ok((self.lab.clock_ms() >= until_ms).then_some(()))
        })
    }

    /// Lets up to a second pass: what was waited for before came with a heartbeat, and a fault comes when it likes.
    pub(crate) fn pass_by_chance(&self) -> Result<()> {
        let (_, seed) = self.soak;
        let mut chance = Chance::new(seed ^ self.lab.clock_ms());
        self.pass(chance.between(Duration::ZERO, Duration::from_secs(1)))
    }

    /// The moves since this moment; the same holder again is none.
    pub(crate) fn moves(&self, since_ms: u64) -> Vec<Ownership> {
        self.moves_of(self.lab.allocation_id(), since_ms)
    }

    /// The same of any address.
    pub(crate) fn moves_of(&self, allocation_id: &str, since_ms: u64) -> Vec<Ownership> {
        let mut history = self.lab.ownership_of(allocation_id);
        history.dedup_by(|later, earlier| later.holder == earlier.holder);
        history.retain(|ownership| ownership.ms >= since_ms);
        history
    }

    /// The name of the node that holds the address.
    pub(crate) fn holder(&self) -> Result<String> {
        match self.lab.holder() {
            Some(Holder::Node(name)) => Ok(name),
            Some(Holder::Outside(_)) | None => bail!("no node holds the address"),
        }
    }

    /// The name of the node that is not this one.
    pub(crate) fn other(&self, name: &str) -> &'static str {
        if name == NODE_A.name { NODE_B.name } else { NODE_A.name }
    }

    pub(crate) fn node(&self, name: &str) -> Result<&Node> {
        let found = self.nodes.iter().find(|node| node.name() == name);
        found.with_context(|| format!("no node is called {name}"))
    }

    pub(crate) fn node_mut(&mut self, name: &str) -> Result<&mut Node> {
        let found = self.nodes.iter_mut().find(|node| node.name() == name);
        found.with_context(|| format!("no node is called {name}"))
    }

    pub(crate) fn nodes(&self) -> &[Node; 2] {
        &self.nodes
    }

    /// The instance that comes after `b`.
    pub(crate) fn successor(&self) -> &Node {
        &self.successor
    }

    pub(crate) fn lab(&self) -> &Lab {
        &self.lab
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    pub(crate) fn router(&self) -> &Arc<Place> {
        &self.router
    }

    /// The host that is no node: the server behind HAProxy runs there.
    pub(crate) fn third(&self) -> &Place {
        &self.third
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(crate) fn traffic_mut(&mut self) -> &mut Traffic {
        &mut self.traffic
    }

    pub(crate) fn contender(&self) -> Contender {
        self.contender
    }

    pub(crate) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The ends of what the agents have printed, for somebody who has to find out what went wrong.
    pub(crate) fn logs(&self) -> String {
        let logs = self.nodes.iter().chain([&self.successor]).map(|node| {
            let text = std::fs::read_to_string(node.agent_log_file()).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let from = lines.len().saturating_sub(LOG_LINES);
            let said = node.pairctl(&["status"]).map(|out| out.stdout).unwrap_or_default();
            let (name, said) = (node.name(), String::from_utf8_lossy(&said).into_owned());
            format!("== the agent of {name}\n{}\n{said}\n", lines[from..].join("\n"))
        });
        logs.collect()
    }

    fn is_answered_since(&self, since_ms: u64) -> bool {
        let outage = self.traffic.client().longest_outage(since_ms);
        outage.is_some_and(|outage| outage.ms() < 150)
    }
}

/// Describes the cloud; moto is started in the calling thread's place.
fn describe(engine: &Engine, ec2: Ec2) -> Result<(LabConfig, Option<moto::Server>)> {
    let mut specs = [
        NodeSpec::new(NODE_A.name, NODE_A.address, "us-east-1a"),
        NodeSpec::new(NODE_B.name, NODE_B.address, "us-east-1b"),
        NodeSpec::new(NODE_C.name, NODE_C.address, "us-east-1b"),
    ];
    match ec2 {
        Ec2::Emulator => {
            for (spec, host) in specs.iter_mut().zip([NODE_A, NODE_B]) {
                spec.extra_private_ips.push(host.second());
            }
            Ok((emulated(&specs), None))
        }
        Ec2::Moto => {
            let program = moto::find().context("moto is not installed: `cargo xtask test` installs it")?;
            let server = engine.run(moto::Server::start(&program)).context("cannot start moto")?;
            let world = engine.run(moto::create_world(server.addr(), &specs, Some(ELASTIC_IP)))?;
            Ok((LabConfig::upstream(server.addr(), world), Some(server)))
        }
    }
}

/// Describes the cloud with the emulator, in which the pair's address is the lab's.
pub(crate) fn emulated(specs: &[NodeSpec]) -> LabConfig {
    let world = World {
        public_ip: ELASTIC_IP,
        ..World::invent(specs)
    };
    LabConfig {
        world,
        ..LabConfig::emulated(specs)
    }
}

/// Has the gateway lead each Elastic IP to whoever holds it, from here on and for as long as there is a cloud.
pub(crate) fn follow(lab: &Arc<Lab>, gateway: &Gateway) -> Result<()> {
    let mut changes = lab.changes();
    changes.mark_changed();
    let lab: Weak<Lab> = Arc::downgrade(lab);
    let gateway = gateway.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    thread::Builder::new().name("gateway".to_owned()).spawn(move || {
        while runtime.block_on(changes.changed()).is_ok() {
            let Some(lab) = lab.upgrade() else { return };
            let held = lab.addresses().into_iter().filter_map(|address| {
                let association = address.association?;
                Some((address.public_ip, association.private_ip))
            });
            if let Err(error) = gateway.lead(held.collect()) {
                eprintln!("the gateway does not follow: {error:#}");
            }
        }
    })?;
    Ok(())
}

/// How long a pair may take to become content: many times what keepalived needs with its slowest intervals, and more than the minute
/// after which paird repeats a read that EC2 has throttled.
const START_PATIENCE: Duration = Duration::from_secs(100);

/// How much of a log is shown when something went wrong.
const LOG_LINES: usize = 40;
