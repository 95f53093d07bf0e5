//! Many histories, until the time is over or one of them is broken.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use pair_sim::{Shape, Soak};

use crate::{report, shape::ShapeArgs};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For how many minutes of real time.
    #[arg(long, default_value_t = 10.0, value_parser = minutes)]
    minutes: f64,
    /// On how many threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The seed of the first history [default: the time of day].
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    shape: ShapeArgs,
    /// Where the trace of a broken history goes.
    #[arg(long, value_name = "FILE", default_value = "broken.trace")]
    trace: PathBuf,
}

/// Plays histories; false if one is broken, or if something never happened in any of them.
pub(crate) fn run(args: &Args) -> anyhow::Result<bool> {
    let seed = args.seed.unwrap_or_else(of_today);
    println!("seed {seed}, {} minutes on {} threads", args.minutes, args.jobs);
    let began = Instant::now();
    let soak = Soak {
        first_seed: seed,
        shape: args.shape.shape(),
        histories: u64::MAX,
        time: Duration::from_secs_f64(args.minutes * 60.0),
        jobs: args.jobs,
    };
    let (tally, broken) = soak.run();
    report::print(&tally, began.elapsed());
    if let Some(broken) = broken {
        println!("\nbroken: {}", broken.why);
        let shrunk = broken.schedule.shrunk();
        let text = format!("# {}\n{shrunk}", first_line(&broken.why));
        fs::write(&args.trace, &text).with_context(|| format!("cannot write {}", args.trace.display()))?;
        println!("\n{text}\nreplay: pair-sim replay {}", args.trace.display());
        return Ok(false);
    }
    let lacking = tally.lacking(least(args.minutes, soak.shape), soak.shape);
    for what in &lacking {
        println!("lacking: {what}");
    }
    Ok(lacking.is_empty())
}

/// How often each kind of fault must have struck: a thousand times in ten minutes, and as many in any longer time. A history of several
/// addresses takes as many times as long.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number of minutes is positive and small"
)]
fn least(minutes: f64, shape: Shape) -> u64 {
    (minutes * 100.0 / f64::from(shape.addresses)).clamp(1.0, 1_000.0) as u64
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    if (0.01..=10_000.0).contains(&minutes) {
        Ok(minutes)
    } else {
        Err("it must be between 0.01 and 10000".to_owned())
    }
}

/// A seed that differs from run to run.
fn of_today() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs() << 20)
}
