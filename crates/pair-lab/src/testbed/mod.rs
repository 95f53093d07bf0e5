//! `pair-lab lab`: a whole pair in network namespaces, real HAProxy, faults of every kind, and what a client sees of them.

pub(crate) mod bed;
pub(crate) mod bench;
mod chance;
mod contender;
pub(crate) mod enclosure;
mod figures;
mod files;
mod flood;
pub(crate) mod gateway;
mod ground;
mod haproxy;
mod keepalived;
mod measure;
pub(crate) mod network;
mod node;
pub(crate) mod origin;
mod paird;
pub(crate) mod place;
pub(crate) mod programs;
mod relay;
mod report;
mod scenario;
mod traffic;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};

use bed::{Ec2, Testbed};
use contender::{Contender, Profile};
use figures::{Run, count_calls};
use programs::Programs;
use report::Report;
use scenario::Scenario;

use crate::wait::Interrupt;

/// What the lab does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to play, by name; `--list` shows what there is.
    #[arg(value_name = "SCENARIO", required_unless_present = "list")]
    scenarios: Vec<String>,
    /// Show the scenarios with their limits, and play none.
    #[arg(long)]
    list: bool,
    /// How often to play each; by default as `--list` says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: Option<u32>,
    /// The profile of paird.
    #[arg(long, value_enum, default_value_t = Profile::Default, conflicts_with = "contender")]
    profile: Profile,
    /// Who watches over the address, if not paird: keepalived-std or keepalived-fast.
    #[arg(long, value_name = "NAME")]
    contender: Option<Contender>,
    /// Who answers the EC2 calls.
    #[arg(long, value_enum, default_value_t = Ec2::Emulator)]
    ec2: Ec2,
    /// How long the soak goes on.
    #[arg(long, value_name = "MIN", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    minutes: u32,
    /// What the chance of the scenarios comes from; by default the time.
    #[arg(long)]
    seed: Option<u64>,
    /// Print one JSON document in place of the story.
    #[arg(long)]
    json: bool,
    /// Print to standard error what the agents have logged in each run.
    #[arg(long)]
    logs: bool,
    /// Where `paird` and `pairctl` are; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// Set by the lab itself when it has made its namespaces.
    #[arg(long, value_enum, hide = true)]
    inside: Option<enclosure::Role>,
}

/// Plays the scenarios. Succeeds only if every limit held.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let contender = args.contender.unwrap_or(Contender::Paird(args.profile));
    if args.list {
        report::print_list(contender);
        return Ok(ExitCode::SUCCESS);
    }
    let scenarios = args.scenarios.iter().map(|name| match scenario::find(name) {
        Some(scenario) => Ok(scenario),
        None => bail!("no scenario is called {name:?}: --list shows what there is"),
    });
    let scenarios = scenarios.collect::<Result<Vec<_>>>()?;
    let programs = Programs::find(args.bin_dir.as_deref())?;
    if let Some(obstacle) = contender.obstacle() {
        bail!("{obstacle}");
    }
    if let Some(code) = enclosure::enter(args.inside)? {
        return Ok(code);
    }
    let interrupt = Interrupt::listen()?;
    let mut bed = Testbed::build(contender, args.ec2, programs, interrupt.clone())?;
    bed.set_soak(Duration::from_secs(60 * u64::from(args.minutes)), args.seed);
    let mut reports = Vec::new();
    for scenario in scenarios {
        let runs = play(scenario, &mut bed, args)?;
        let report = Report::of(scenario, contender, runs);
        if !args.json {
            report.lines().iter().for_each(|line| println!("{line}"));
        }
        reports.push(report);
        if interrupt.is_raised() {
            break;
        }
    }
    if args.json {
        report::print_json(&reports, !interrupt.is_raised())?;
    }
    Ok(if interrupt.is_raised() {
        eprintln!("interrupted: these are the runs that were complete");
        ExitCode::from(INTERRUPTED)
    } else if reports.iter().all(Report::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Plays a scenario as often as wanted, or until somebody wants it to end.
fn play(scenario: &Scenario, bed: &mut Testbed, args: &Args) -> Result<Vec<Run>> {
    let count = args.runs.unwrap_or(scenario.runs);
    if !args.json {
        println!("\n== {}, {}: {}", scenario.name, bed.contender(), scenario.story);
    }
    let mut runs = Vec::new();
    for number in 1..=count {
        let outcome = play_once(scenario, bed, number);
        if args.logs {
            eprintln!("{}", bed.logs());
        }
        match outcome {
            Ok(run) => {
                if !args.json {
                    println!("{}", report::line(&run));
                }
                runs.push(run);
            }
            Err(_) if bed.interrupt().is_raised() => break,
            Err(error) => return Err(error.context(format!("{}, run {number}", scenario.name))),
        }
    }
    Ok(runs)
}

fn play_once(scenario: &Scenario, bed: &mut Testbed, number: u32) -> Result<Run> {
    let wanted = if number % 2 == 1 { "a" } else { "b" };
    bed.renew(wanted)?;
    bed.pass(CALM + phase(number))?;
    let holder = bed.holder()?;
    // keepalived's master takes it as configured; paird leaves it where it was put, and if not, somebody should know why.
    if holder != wanted && matches!(bed.contender(), Contender::Paird(_)) {
        eprintln!("the address moved to {holder} before anything was done\n{}", bed.logs());
    }
    let since_ms = bed.lab().clock_ms();
    let broken = bed.traffic().broken();
    let mut figures = (scenario.play)(bed)?;
    let counts = [
        ("moves", bed.moves(since_ms).len()),
        ("failed", bed.traffic().failed(since_ms, bed.lab().clock_ms())),
    ];
    for (name, count) in counts {
        figures.entry(name).or_insert(u64::try_from(count)?);
    }
    figures.insert("broken", bed.traffic().broken() - broken);
    let calls = count_calls(&bed.lab().log(), since_ms);
    Ok(Run {
        number,
        holder,
        figures,
        calls,
    })
}

/// Where in the agents' intervals a run strikes: spread evenly over a second, which is a multiple of every interval here. The
/// golden ratio spreads any number of runs.
fn phase(number: u32) -> Duration {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    Duration::from_secs_f64((f64::from(number) * GOLDEN).fract())
}

/// Before each fault: some heartbeats, so that each node has heard the other with the address where it is.
const CALM: Duration = Duration::from_secs(2);

/// What a shell reports of a program that an interrupt ended: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_strike_everywhere_in_an_interval() {
        let mut tenths: Vec<u128> = (1..=10).map(|number| phase(number).as_millis() / 100).collect();
        tenths.sort_unstable();
        tenths.dedup();
        assert!(tenths.len() >= 8, "{tenths:?}");
    }
}
