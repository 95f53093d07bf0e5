//! The pairs of a storm: daemons, services, files, and the account that they share.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use pair_lab::{Action, LabConfig, Limit, NodeSpec, Service, Target, blocking};

use super::outcome::Outcome;
use crate::process::Process;
use crate::wait::Interrupt;

/// Many pairs on loopback, in networks of their own: pair 7 is in 127.7.0.0/16.
#[derive(Debug)]
pub(crate) struct Fleet {
    // Fields end in this order: the agents before the cloud that they talk to, the files last.
    pairs: Vec<Pair>,
    lab: blocking::Lab,
    folder: PathBuf,
    bin_dir: PathBuf,
    interrupt: Interrupt,
}

/// One pair.
#[derive(Debug)]
struct Pair {
    number: u8,
    allocation: String,
    /// The holder's agent and service; `None` once its host is dead.
    holder: Option<(Process, Service)>,
    survivor: Process,
    _survivors_service: Service,
}

/// The ports that every node uses on its own address.
#[derive(Debug, Clone, Copy)]
struct Ports {
    service: u16,
    heartbeat: u16,
}

impl Fleet {
    /// Starts so many pairs, each address at its first node.
    pub(crate) fn start(bin_dir: &Path, pairs: u8, interrupt: Interrupt) -> Result<Self> {
        let node = |side: &str, host, zone: &str| {
            let name = move |pair: u8| format!("{side}{pair}");
            (1..=pairs)
                .map(|pair| NodeSpec::new(&name(pair), Ipv4Addr::new(127, pair, 0, host), zone))
                .collect::<Vec<_>>()
        };
        let specs = [node("a", 1, "us-east-1a"), node("b", 2, "us-east-1b")].concat();
        let lab = blocking::Lab::start(LabConfig::emulated(&specs)).context("cannot start the emulator")?;
        let folder = std::env::temp_dir().join(format!("paird-storm-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).context("cannot close the folder to others")?;
        let mut fleet = Self {
            pairs: Vec::new(),
            lab,
            folder,
            bin_dir: bin_dir.to_path_buf(),
            interrupt,
        };
        fleet.write_key()?;
        let ports = free_ports()?;
        // So many agents read at once when they start: the limits are for the storm.
        for action in [Action::AssociateAddress, Action::DescribeAddresses] {
            fleet.limit(
                action,
                Limit {
                    burst: 10_000,
                    per_second: 10_000,
                },
            );
        }
        for number in 1..=pairs {
            let pair = fleet.start_pair(number, ports)?;
            fleet.pairs.push(pair);
        }
        Ok(fleet)
    }

    /// Waits until every node calls its pair healthy.
    pub(crate) fn wait_until_healthy(&mut self) -> Result<()> {
        let mut waiting: Vec<String> = self.names();
        let interrupt = self.interrupt.clone();
        interrupt.until("every pair healthy", PATIENCE, || {
            for pair in &mut self.pairs {
                pair.survivor.check_alive("a survivor")?;
                if let Some((agent, _)) = &mut pair.holder {
                    agent.check_alive("a holder")?;
                }
            }
            waiting.retain(|name| !self.is_healthy(name));
            Ok(waiting.is_empty().then_some(()))
        })
    }

    /// Kills every holder with its service at one moment, and waits until every address is at a survivor that has read it
    /// back.
    pub(crate) fn storm(&mut self, claims: Limit, describes: Limit) -> Result<Outcome> {
        self.limit(Action::AssociateAddress, claims);
        self.limit(Action::DescribeAddresses, describes);
        let died_ms = self.lab.clock_ms();
        for (agent, _) in self.pairs.iter_mut().filter_map(|pair| pair.holder.as_mut()) {
            agent.strike();
        }
        for pair in &mut self.pairs {
            pair.holder = None;
        }
        let allocations: Vec<String> = self.pairs.iter().map(|pair| pair.allocation.clone()).collect();
        let optimum = Outcome::optimum(allocations.len(), claims);
        let patience = optimum * 3 + PATIENCE;
        let interrupt = self.interrupt.clone();
        let done = interrupt.until("every address moved and read back", patience, || {
            let outcome = Outcome::of(&self.lab.log(), &allocations, died_ms, optimum);
            Ok(outcome.is_complete().then_some(outcome))
        });
        // A storm that was given up has an outcome, too.
        Ok(done.unwrap_or_else(|_| Outcome::of(&self.lab.log(), &allocations, died_ms, optimum)))
    }

    fn limit(&self, action: Action, limit: Limit) {
        self.lab.faults().limit(action, limit);
    }

    fn names(&self) -> Vec<String> {
        let numbers = self.pairs.iter().map(|pair| pair.number);
        numbers
            .flat_map(|number| [format!("a{number}"), format!("b{number}")])
            .collect()
    }

    fn is_healthy(&self, name: &str) -> bool {
        let status = Command::new(self.bin_dir.join("pairctl"))
            .arg("--socket")
            .arg(self.socket(name))
            .arg("status")
            .output();
        status.is_ok_and(|out| out.status.success())
    }

    fn start_pair(&self, number: u8, ports: Ports) -> Result<Pair> {
        let public_ip = Ipv4Addr::new(127, number, 113, 10);
        let allocation = self
            .lab
            .allocate_address(public_ip)
            .context("cannot allocate an address")?;
        let holder = format!("a{number}");
        self.lab
            .place_address(&allocation, &Target::Node(holder))
            .context("cannot place an address")?;
        let start = |side: &str, host: u8| -> Result<(Process, Service)> {
            let name = format!("{side}{number}");
            let listen = SocketAddr::from((Ipv4Addr::new(127, number, 0, host), ports.service));
            let service = self.lab.run(Service::start(listen, &name)).context("cannot serve")?;
            Ok((self.start_agent(number, &name, side, &allocation, ports)?, service))
        };
        let holder = Some(start("a", 1)?);
        let (survivor, survivors_service) = start("b", 2)?;
        Ok(Pair {
            number,
            allocation,
            holder,
            survivor,
            _survivors_service: survivors_service,
        })
    }

    fn start_agent(&self, number: u8, name: &str, side: &str, allocation: &str, ports: Ports) -> Result<Process> {
        let config = self.folder.join(format!("{name}.toml"));
        let text = format!(
            "pair = \"storm-{number}\"\n\
             [[node]]\nname = \"a\"\naddresses = [\"127.{number}.0.1\"]\n\
             [[node]]\nname = \"b\"\naddresses = [\"127.{number}.0.2\"]\n\
             [[address]]\nallocation_id = \"{allocation}\"\n\
             [heartbeat]\nport = {heartbeat}\n\
             [check]\nhttp = {{ port = {service}, path = \"/\" }}\n\
             [probe]\nhttp = {{ port = {service}, path = \"/\" }}\n\
             [security]\nkey_file = \"{key}\"\n\
             [control]\nsocket = \"{socket}\"\n\
             [state]\ndirectory = \"{state}\"\n\
             [metrics]\nnone = true\n",
            heartbeat = ports.heartbeat,
            service = ports.service,
            key = self.folder.join("key").display(),
            socket = self.socket(name).display(),
            state = self.folder.join(format!("{name}.state")).display(),
        );
        fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;
        let mut command = Command::new(self.bin_dir.join("paird"));
        command
            .args(["run", "--node", side, "--config"])
            .arg(config)
            .env("AWS_ENDPOINT_URL_EC2", self.lab.ec2_endpoint())
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.lab.imds_endpoint(name)?)
            .env_remove("RUST_LOG")
            .env_remove("NOTIFY_SOCKET");
        Process::start(command, &self.folder.join(format!("{name}.log")))
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.sock"))
    }

    /// Writes one key for all pairs: what tells them apart is the name of the pair.
    fn write_key(&self) -> Result<()> {
        let made = Command::new(self.bin_dir.join("pairctl"))
            .args(["key", "generate"])
            .output()
            .context("cannot start pairctl")?;
        if !made.status.success() {
            bail!("pairctl key generate failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        use std::io::Write as _;
        let mut options = fs::OpenOptions::new();
        let path = self.folder.join("key");
        let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&made.stdout).context("cannot write the key")
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.pairs.clear();
        // What cannot be removed is a folder in /tmp: no reason to fail.
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Ports that are free on loopback, and so on the addresses of a fleet: nobody else uses those.
fn free_ports() -> Result<Ports> {
    let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).context("cannot listen")?;
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("cannot open a UDP socket")?;
    Ok(Ports {
        service: tcp.local_addr()?.port(),
        heartbeat: udp.local_addr()?.port(),
    })
}

/// How long so many agents may take to start and become healthy on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
