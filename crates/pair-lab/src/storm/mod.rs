//! `pair-lab storm`: many real pairs in one emulated account, whose holders die at one moment.
//!
//! ```text
//!  pair 1   paird a1, paird b1 ──┐
//!  pair 2   paird a2, paird b2 ──┼──► one emulated EC2 with one bucket per action
//!  pair …   paird a…, paird b… ──┘
//!           all a… are killed with their services; the b… take the addresses
//! ```
//!
//! It is the check of `pair-sim storm`, which plays the same in virtual time: the same columns, the same limits. A pair costs
//! two daemons, so there are few of them, and the limits are as small in proportion.

mod fleet;
mod outcome;

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use pair_lab::Limit;

use crate::wait::Interrupt;
use fleet::Fleet;

/// What the storm is like.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where `paird` and `pairctl` are; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// How many pairs have their holder in the zone that dies.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    pairs: u8,
    /// How many claims EC2 lets through at once, and how many a second after that.
    #[arg(long, value_name = "BURST/PER_SECOND", default_value = "5/1", value_parser = limit)]
    claims: Limit,
    /// How many describes.
    #[arg(long, value_name = "BURST/PER_SECOND", default_value = "10/4", value_parser = limit)]
    describes: Limit,
}

/// Lets the zone die and prints what it was like. Succeeds if every address was moved.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let interrupt = Interrupt::listen()?;
    let bin_dir = match &args.bin_dir {
        Some(dir) => dir.clone(),
        None => {
            let program = std::env::current_exe().context("cannot find out where this program is")?;
            program.parent().context("this program is in no folder")?.to_path_buf()
        }
    };
    let mut fleet = Fleet::start(&bin_dir, args.pairs, interrupt)?;
    eprintln!("{} pairs run; waiting until each of them is healthy", args.pairs);
    fleet.wait_until_healthy()?;
    let outcome = fleet.storm(args.claims, args.describes)?;
    print!("{}", outcome.table());
    Ok(if outcome.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Reads a limit such as `50/5`.
fn limit(text: &str) -> Result<Limit> {
    let Some((burst, per_second)) = text.split_once('/') else {
        bail!("{text:?} is not BURST/PER_SECOND")
    };
    let number = |text| u32::from_str(text).with_context(|| format!("{text:?} is no number of calls"));
    Ok(Limit {
        burst: number(burst)?,
        per_second: number(per_second)?,
    })
}
