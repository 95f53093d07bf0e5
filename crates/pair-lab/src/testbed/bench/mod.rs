//! `pair-lab bench`: paird and what people run today, side by side in one run.
//!
//! `failover` is here, what an agent costs in the modules below.
//!
//! Timings on a shared machine are noisy; ratios of figures that were taken side by side are not. So the contenders take turns: run
//! one of everybody, then run two of everybody, on the same testbed.

mod bfd;
mod document;
mod idle;
mod idle_table;
mod jitter;
mod jitter_table;
mod packets;
mod picture;
mod publication;
mod rhythm;
mod surroundings;
mod table;
mod tap;
mod terminator;
mod usage;
mod verdict;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::bed::{Ec2, Testbed};
use super::contender::{Contender, Profile};
use super::keepalived::Flavour;
use super::programs::Programs;
use super::report::{self, Report};
use super::scenario::{self, Scenario};
use super::{INTERRUPTED, enclosure, play_once};
use crate::wait::Interrupt;
use bfd::Detection;
use surroundings::Surroundings;

/// What to measure.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Bench {
    /// Outages and needless moves of paird and keepalived, side by side.
    Failover(Args),
    /// What a node costs on which nothing happens: memory, processor, packets, calls, start.
    Idle(idle::Args),
    /// Whether TLS handshakes and scrapes delay heartbeats.
    Jitter(jitter::Args),
}

/// How to measure failovers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How often to play each scenario with each contender; by default as the plan says, 50 min in all.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: Option<u32>,
    /// Only this scenario of the plan (repeatable).
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Only this contender (repeatable).
    #[arg(long, value_name = "NAME")]
    contender: Vec<Contender>,
    /// Print one JSON document in place of the tables.
    #[arg(long)]
    json: bool,
    /// A document in which the table between the marks `failover` is replaced.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Where to draw every outage that was measured.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Where `paird` and `pairctl` are; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Set by the lab itself when it has made its namespaces.
    #[arg(long, value_enum, hide = true)]
    inside: Option<enclosure::Role>,
}

/// Measures. Succeeds only if every limit of paird held and every ratio is as large as it must be.
pub(crate) fn run(bench: &Bench) -> Result<ExitCode> {
    match bench {
        Bench::Failover(args) => failover(args),
        Bench::Idle(args) => idle::run(args),
        Bench::Jitter(args) => jitter::run(args),
    }
}

fn failover(args: &Args) -> Result<ExitCode> {
    let contenders = if args.contender.is_empty() {
        CONTENDERS.to_vec()
    } else {
        args.contender.clone()
    };
    let plan = plan(args)?;
    let programs = Programs::find(args.bin_dir.as_deref())?;
    if let Some(obstacle) = contenders.iter().find_map(|contender| contender.obstacle()) {
        bail!("{obstacle}");
    }
    if let Some(code) = enclosure::enter(args.inside)? {
        return Ok(code);
    }
    let surroundings = Surroundings::look(&programs);
    let interrupt = Interrupt::listen()?;
    let mut bed = Testbed::build(contenders[0], Ec2::Emulator, programs, interrupt.clone())?;
    let mut reports = Vec::new();
    for (scenario, runs) in plan {
        reports.extend(compare(&mut bed, scenario, runs, &contenders)?);
        if interrupt.is_raised() {
            break;
        }
    }
    let detection = if args.contender.is_empty() && !interrupt.is_raised() {
        Detection::measure(&mut bed, args.runs.unwrap_or(DETECTIONS))?
    } else {
        Detection::Skipped("only some contenders were asked for")
    };
    let ratios = table::ratios(&reports);
    if args.json {
        print_json(&reports, &ratios, &detection, &surroundings, !interrupt.is_raised())?;
    } else {
        println!("\n{}", table::markdown(&reports, &contenders));
        println!("{}", detection.words());
        ratios.iter().for_each(|ratio| println!("{}", ratio.words()));
    }
    if interrupt.is_raised() {
        eprintln!("interrupted: these are the runs that were complete");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let table = table::markdown(&reports, &contenders);
    let mut part = format!("{table}\n{} {}\n", detection.words(), surroundings.words());
    if let Some(file) = &args.svg {
        let svg = picture::draw(&reports, &contenders)?;
        fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().display();
        part += &format!("\n![Each outage as a dot, by fault and contender]({name})\n");
    }
    if let Some(file) = &args.markdown {
        document::replace(file, "failover", &part)?;
    }
    let holds = reports.iter().all(Report::holds) && ratios.iter().all(|ratio| ratio.holds);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What to play, and how often.
fn plan(args: &Args) -> Result<Vec<(&'static Scenario, u32)>> {
    let known = PLAN.iter().map(|(name, _)| *name);
    if let Some(unknown) = args
        .scenario
        .iter()
        .find(|name| !known.clone().any(|known| known == name.as_str()))
    {
        bail!(
            "{unknown:?} is not in the plan: {}",
            known.collect::<Vec<_>>().join(", ")
        );
    }
    let is_wanted = |name: &str| args.scenario.is_empty() || args.scenario.iter().any(|wanted| wanted == name);
    let wanted = PLAN.into_iter().filter(|(name, _)| is_wanted(name));
    wanted
        .map(|(name, runs)| {
            let scenario = scenario::find(name).with_context(|| format!("no scenario is called {name}"))?;
            Ok((scenario, args.runs.unwrap_or(runs)))
        })
        .collect()
}

/// Plays a scenario with everybody in turn.
fn compare(bed: &mut Testbed, scenario: &'static Scenario, runs: u32, contenders: &[Contender]) -> Result<Vec<Report>> {
    eprintln!("== {}: {}", scenario.name, scenario.story);
    let mut all: Vec<_> = contenders.iter().map(|contender| (*contender, Vec::new())).collect();
    'runs: for number in 1..=runs {
        for (contender, runs) in &mut all {
            bed.change_contender(*contender)?;
            match play_once(scenario, bed, number) {
                Ok(run) => {
                    eprintln!("{contender:<16} {}", report::line(&run));
                    runs.push(run);
                }
                Err(_) if bed.interrupt().is_raised() => break 'runs,
                // One that does not come to rest is told and left out; the others go on.
                Err(error) => eprintln!("{contender:<16} run {number} could not be played: {error:#}"),
            }
        }
    }
    let reports = all
        .into_iter()
        .map(|(contender, runs)| Report::of(scenario, contender, runs));
    Ok(reports.collect())
}

fn print_json(
    reports: &[Report],
    ratios: &[table::Ratio],
    detection: &Detection,
    surroundings: &Surroundings,
    is_complete: bool,
) -> Result<()> {
    let scenarios: Vec<Value> = reports.iter().map(Report::json).collect();
    let document = json!({
        "version": 1,
        "complete": is_complete,
        "surroundings": surroundings,
        "bfd": detection,
        "ratios": ratios,
        "scenarios": scenarios,
    });
    let text = serde_json::to_string_pretty(&document).context("cannot write the document")?;
    println!("{text}");
    Ok(())
}

/// Whom to compare, in the order of the table.
const CONTENDERS: [Contender; 4] = [
    Contender::Paird(Profile::Default),
    Contender::Paird(Profile::Fast),
    Contender::Keepalived(Flavour::Standard),
    Contender::Keepalived(Flavour::Fast),
];

/// How often detection alone is measured.
const DETECTIONS: u32 = 10;

/// How long anything may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// What to play how often: within the hour with all four.
const PLAN: [(&str, u32); 5] = [
    ("host-death", 10),
    ("haproxy-killed", 10),
    ("haproxy-hung", 5),
    ("agent-killed", 10),
    ("path-cut", 3),
];
