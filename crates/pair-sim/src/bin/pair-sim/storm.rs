//! A zone dies, in numbers.

mod table;

use std::{fs, path::PathBuf, thread, time::Instant};

use anyhow::Context as _;
use pair_sim::{
    Limit,
    storm::{Figures, Goal, Storm},
};

use crate::page;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many pairs have their holder in the zone, one storm for each number.
    #[arg(long, num_args = 1.., default_values_t = [10, 100, 1_000, 5_000], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pairs: Vec<u32>,
    /// The seed of the first storm of each size.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many storms of each size, each with the next seed.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    seeds: u64,
    /// How many claims EC2 lets through at once, and how many a second after that.
    #[arg(long, value_name = "BURST/PER_SECOND", default_value = "50/5")]
    claims: Limit,
    /// How many describes.
    #[arg(long, value_name = "BURST/PER_SECOND", default_value = "100/20")]
    describes: Limit,
    /// On how many threads.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The document whose table is replaced, between its marks [default: the table goes to stdout].
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// Plays the storms, writes what they were like, and says whether all of them met the goal.
pub(crate) fn run(args: &Args) -> anyhow::Result<bool> {
    let page = args
        .markdown
        .as_deref()
        .map(|file| page::read(file, "storm"))
        .transpose()?;
    let began = Instant::now();
    let storm = |pairs, number| Storm {
        claims: args.claims,
        describes: args.describes,
        ..Storm::new(pairs, args.seed.wrapping_add(number))
    };
    let sizes = args.pairs.iter();
    let storms: Vec<Storm> = sizes
        .flat_map(|pairs| (0..args.seeds).map(move |number| storm(*pairs, number)))
        .collect();
    let figures = play(&storms, args.jobs)?;
    eprintln!("played in {:.0} s", began.elapsed().as_secs_f64());
    let table = table::table(&figures)?;
    match (&args.markdown, page) {
        (Some(file), Some(page)) => {
            fs::write(file, page.with(&table)).with_context(|| format!("cannot write {}", file.display()))?;
        }
        (Some(_) | None, Some(_) | None) => print!("{table}"),
    }
    let mut is_met = true;
    for storm in &figures {
        for missed in Goal::PROMISED.missed(storm) {
            is_met = false;
            eprintln!("{} pairs, seed {}: {missed}", storm.pairs, storm.seed);
        }
    }
    Ok(is_met)
}

/// Plays storms on several threads; what comes out does not depend on how many.
fn play(storms: &[Storm], jobs: usize) -> anyhow::Result<Vec<Figures>> {
    let mut figures = Vec::new();
    for some in storms.chunks(jobs.max(1)) {
        let played: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|storm| scope.spawn(|| storm.play())).collect();
            let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined.map(|played| played.expect("a storm does not panic")).collect()
        });
        for played in played {
            figures.push(played.map_err(|violation| anyhow::anyhow!("{violation}"))?);
        }
    }
    Ok(figures)
}
