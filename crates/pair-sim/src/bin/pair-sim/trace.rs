//! The history of one seed.

use pair_sim::Schedule;

use crate::shape::ShapeArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The seed.
    #[arg(long)]
    seed: u64,
    #[command(flatten)]
    shape: ShapeArgs,
    /// Print everything that happens, not only if something goes wrong.
    #[arg(long)]
    verbose: bool,
}

/// Plays the history of a seed; false if something goes wrong in it.
pub(crate) fn run(args: &Run) -> anyhow::Result<bool> {
    let schedule = Schedule::random(args.seed, args.shape.shape());
    print!("{schedule}");
    if args.verbose {
        print!("{}", schedule.told());
    }
    Ok(judge(&schedule))
}

/// Plays a history, and tells what went wrong in it.
pub(crate) fn judge(schedule: &Schedule) -> bool {
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
