//! The examination of a node: all that a takeover needs, looked at before it is needed.
//!
//! ```text
//! key ─ state ─ conntrack ─ haproxy            files, kernel and HAProxy of this host: proven again and again
//! landing ─ service ─ witnesses                would the address land, would somebody answer, and who answers for the peer
//! imds ─ interface ─ role                      who this instance is, and whether it may sign
//! ec2 ─ clock ─ address ─ rehearsal ─ egress   the very calls of a takeover, without effect
//! ```
//!
//! Each examination is sound, finds something, or is skipped because one before it found what it would only repeat: one fault
//! is one finding. What is found has an id of [`crate::problems::IDS`]. Nothing is changed but a file in the state directory,
//! which is written and removed. The running agent examines its node in the same way, with its own user and its own
//! environment; `paird doctor` needs no agent.

mod address;
mod chart;
mod conntrack;
mod consult;
mod egress;
mod files;
mod haproxy;
mod haproxy_config;
mod instance;
mod members;
mod service;
mod witness;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use pair_core::Member;
use pair_ec2::Settings;
use pair_wire::control::{DIAGNOSIS_VERSION, Diagnosis, Examination, Examined, Examiner, Problem};
use pair_wire::datagram::DIGEST_LEN;
use tokio::task::spawn_blocking;

use crate::cli::Node;
use crate::config::{Address, Config};
use crate::discovery;
use crate::landing::{self, ObstacleKind};
use crate::problems::{critical, degraded};
use crate::run;

pub use consult::consult;

use chart::Chart;

/// The ids of what an examination can find. An agent that has been examined has nothing to add to these.
pub const EXAMINED: &[&str] = &[
    "address-not-on-host",
    "allocation-unknown",
    "clock-off",
    "config-invalid",
    "conntrack-nearly-full",
    "ec2-denied",
    "ec2-unreadable",
    "egress-ends-with-move",
    "endpoint-redirected",
    "haproxy-cli-exhausted",
    "haproxy-maxconn-unsafe",
    "haproxy-socket-denied",
    "held-by-stranger",
    "imds-unreachable",
    "key-unusable",
    "key-weak",
    "misplaced",
    "no-interface",
    "no-member",
    "no-role",
    "node-unknown",
    "nothing-listens",
    "peer-not-found",
    "place-taken",
    "service-unfit",
    "state-unusable",
    "third-member",
    "witness-silent",
];

/// A node that is examined.
#[derive(Clone, Debug)]
pub struct Patient {
    /// Its configuration.
    pub config: Config,
    /// Which of the two it is.
    pub me: Member,
    /// The private IPs on which the addresses would land here, in the order of the configuration.
    pub private_ips: Vec<Ipv4Addr>,
}

impl Patient {
    /// Each address, where it would land, and what is put behind the subjects that are about it: nothing if it is the only one.
    fn addresses(&self) -> impl Iterator<Item = Landing<'_>> {
        let is_only = self.private_ips.len() == 1;
        let addresses = self.config.addresses.iter().zip(&self.private_ips);
        addresses.map(move |(address, private_ip)| Landing {
            address,
            private_ip: *private_ip,
            suffix: if is_only {
                String::new()
            } else {
                format!(" of {}", address.label())
            },
        })
    }
}

/// One address, as a patient would have it.
struct Landing<'a> {
    address: &'a Address,
    private_ip: Ipv4Addr,
    suffix: String,
}

impl Landing<'_> {
    /// What an examination about this address is called.
    fn subject(&self, subject: &str) -> String {
        format!("{subject}{}", self.suffix)
    }

    /// Says of everything that was found about this address, if there are others, that it is about this one.
    fn sign(&self, examinations: &mut [Examination]) {
        if self.suffix.is_empty() {
            return;
        }
        let about_this = examinations
            .iter_mut()
            .filter(|examination| examination.subject.ends_with(&self.suffix));
        for examination in about_this {
            if let Examined::Found { findings } = &mut examination.result {
                for finding in findings {
                    finding.address = Some(self.address.allocation_id.clone());
                }
            }
        }
    }
}

/// Examines this node without an agent, from its configuration on.
#[must_use]
pub fn run(args: &Node) -> Diagnosis {
    let mut chart = Chart::default();
    let (pair, node) = match patient(args, &mut chart) {
        Err((pair, node)) => (pair, node),
        Ok(patient) => {
            let names = (
                Some(patient.config.pair.clone()),
                Some(patient.config.nodes[patient.me.index()].name.clone()),
            );
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => chart.extend(runtime.block_on(examine(&patient))),
                Err(error) => chart.skipped("everything else", format!("no runtime: {error}")),
            }
            names
        }
    };
    Diagnosis {
        version: DIAGNOSIS_VERSION,
        pair,
        node,
        examiner: Examiner::Command,
        examinations: chart.into_examinations(),
    }
}

/// Finds out who is examined; if that cannot be, gives what is known of the names of pair and node.
fn patient(args: &Node, chart: &mut Chart) -> Result<Patient, (Option<String>, Option<String>)> {
    const REST: &str = "everything else";
    let config = match read_config(&args.config) {
        Ok(config) => config,
        Err(finding) => {
            chart.found("configuration", vec![finding]);
            chart.skipped(REST, "there is no configuration".to_owned());
            return Err((None, None));
        }
    };
    chart.sound("configuration", about(&config));
    let (config, me) = match locate(config, args.node.as_deref()) {
        Ok(located) => located,
        Err(unknown) => {
            let (pair, finding) = *unknown;
            chart.found("node", vec![finding]);
            chart.skipped(REST, "it is not known which node this is".to_owned());
            return Err((Some(pair), None));
        }
    };
    match run::landing_places(&config, me) {
        Ok(private_ips) => Ok(Patient {
            config,
            me,
            private_ips,
        }),
        Err(error) => {
            let text = format!("{error:#}");
            chart.found(
                "node",
                vec![critical("config-invalid", text, "set address.private_ips")],
            );
            Err((Some(config.pair), None))
        }
    }
}

/// Finds out which node this is, and whatever the file leaves open; else gives the name of the pair, and why not.
fn locate(config: Config, flag: Option<&str>) -> Result<(Config, Member), Box<(String, Problem)>> {
    let pair = config.pair.clone();
    let unknown = |text: String, hint: &str| Box::new((pair.clone(), critical("node-unknown", text, hint)));
    let mut found = None;
    let mut config = config;
    if config.is_to_be_found() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unknown(format!("no runtime: {error}"), "try again"))?;
        let looked = runtime.block_on(discovery::look(&config, flag, &run::settings(&config)));
        let begun = looked.map_err(|wanting| unknown(wanting.reason, wanting.hint))?;
        (config, found) = (begun.config, begun.me);
    }
    let me = match found {
        Some(me) => Ok(me),
        None => run::this_node(&config, flag),
    };
    let hint = "write the private address of this host into node.addresses, or say --node NAME";
    me.map(|me| (config, me))
        .map_err(|error| unknown(format!("{error:#}"), hint))
}

/// What the files, the kernel and HAProxy of this host say.
#[derive(Debug)]
pub struct Host {
    /// What was examined.
    pub examinations: Vec<Examination>,
    /// The digest of HAProxy's configuration, if there is one to read.
    pub haproxy: Option<[u8; DIGEST_LEN]>,
    is_haproxy_told: bool,
}

impl Host {
    /// Everything that was found.
    #[must_use]
    pub fn findings(&self) -> Vec<Problem> {
        let found = self
            .examinations
            .iter()
            .filter_map(|examination| match &examination.result {
                Examined::Found { findings } => Some(findings.clone()),
                Examined::Sound { .. } | Examined::Skipped { .. } => None,
            });
        found.flatten().collect()
    }
}

/// Examines files, kernel and HAProxy: what nobody watches all the time. Takes a second at most where nobody answers.
pub async fn examine_host(patient: &Patient) -> Host {
    let mut chart = Chart::default();
    let config = &patient.config;
    let own = config.nodes[patient.me.index()].address;
    let (security, folder) = (config.security.clone(), config.state_directory.clone());
    let haproxy_config = config.check.haproxy_config.clone();
    let count = config.addresses.len();
    let mut addresses = vec![own];
    addresses.extend(patient.private_ips.iter().copied().map(IpAddr::V4));
    // A disk that hangs must not hold up the calls of EC2.
    let read = spawn_blocking(move || {
        (
            files::key(&security),
            files::state_directory(&folder, count),
            conntrack::examine(Path::new(conntrack::FOLDER)),
            haproxy_config.map(|file| (haproxy_config::digest(&file, &addresses), file)),
        )
    });
    let mut haproxy = None;
    match read.await {
        Ok((key, state, tracked, digested)) => {
            chart.add("key", key);
            chart.add("state directory", state);
            chart.add("conntrack", tracked);
            haproxy = digested.and_then(|(digest, file)| examine_haproxy_config(digest, &file, &mut chart));
        }
        Err(error) => chart.skipped("files", error.to_string()),
    }
    let is_haproxy_told = match &config.check.haproxy_socket {
        Some(socket) => haproxy::examine(socket, &service::targets(patient, own), &mut chart).await,
        None => false,
    };
    Host {
        examinations: chart.into_examinations(),
        haproxy,
        is_haproxy_told,
    }
}

fn examine_haproxy_config(
    digest: io::Result<[u8; DIGEST_LEN]>,
    file: &Path,
    chart: &mut Chart,
) -> Option<[u8; DIGEST_LEN]> {
    const SUBJECT: &str = "haproxy config";
    match digest {
        Ok(digest) => {
            chart.sound(SUBJECT, format!("{}: digest {}", file.display(), hexadecimal(digest)));
            Some(digest)
        }
        Err(error) => {
            chart.skipped(SUBJECT, format!("{}: {error}", file.display()));
            None
        }
    }
}

/// Examines a node that is known. Takes some seconds where nobody answers.
pub async fn examine(patient: &Patient) -> Vec<Examination> {
    let mut chart = Chart::default();
    let config = &patient.config;
    let own = config.nodes[patient.me.index()].address;
    let host = examine_host(patient).await;
    chart.extend(host.examinations);
    let port = config.probe.as_ref().map(|probe| probe.port);
    for landing in patient.addresses() {
        examine_landing(&landing, port, &mut chart).await;
    }
    service::examine(config, own, host.is_haproxy_told, &mut chart).await;
    witness::examine(patient, &mut chart).await;

    let mut settings = Settings::from_env();
    run::direct(&mut settings, &config.ec2);
    if let Some(instance) = instance::examine(patient, &settings, &mut chart).await {
        address::examine(patient, &settings, &instance, &mut chart).await;
    }
    let mut examinations = chart.into_examinations();
    for landing in patient.addresses() {
        landing.sign(&mut examinations);
    }
    examinations
}

/// Reads a configuration; all that is wrong with it is one finding.
fn read_config(path: &Path) -> Result<Config, Problem> {
    Config::load(path).map_err(|mistakes| {
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let hint = "correct the file; paird check lists the mistakes line by line";
        critical("config-invalid", mistakes.join("; "), hint)
    })
}

fn about(config: &Config) -> String {
    let digest = hexadecimal(config.digest());
    let [first, second] = config.nodes.each_ref().map(|node| node.name.as_str());
    format!(
        "{}: pair {} of {first} and {second}, digest {digest}",
        config.file, config.pair
    )
}

fn hexadecimal(digest: [u8; DIGEST_LEN]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn examine_landing(landing: &Landing<'_>, port: Option<u16>, chart: &mut Chart) {
    let subject = &landing.subject("landing");
    let private_ip = landing.private_ip;
    let local = match landing::local_addresses() {
        Ok(local) => local,
        Err(error) => return chart.skipped(subject, format!("the kernel does not list its addresses: {error}")),
    };
    let obstacles = landing::obstacles(private_ip, port, &local).await;
    if obstacles.is_empty() {
        let listens = port.map_or_else(String::new, |port| format!(", and something listens on port {port}"));
        return chart.sound(subject, format!("{private_ip} is on this host{listens}"));
    }
    let findings = obstacles.into_iter().map(|obstacle| {
        let hint = match obstacle.kind {
            ObstacleKind::AddressNotOnHost => "configure the private IP in the operating system",
            ObstacleKind::NothingListens => "let the service bind the private IP, or every address",
        };
        degraded(obstacle.kind.id(), obstacle.detail, hint)
    });
    chart.found(subject, findings.collect());
}

#[cfg(test)]
mod tests {
    use pair_wire::control::State;

    use super::*;
    use crate::problems::IDS;

    #[test]
    fn whatever_can_be_found_has_an_id_of_the_list() {
        let unlisted = EXAMINED.iter().filter(|id| !IDS.iter().any(|(known, _)| known == *id));
        assert_eq!(unlisted.collect::<Vec<_>>(), Vec::<&&str>::new());
    }

    #[test]
    fn without_a_configuration_that_is_all_that_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let diagnosis = run(&Node {
            config: folder.path().join("paird.toml"),
            node: None,
        });
        let ids: Vec<&str> = diagnosis.findings().map(|finding| finding.id.as_str()).collect();
        assert_eq!((ids, diagnosis.state()), (vec!["config-invalid"], State::Critical));
        assert_eq!(diagnosis.pair, None);
    }
}
