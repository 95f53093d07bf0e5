//! What the commands of `paird` do.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::thread;

use anyhow::{Context, anyhow, bail};
use pair_core::{Config as CoreConfig, Member, Witnessing};
use pair_ec2::{Endpoint, Settings};
use pair_wire::key::{Key, KeyRing};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use crate::agent::{Agent, Parts, SeatParts};
use crate::archive::Archive;
use crate::cli::Node;
use crate::clock::Clock;
use crate::cloud::{Cloud, CloudConfig, Destination, Manner};
use crate::config::{self, Address, AddressIndex, Config, Findings, KeyFile, Security};
use crate::logbook::Logbook;
use crate::paths::Paths;
use crate::standing::Keeper;
use crate::watchers::{Surroundings, Watchers};
use crate::{control, journal, landing, memory};

/// News that may wait for the event loop.
const NEWS_WAITING: usize = 256;

/// Control requests that may wait for the event loop.
const REQUESTS_WAITING: usize = 16;

/// Reads configuration and key file; touches nothing.
///
/// # Errors
/// Everything that is wrong with either, at once.
pub fn load(args: &Node) -> Result<(Config, KeyRing), Findings> {
    let config = Config::load(&args.config)?;
    let ring = ring(&config)?;
    if let Some(name) = &args.node {
        config
            .this_node(Some(name), &[])
            .map_err(|finding| Findings::new(vec![finding]))?;
    }
    Ok((config, ring))
}

/// Runs the agent until it is told to stop. `source` is where configuration and keys come from, and are read again.
///
/// # Errors
/// If it cannot start, or cannot go on: the service manager restarts it.
pub fn run(config: Config, ring: KeyRing, source: Node) -> anyhow::Result<()> {
    let loudness = journal::set_up(config.log).context("cannot set up the log")?;
    let me = this_node(&config, source.node.as_deref())?;
    let own = config.nodes[me.index()].address();
    info!(
        pair = config.pair,
        node = config.nodes[me.index()].name,
        version = VERSION,
        "starting"
    );
    if !ring.is_authentic() {
        warn!("no key: whoever can send a datagram to this node can pretend to be its peer");
    }
    let private_ips = landing_places(&config, me)?;
    memory::lock();
    let clock = Clock::start();
    let here = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    let _entered = here.enter();
    let port = config.heartbeat.port;
    let [ours, theirs] = [me, me.peer()].map(|member| config.nodes[member.index()].addresses.iter().copied());
    let paths = Paths::open(ours.zip(theirs), port)
        .with_context(|| format!("cannot open the heartbeat socket on {own}, UDP port {port}"))?;
    let listener = control::open(&config.control_socket)
        .with_context(|| format!("cannot open the control socket {}", config.control_socket.display()))?;
    let (tell, news) = mpsc::channel(NEWS_WAITING);
    let (ask, requests) = mpsc::channel(REQUESTS_WAITING);
    let cloud = Cloud::new(
        CloudConfig {
            destinations: config
                .addresses
                .iter()
                .zip(&private_ips)
                .map(|(address, private_ip)| Destination {
                    allocation_id: address.allocation_id.clone(),
                    private_ip: *private_ip,
                })
                .collect(),
            settings: {
                let mut settings = Settings::from_env();
                direct(&mut settings, &config.ec2);
                settings
            },
            manner: manner(&config),
        },
        clock,
        tell.clone(),
    );
    let elsewhere = Elsewhere::start()?;
    let handle = elsewhere.runtime.clone();
    handle.spawn(std::sync::Arc::clone(&cloud).run());
    let mut logbook = Logbook::open(&config.state_directory);
    handle.spawn(logbook.write_on(tell.clone()));
    let mut seats = Vec::new();
    for (index, (address, private_ip)) in config.addresses.iter().zip(&private_ips).enumerate() {
        let index = AddressIndex(index);
        let folder = config.folder(address);
        let keeper = Keeper::new(folder.clone());
        handle.spawn(keeper.write_on(index, tell.clone()));
        let archive = Archive::new(&folder);
        handle.spawn(archive.write_on(index, tell.clone()));
        seats.push(SeatParts {
            core: core_config(&config, address, me),
            private_ip: *private_ip,
            keeper,
            archive,
            seed: seed().context("the system gives no randomness")?,
        });
    }
    let surroundings = Surroundings {
        me,
        own,
        private_ips,
        clock,
        elsewhere: handle.clone(),
        tell: tell.clone(),
    };
    let (watchers, publisher) = Watchers::start(surroundings, &config);
    let socket_path = config.control_socket.clone();
    let agent = Agent::new(Parts {
        config,
        me,
        seats,
        ring,
        clock,
        paths,
        cloud,
        elsewhere: handle,
        news,
        tell,
        requests,
        logbook,
        watchers,
        publisher,
        loudness,
        source,
    });
    here.spawn(control::serve(listener, ask));
    let result = here.block_on(agent.run());
    // A socket that nobody answers on would make the next client wait for nothing.
    let _ = std::fs::remove_file(socket_path);
    drop(elsewhere);
    result
}

/// The thread for everything that may be slow, and its runtime.
struct Elsewhere {
    runtime: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Elsewhere {
    fn start() -> anyhow::Result<Self> {
        let runtime: Runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start a runtime")?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("paird-slow".to_owned())
            .spawn(move || {
                // Ends when the sender is dropped; what is under way is dropped with the runtime.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })
            .context("cannot start a thread")?;
        Ok(Self {
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The version that is told to the peer and to people.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which node this host is: the named one, or the one whose address it has.
pub(crate) fn this_node(config: &Config, flag: Option<&str>) -> anyhow::Result<Member> {
    let local = landing::local_addresses().context("cannot list the addresses of this host")?;
    let here = config
        .nodes
        .iter()
        .flat_map(|node| node.addresses.iter().copied())
        .filter(|address| landing::is_local(*address, &local))
        .collect::<Vec<_>>();
    let index = config.this_node(flag, &here).map_err(|finding| anyhow!("{finding}"))?;
    Ok(Member::BOTH[index])
}

/// Where each address lands on this node, in the order of the file.
pub(crate) fn landing_places(config: &Config, me: Member) -> anyhow::Result<Vec<Ipv4Addr>> {
    let places = config
        .addresses
        .iter()
        .map(|address| config.places(address)[me.index()]);
    places
        .map(|place| match place {
            IpAddr::V4(private_ip) => Ok(private_ip),
            IpAddr::V6(_) => {
                bail!("an Elastic IP lands on an IPv4 address: set address.private_ips, since node.addresses are IPv6")
            }
        })
        .collect()
}

/// Sends calls where the configuration says, whatever the environment says.
pub(crate) fn direct(settings: &mut Settings, config: &config::Ec2) {
    let written = |url: &Option<String>| {
        url.clone().map(|url| Endpoint {
            url,
            redirected_by: None,
        })
    };
    settings.region.clone_from(&config.region);
    settings.ec2 = written(&config.endpoint).or(settings.ec2.take());
    settings.imds = written(&config.imds_endpoint).or(settings.imds.take());
}

/// The keys that the configuration names.
fn ring(config: &Config) -> Result<KeyRing, Findings> {
    match &config.security {
        Security::InsecureNoKey => Ok(KeyRing::insecure()),
        Security::KeyFile(path) => KeyFile::load(Path::new(path)).map(|file| ring_of(&file)),
    }
}

fn ring_of(file: &KeyFile) -> KeyRing {
    let mut keys = file.keys().iter().map(|(id, secret)| Key::new(*id, *secret));
    let first = keys.next().expect("a key file has a key: loading it has checked that");
    match keys.next() {
        Some(second) => KeyRing::pair(first, second).expect("a key file has no id twice: loading it has checked that"),
        None => KeyRing::single(first),
    }
}

/// What the core of an address is told of a configuration.
pub(crate) fn core_config(config: &Config, address: &Address, me: Member) -> CoreConfig {
    CoreConfig {
        me,
        preferred: Member::BOTH[address.preferred],
        private_ips: config.places(address),
        interval: config.heartbeat.interval,
        holdtime: config.heartbeat.holdtime,
        probe_timeout: config.probe.as_ref().map(|probe| probe.timeout),
        lost_contact_takeover: config.takeover.lost_contact_takeover,
        unfit_delay: config.takeover.unfit_delay,
        refit: config.takeover.refit,
        preempt_delay: config.takeover.preempt_delay,
        strict: config.takeover.strict,
        restart_grace: config.takeover.restart_grace,
        call_timeout: config.ec2.call_timeout,
        witnesses: Witnessing::default(),
        version: VERSION.to_owned(),
    }
}

/// How EC2 is called.
pub(crate) const fn manner(config: &Config) -> Manner {
    Manner {
        call_timeout: config.ec2.call_timeout,
        rehearsal_interval: config.readiness_interval,
        strict: config.takeover.strict,
        notices: config.notices,
    }
}

fn seed() -> Result<u64, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
