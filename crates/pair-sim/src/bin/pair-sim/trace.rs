//! One history: of a seed, or from a trace file.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use pair_sim::Schedule;

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The seed.
    #[arg(long)]
    seed: u64,
    /// Print everything that happens, not only if something goes wrong.
    #[arg(long)]
    verbose: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The trace file.
    file: PathBuf,
}

/// Plays the history of a seed; false if something goes wrong in it.
pub(crate) fn run(args: &Run) -> anyhow::Result<bool> {
    let schedule = Schedule::random(args.seed);
    print!("{schedule}");
    if args.verbose {
        print!("{}", schedule.told());
    }
    Ok(judge(&schedule))
}

/// Plays a history from a file; false if something goes wrong in it.
pub(crate) fn replay(args: &Replay) -> anyhow::Result<bool> {
    let file = args.file.display();
    let text = fs::read_to_string(&args.file).with_context(|| format!("cannot read {file}"))?;
    let schedule: Schedule = text.parse().with_context(|| format!("{file}"))?;
    Ok(judge(&schedule))
}

fn judge(schedule: &Schedule) -> bool {
    match schedule.play(true) {
        Ok(tally) => {
            println!(
                "every invariant held: {} failovers in {} simulated seconds",
                tally.failovers, tally.seconds
            );
            true
        }
        Err(why) => {
            println!("{why}");
            false
        }
    }
}
