//! What the commands of `paird` do.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow, bail};
use pair_core::{Config as CoreConfig, Incarnation, Member, Version, Witnessing};
use pair_ec2::{Endpoint, Settings};
use pair_wire::key::{Key, KeyRing};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::agent::{Agent, Parts, SeatParts};
use crate::alarm::Alarm;
use crate::archive::Archive;
use crate::check::Rhythm;
use crate::cli::Node;
use crate::clock::Clock;
use crate::cloud::{Cloud, CloudConfig, Destination, Manner};
use crate::config::{self, Address, AddressIndex, Config, Finding, Findings, KeyFile, Security};
use crate::control::Pending;
use crate::discovery::{self, Begun};
use crate::journal::Loudness;
use crate::logbook::Logbook;
use crate::metrics::{self, Sign};
use crate::paths::Paths;
use crate::standing::Keeper;
use crate::watchers::{Surroundings, Watchers};
use crate::witness::{Booth, BoothParts};
use crate::{control, journal, landing, memory, signals, watchers};

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
    witness_ring(&config)?;
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
    info!(pair = config.pair, version = VERSION, "starting");
    if !ring.is_authentic() {
        warn!("no key: whoever can send a datagram to this node can pretend to be its peer");
    }
    memory::lock();
    let here = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    let _entered = here.enter();
    let socket_path = config.control_socket.clone();
    let listener = control::open(&socket_path)
        .with_context(|| format!("cannot open the control socket {}", socket_path.display()))?;
    let (ask, mut requests) = mpsc::channel(REQUESTS_WAITING);
    here.spawn(control::serve(listener, ask));
    let flag = source.node.clone();
    let elsewhere = Elsewhere::start()?;
    let (sign, waiting) = metrics::waiting(&config.pair, VERSION);
    let waits = config.is_to_be_found().then_some(config.metrics_listen).flatten();
    let lobby = waits.map(|address| elsewhere.runtime.spawn(watchers::serve_waiting(address, waiting)));
    let located = here.block_on(locate(config, flag.as_deref(), &mut requests, &sign));
    let result = located.and_then(|located| match located {
        Some(located) => {
            let beginning = Beginning {
                located,
                elsewhere,
                lobby,
            };
            run_member(&here, beginning, ring, source, requests, loudness)
        }
        None => Ok(()),
    });
    // A socket that nobody answers on would make the next client wait for nothing.
    let _ = std::fs::remove_file(socket_path);
    result
}

/// A configuration in which nothing is left open, and whose it is.
struct Located {
    config: Config,
    me: Member,
    /// What was found, if something was left open.
    begun: Option<Begun>,
}

/// What a member begins with.
struct Beginning {
    located: Located,
    elsewhere: Elsewhere,
    /// Serves metrics of a node that waits, until those of a member are.
    lobby: Option<JoinHandle<()>>,
}

/// Finds out which node this is, and whatever the file leaves open; `None` if this process is to end.
async fn locate(
    config: Config,
    flag: Option<&str>,
    requests: &mut mpsc::Receiver<Pending>,
    sign: &Sign,
) -> anyhow::Result<Option<Located>> {
    if !config.is_to_be_found() {
        let me = this_node(&config, flag)?;
        let begun = None;
        return Ok(Some(Located { config, me, begun }));
    }
    let Some(begun) = discovery::search(&config, flag, &settings(&config), requests, sign).await? else {
        return Ok(None);
    };
    let config = begun.config.clone();
    let me = match begun.me {
        Some(me) => me,
        None => this_node(&config, flag)?,
    };
    let begun = Some(begun);
    Ok(Some(Located { config, me, begun }))
}

/// Runs the agent of a node that is a member of its pair.
fn run_member(
    here: &Runtime,
    beginning: Beginning,
    ring: KeyRing,
    source: Node,
    requests: mpsc::Receiver<Pending>,
    loudness: Loudness,
) -> anyhow::Result<()> {
    let Beginning {
        located: Located { config, me, begun },
        elsewhere,
        lobby,
    } = beginning;
    let (own, peer) = (
        config.nodes[me.index()].address,
        config.nodes[me.peer().index()].address,
    );
    info!(node = config.nodes[me.index()].name, "this node is known");
    let private_ips = landing_places(&config, me)?;
    let clock = Clock::start();
    let port = config.heartbeat.port;
    let paths = if config.discovery.is_some() {
        Paths::open_shared(own, Some(peer).filter(|peer| !peer.is_unspecified()), port)
    } else {
        let [ours, theirs] = [me, me.peer()].map(|member| config.nodes[member.index()].ends());
        Paths::open(ours.zip(theirs), port)
    };
    let paths = paths.with_context(|| format!("cannot open the heartbeat socket on {own}, UDP port {port}"))?;
    let booth = booth(&config, me, &ring)?;
    let (tell, news) = mpsc::channel(NEWS_WAITING);
    signals::listen(tell.clone()).context("cannot listen for signals")?;
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
            settings: settings(&config),
            manner: manner(&config),
        },
        clock,
        tell.clone(),
    );
    let handle = elsewhere.runtime.clone();
    handle.spawn(Arc::clone(&cloud).run());
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
        here: here.handle().clone(),
        elsewhere: handle.clone(),
        tell: tell.clone(),
        unchanged: Arc::default(),
        rhythm: Rhythm::default(),
    };
    let (watchers, publisher) = Watchers::start(surroundings, &config, lobby);
    let company = begun.and_then(|begun| discovery::go_on(begun, &ring, &handle, tell.clone()));
    let agent = Agent::new(Parts {
        config,
        me,
        seats,
        ring,
        clock,
        alarm: Alarm::new().context("cannot make a timer")?,
        paths,
        booth,
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
        company,
    });
    let result = here.block_on(agent.run());
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
        .flat_map(config::Node::ends)
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

/// Where EC2 and IMDS are.
pub(crate) fn settings(config: &Config) -> Settings {
    let mut settings = Settings::from_env();
    direct(&mut settings, &config.ec2);
    settings
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
pub(crate) fn ring(config: &Config) -> Result<KeyRing, Findings> {
    match &config.security {
        Security::InsecureNoKey => Ok(KeyRing::insecure()),
        Security::KeyFile(path) => KeyFile::load(Path::new(path)).map(|file| ring_of(&file)),
    }
}

/// The keys shared with witnesses, if the configuration names any: others than the pair's, since a witness could else pretend to be
/// a node.
pub(crate) fn witness_ring(config: &Config) -> Result<Option<KeyRing>, Findings> {
    let Some(witness) = &config.witness else {
        return Ok(None);
    };
    let file = KeyFile::load(&witness.key_file)?;
    if let Security::KeyFile(pairs) = &config.security {
        let pairs = KeyFile::load(pairs)?;
        let is_pairs = |secret: &[u8; 32]| pairs.keys().iter().any(|(_, own)| own == secret);
        if file.keys().iter().any(|(_, secret)| is_pairs(secret)) {
            return Err(Findings::new(vec![Finding {
                file: config.file.clone(),
                line: None,
                key: "witness.key_file".to_owned(),
                problem: "the key of the witnesses is the pair's own: each of them could pretend to be a node"
                    .to_owned(),
                advice: "make another one with `pairctl key generate`".to_owned(),
            }]));
        }
    }
    Ok(Some(ring_of(&file)))
}

/// The socket for witnesses, if the configuration has any.
fn booth(config: &Config, me: Member, pair_ring: &KeyRing) -> anyhow::Result<Option<Booth>> {
    let ring = witness_ring(config).map_err(|findings| anyhow!("{findings}"))?;
    let (Some(witness), Some(ring)) = (&config.witness, ring) else {
        return Ok(None);
    };
    let [own, peer] = [me, me.peer()].map(|member| config.nodes[member.index()].address);
    let port = witness.port;
    let booth = Booth::open(BoothParts {
        pair: &config.pair,
        me,
        incarnation: Incarnation(seed().context("the system gives no randomness")?),
        own,
        peer,
        port,
        witnesses: witness.addresses.clone(),
        pair_ring,
        witness_ring: &ring,
    });
    let booth = booth.with_context(|| format!("cannot open the socket for witnesses on {own}, UDP port {port}"))?;
    Ok(Some(booth))
}

pub(crate) fn ring_of(file: &KeyFile) -> KeyRing {
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
        witnesses: config
            .witness
            .as_ref()
            .map_or_else(Witnessing::default, |witness| Witnessing {
                count: u8::try_from(witness.addresses.len()).expect("the schema bounds their number"),
                isolation_grace: witness.isolation_grace,
                required: witness.required,
            }),
        version: Version::cut(VERSION),
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
