//! `pair-lab bench idle`: what a node costs on which nothing happens.
//!
//! ```text
//!   start, n times        from the start of the program on `a`, alone, to the first packet of its protocol at `b`
//!   both nodes content    no client asks anything; some seconds pass
//!   watch                 memory at the end; processor, packets and calls of the time between
//!   one rehearsal         (paird) what the proof of readiness costs in EC2 calls, which comes four times an hour at most
//! ```
//!
//! Memory, processor and calls are those of the node that needs more; packets are those of the node that does not hold the address.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::json;

use super::super::bed::{Ec2, Testbed};
use super::super::contender::Contender;
use super::super::figures::Spread;
use super::super::network::{NODE_A, NODE_B};
use super::super::programs::{self, Programs};
use super::super::{enclosure, paird};
use super::bfd;
use super::idle_table as table;
use super::packets::Packets;
use super::publication::Publication;
use super::surroundings::Surroundings;
use super::tap::{self, Tap};
use super::usage::Usage;
use super::{CONTENDERS, PATIENCE};
use crate::process::Process;
use crate::wait::Interrupt;

/// How to measure idle nodes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long to watch each pair.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// How often to measure each start.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    starts: u32,
    /// Only this contender (repeatable); by default all that are installed, and bfdd.
    #[arg(long, value_name = "NAME")]
    contender: Vec<Contender>,
    /// Print one JSON document in place of the table.
    #[arg(long)]
    json: bool,
    /// A document in which the table between the marks `idle` is replaced.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Where `paird` and `pairctl` are; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Set by the lab itself when it has made its namespaces.
    #[arg(long, value_enum, hide = true)]
    inside: Option<enclosure::Role>,
}

/// What an idle node of a contender costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Idle {
    pub(super) name: &'static str,
    pub(super) resident_kib: u64,
    pub(super) locked_kib: u64,
    pub(super) proportional_kib: u64,
    /// Of one core.
    pub(super) processor_percent: f64,
    pub(super) wakeups_per_s: f64,
    pub(super) sent_per_s: f64,
    pub(super) received_per_s: f64,
    pub(super) imds_per_hour: u64,
    pub(super) ec2_per_hour: u64,
    /// How many EC2 calls one rehearsal of a takeover takes; nothing for those who rehearse none.
    pub(super) rehearsal_calls: Option<u64>,
    /// From the start of the program to its first packet.
    pub(super) start_ms: Option<Spread>,
    /// The program itself, without libraries and interpreters that it needs.
    pub(super) program_kib: u64,
}

/// Measures. Succeeds only if the limits of an idle node held.
pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let programs = Programs::find(args.bin_dir.as_deref())?;
    let contenders = contenders(args)?;
    if let Some(code) = enclosure::enter(args.inside)? {
        return Ok(code);
    }
    let surroundings = Surroundings::look(&programs);
    let interrupt = Interrupt::listen()?;
    let mut bed = Testbed::build(contenders[0], Ec2::Emulator, programs, interrupt.clone())?;
    let mut costs = Vec::new();
    for contender in contenders {
        match of_contender(&mut bed, contender, args) {
            Ok(idle) => costs.push(told(idle)),
            Err(_) if interrupt.is_raised() => break,
            Err(error) => return Err(error.context(contender.name())),
        }
    }
    if args.contender.is_empty() && !interrupt.is_raised() {
        match bfd::obstacle() {
            None => costs.push(told(of_bfdd(&mut bed, args)?)),
            Some(obstacle) => eprintln!("frr-bfdd is not measured: {obstacle}"),
        }
    }
    let publication = Publication {
        name: "idle",
        unit: "contenders",
        surroundings: &surroundings,
        text: table::markdown(&costs),
        verdicts: table::verdicts(&costs),
        figures: json!({ "seconds": args.seconds, "contenders": costs }),
        remark: format!("Watched for {} s. ", args.seconds),
        is_complete: !interrupt.is_raised(),
    };
    publication.publish(args.json, args.markdown.as_deref())
}

/// Whom to measure: those who were asked for, or all who are installed.
fn contenders(args: &Args) -> Result<Vec<Contender>> {
    if args.contender.is_empty() {
        let is_there = |contender: &Contender| match contender.obstacle() {
            None => true,
            Some(obstacle) => {
                eprintln!("{contender} is not measured: {obstacle}");
                false
            }
        };
        return Ok(CONTENDERS.into_iter().filter(is_there).collect());
    }
    match args.contender.iter().find_map(|contender| contender.obstacle()) {
        Some(obstacle) => bail!("{obstacle}"),
        None => Ok(args.contender.clone()),
    }
}

fn told(idle: Idle) -> Idle {
    let Idle {
        name,
        resident_kib,
        processor_percent,
        ..
    } = &idle;
    eprintln!("{name:<16} {resident_kib} KiB resident, {processor_percent:.2} % of one core");
    idle
}

fn of_contender(bed: &mut Testbed, contender: Contender, args: &Args) -> Result<Idle> {
    bed.change_contender(contender)?;
    let (protocol, program) = match contender {
        Contender::Paird(_) => (tap::UDP, Some(bed.programs().own("paird"))),
        Contender::Keepalived(_) => (tap::VRRP, programs::find("keepalived")),
    };
    let mut starts = Vec::new();
    for _ in 0..args.starts {
        prepare_start(bed)?;
        starts.push(time_start(bed, protocol, |bed| bed.start_agent(0))?);
    }
    bed.traffic().rest(false);
    bed.renew(NODE_A.name)?;
    bed.traffic().rest(true);
    let [a, b] = bed.nodes();
    let mut idle = watch(bed, [a.agent()?, b.agent()?], args)?;
    idle.name = contender.name();
    if let Contender::Paird(_) = contender {
        let since_ms = bed.lab().clock_ms();
        paird::order_rehearsal(bed)?;
        let calls = bed.interrupt().until("a rehearsal", PATIENCE, || {
            let calls = calls_since(bed, NODE_B.name, since_ms);
            Ok(calls.iter().any(|is_rehearsal| *is_rehearsal).then_some(()))
        });
        calls?;
        // What belongs to it follows within milliseconds.
        bed.pass(Duration::from_secs(2))?;
        let calls = u64::try_from(calls_since(bed, NODE_B.name, since_ms).len())?;
        idle.rehearsal_calls = Some(calls);
        idle.ec2_per_hour += calls * REHEARSALS_PER_HOUR;
    }
    idle.start_ms = Spread::over(starts);
    idle.program_kib = size_kib(program.as_deref())?;
    Ok(idle)
}

fn of_bfdd(bed: &mut Testbed, args: &Args) -> Result<Idle> {
    let mut starts = Vec::new();
    for _ in 0..args.starts {
        prepare_start(bed)?;
        let mut started = None;
        starts.push(time_start(bed, tap::UDP, |bed| {
            let [a, b] = bed.nodes();
            started = Some(bfd::start(a, b.host())?);
            Ok(())
        })?);
    }
    bed.clear()?;
    let [a, b] = bed.nodes();
    let sessions = [bfd::start(a, b.host())?, bfd::start(b, a.host())?];
    bed.interrupt().until("the session is up", PATIENCE, || {
        let is_up = |session: &Process| session.printed().contains("-> up");
        Ok(sessions.iter().all(is_up).then_some(()))
    })?;
    let [a, b] = &sessions;
    let mut idle = watch(bed, [a, b], args)?;
    idle.name = "frr-bfdd";
    idle.start_ms = Spread::over(starts);
    idle.program_kib = size_kib(Some(Path::new(bfd::BFDD)))?;
    Ok(idle)
}

/// Lets nothing run but HAProxy on the first node, without a past, as after a boot.
fn prepare_start(bed: &mut Testbed) -> Result<()> {
    bed.traffic().rest(true);
    bed.clear()?;
    let node = bed.node_mut(NODE_A.name)?;
    node.wipe_state()?;
    node.start_haproxy()?;
    bed.interrupt().until("HAProxy answers", PATIENCE, || {
        Ok(bed.node(NODE_A.name)?.connections().ok())
    })?;
    Ok(())
}

/// Starts a program on the first node, and says after how many milliseconds its first packet reaches the second.
fn time_start(bed: &mut Testbed, protocol: u8, start: impl FnOnce(&mut Testbed) -> Result<()>) -> Result<u64> {
    let tap = Tap::open(bed.nodes()[1].place(), NODE_A.address, protocol)?;
    let before = SystemTime::now().duration_since(UNIX_EPOCH)?;
    start(bed)?;
    let first = bed
        .interrupt()
        .until("a first packet", PATIENCE, || Ok(tap.first()))
        .with_context(|| bed.logs())?;
    Ok(u64::try_from(first.saturating_sub(before).as_millis())?)
}

/// Watches two programs for the time asked for, of which nothing is wanted.
fn watch(bed: &Testbed, programs: [&Process; 2], args: &Args) -> Result<Idle> {
    bed.pass(WARM)?;
    let seconds = f64::from(args.seconds);
    let look = |program: &Process| Usage::of(program);
    let since_ms = bed.lab().clock_ms();
    let asked = [NODE_A, NODE_B].map(|host| bed.lab().imds_requests(host.name));
    let packets = Packets::count(bed.router(), NODE_B)?;
    let before = [look(programs[0])?, look(programs[1])?];
    bed.pass(Duration::from_secs(args.seconds.into()))?;
    let after = [look(programs[0])?, look(programs[1])?];
    let [sent, received] = packets.read()?;
    let most = |of: &dyn Fn(usize) -> u64| of(0).max(of(1));
    let processor = (after[0].processor - before[0].processor).max(after[1].processor - before[1].processor);
    let wakeups = most(&|at| after[at].wakeups.saturating_sub(before[at].wakeups));
    let hosts = [NODE_A.name, NODE_B.name];
    let per_hour = |count: u64| count * 3600 / u64::from(args.seconds);
    // A rehearsal that falls into this time is not counted: how often one comes is known, and each takes the same calls.
    let between_rehearsals = |at: usize| {
        let calls = calls_since(bed, hosts[at], since_ms);
        let rehearsals = calls.iter().filter(|is_rehearsal| **is_rehearsal).count();
        calls.len().saturating_sub(rehearsals * CALLS_OF_REHEARSAL) as u64
    };
    Ok(Idle {
        name: "",
        resident_kib: most(&|at| after[at].resident_kib),
        locked_kib: most(&|at| after[at].locked_kib),
        proportional_kib: most(&|at| after[at].proportional_kib),
        processor_percent: 100.0 * processor.as_secs_f64() / seconds,
        wakeups_per_s: wakeups as f64 / seconds,
        sent_per_s: sent as f64 / seconds,
        received_per_s: received as f64 / seconds,
        imds_per_hour: per_hour(most(&|at| bed.lab().imds_requests(hosts[at]) - asked[at])),
        ec2_per_hour: per_hour(most(&between_rehearsals)),
        rehearsal_calls: None,
        start_ms: None,
        program_kib: 0,
    })
}

/// The EC2 calls of a node since this moment, by the emulator's record: of each, whether it rehearses a claim.
fn calls_since(bed: &Testbed, node: &str, since_ms: u64) -> Vec<bool> {
    let log = bed.lab().log();
    let calls = log.iter().filter(|call| call.node == node && call.ms >= since_ms);
    calls
        .map(|call| call.action == "AssociateAddress" && call.dry_run)
        .collect()
}

fn size_kib(program: Option<&Path>) -> Result<u64> {
    let program = program.context("the program is not there")?;
    let size = fs::metadata(program)
        .with_context(|| format!("cannot look at {}", program.display()))?
        .len();
    Ok(size.div_ceil(1024))
}

/// Between contentment and the first look: what a start has to do is done, and its first rehearsal over.
const WARM: Duration = Duration::from_secs(5);

/// `readiness.interval` is 15 min unless configured, and is never shortened by chance.
const REHEARSALS_PER_HOUR: u64 = 4;

/// The address, the dry run, and the addresses beside it.
const CALLS_OF_REHEARSAL: usize = 3;
