//! `pair-lab bench jitter`: whether what else a node does delays its heartbeats.
//!
//! Both nodes run side by side in the same seconds. One is disturbed, the other is left alone, and what reaches either from the other is
//! timed by the kernel: whatever the machine does besides is done to both. Two disturbances:
//!
//! - *handshakes*: EC2 is behind TLS, and the node is examined again and again, so that the thread for AWS has one handshake after the
//!   other to make, each on a new connection and none of them resumed.
//! - *scrapes*: `/metrics` is read every second, as a monitoring that is in a hurry does; memory is compared, too.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::json;

use super::super::bed::{Ec2, Testbed};
use super::super::contender::{Contender, Profile};
use super::super::network::{NODE_A, NODE_B};
use super::super::programs::Programs;
use super::super::{enclosure, paird};
use super::jitter_table as table;
use super::publication::Publication;
use super::rhythm::Rhythm;
use super::surroundings::Surroundings;
use super::tap::{self, Tap};
use super::terminator::Terminator;
use super::usage::Usage;
use crate::wait::Interrupt;

/// How to disturb, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this disturbance; by default one after the other.
    #[arg(long, value_enum, value_name = "NAME")]
    disturbance: Option<Disturbance>,
    /// How long handshakes go on.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// How long scrapes go on.
    #[arg(long, value_name = "MIN", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1440))]
    minutes: u32,
    /// The profile of both nodes.
    #[arg(long, value_enum, default_value_t = Profile::Default)]
    profile: Profile,
    /// Print one JSON document in place of the table.
    #[arg(long)]
    json: bool,
    /// A document in which the table between the marks `jitter` is replaced.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Where `paird` and `pairctl` are; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Set by the lab itself when it has made its namespaces.
    #[arg(long, value_enum, hide = true)]
    inside: Option<enclosure::Role>,
}

/// What is done to one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Disturbance {
    Handshakes,
    Scrapes,
}

/// What came of a disturbance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    pub(super) disturbance: Disturbance,
    pub(super) seconds: u64,
    /// How many handshakes were made, or pages served.
    pub(super) times: u64,
    pub(super) disturbed: Side,
    pub(super) left_alone: Side,
}

/// One of the two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Side {
    pub(super) rhythm: Rhythm,
    /// Resident memory when the disturbance had warmed up, and at its end.
    pub(super) resident_kib: [u64; 2],
}

/// Measures. Succeeds only if the disturbed node beats as regularly as the other, and grows no more.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let programs = Programs::find(args.bin_dir.as_deref())?;
    if let Some(code) = enclosure::enter(args.inside)? {
        return Ok(code);
    }
    let surroundings = Surroundings::look(&programs);
    let interrupt = Interrupt::listen()?;
    let contender = Contender::Paird(args.profile);
    let mut bed = Testbed::build(contender, Ec2::Emulator, programs, interrupt.clone())?;
    let mut outcomes = Vec::new();
    for disturbance in [Disturbance::Handshakes, Disturbance::Scrapes] {
        if args.disturbance.is_none_or(|wanted| wanted == disturbance) {
            match disturb(&mut bed, disturbance, args) {
                Ok(outcome) => outcomes.push(outcome),
                Err(_) if interrupt.is_raised() => break,
                Err(error) => return Err(error.context(table::name(disturbance))),
            }
        }
    }
    let publication = Publication {
        name: "jitter",
        unit: "disturbances",
        surroundings: &surroundings,
        text: table::markdown(&outcomes),
        verdicts: outcomes.iter().flat_map(table::verdicts).collect(),
        figures: json!({ "profile": args.profile.name(), "outcomes": outcomes }),
        remark: String::new(),
        is_complete: !interrupt.is_raised(),
    };
    publication.publish(args.json, args.markdown.as_deref())
}

fn disturb(bed: &mut Testbed, disturbance: Disturbance, args: &Args) -> Result<Outcome> {
    bed.traffic().rest(false);
    bed.renew(NODE_A.name)?;
    bed.traffic().rest(true);
    match disturbance {
        Disturbance::Handshakes => {
            let terminator = Terminator::start(bed)?;
            lead_through(bed, &terminator)?;
            let time = Duration::from_secs(args.seconds.into());
            let mut outcome = watch(bed, disturbance, time, args.profile.interval(), || {
                // What it finds does not matter here; that it looks does.
                bed.node(NODE_A.name)?.pairctl(&["doctor"]).map(drop)
            })?;
            // Each call has a connection of its own. Handshakes without a call are not counted.
            let since_ms = bed.lab().clock_ms().saturating_sub(1000 * u64::from(args.seconds));
            let log = bed.lab().log();
            let calls = log
                .iter()
                .filter(|call| call.node == NODE_A.name && call.ms >= since_ms);
            outcome.times = u64::try_from(calls.count())?;
            Ok(outcome)
        }
        Disturbance::Scrapes => {
            let time = Duration::from_secs(60 * u64::from(args.minutes));
            watch(bed, disturbance, time, args.profile.interval(), || {
                bed.node(NODE_A.name)?.place().run(scrape)?;
                bed.pass(Duration::from_secs(1))
            })
        }
    }
}

/// Starts the first node's agent anew, with EC2 behind TLS.
fn lead_through(bed: &mut Testbed, terminator: &Terminator) -> Result<()> {
    let node = bed.node(NODE_A.name)?;
    let trusted = node.files().write("ec2.pem", terminator.certificate(), 0o644)?;
    let mut command = paird::command(bed, node)?;
    command
        .env("AWS_ENDPOINT_URL_EC2", Terminator::endpoint())
        .env("SSL_CERT_FILE", trusted);
    bed.node_mut(NODE_A.name)?.start_agent(command)?;
    bed.settle()
}

/// Disturbs the first node again and again for some time, and watches both.
fn watch(
    bed: &Testbed,
    disturbance: Disturbance,
    time: Duration,
    interval: Duration,
    disturb_once: impl Fn() -> Result<()>,
) -> Result<Outcome> {
    let [a, b] = bed.nodes();
    let resident =
        || -> Result<[u64; 2]> { Ok([Usage::of(a.agent()?)?.resident_kib, Usage::of(b.agent()?)?.resident_kib]) };
    let keep_on = |time: Duration| -> Result<u64> {
        let until_ms = bed.lab().clock_ms() + u64::try_from(time.as_millis())?;
        let mut times = 0;
        while bed.lab().clock_ms() < until_ms {
            ensure!(!bed.interrupt().is_raised(), "interrupted");
            disturb_once()?;
            times += 1;
        }
        Ok(times)
    };
    keep_on(WARM)?;
    let before = resident()?;
    let taps = [
        Tap::open(b.place(), NODE_A.address, tap::UDP)?,
        Tap::open(a.place(), NODE_B.address, tap::UDP)?,
    ];
    let times = keep_on(time)?;
    let after = resident()?;
    let side = |at: usize| -> Result<Side> {
        let rhythm = Rhythm::of(&taps[at].take(), interval).context("no heartbeats came")?;
        Ok(Side {
            rhythm,
            resident_kib: [before[at], after[at]],
        })
    };
    Ok(Outcome {
        disturbance,
        seconds: time.as_secs(),
        times,
        disturbed: side(0)?,
        left_alone: side(1)?,
    })
}

/// Reads the metrics of the node on which it runs.
fn scrape() -> Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, METRICS)).context("no metrics are served")?;
    stream.set_read_timeout(Some(super::PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page).context("the metrics cannot be read")?;
    ensure!(
        page.starts_with("HTTP/1.1 200 ") && page.contains("\npaird_"),
        "these are no metrics:\n{page}"
    );
    Ok(())
}

/// Before the first look at memory: what the first disturbances need for good is there.
const WARM: Duration = Duration::from_secs(10);

/// `metrics.listen` by default.
const METRICS: u16 = 9694;
