//! The false-takeover curve, as tables and as a picture.

mod number;
mod picture;
mod table;

use std::{fs, path::PathBuf, time::Instant};

use anyhow::Context as _;
use pair_sim::detection::{Curve, Effort};

use crate::page;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many days `default` is watched at 30 % loss; every other point gets a tenth, those of `fast` a quarter of that.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    days: u32,
    /// After how many needless claims a point is known well enough.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    enough: u64,
    /// How many peers die for each detection time.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    deaths: u64,
    /// On how many threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The seed of every history.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The document whose tables are replaced, between its markers [default: the tables go to stdout].
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Where the picture goes.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Measures, and writes what was measured.
pub(crate) fn run(args: &Args) -> anyhow::Result<bool> {
    if let Some(file) = &args.markdown {
        // A document without markers fails before minutes of work, not after.
        page::read(file, "curve")?;
    }
    let effort = Effort {
        seed: args.seed,
        days: f64::from(args.days),
        enough: args.enough,
        deaths: args.deaths,
        jobs: args.jobs,
    };
    let began = Instant::now();
    let curve = Curve::measure(&effort);
    eprintln!("measured in {:.0} s", began.elapsed().as_secs_f64());
    let tables = table::tables(&curve, &effort)?;
    match &args.markdown {
        Some(file) => {
            let text = page::read(file, "curve")?.with(&tables);
            fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => print!("{tables}"),
    }
    if let Some(file) = &args.svg {
        let picture = picture::picture(&curve)?;
        fs::write(file, picture).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(true)
}
