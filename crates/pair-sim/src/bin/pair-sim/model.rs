//! Every history within a bound.

use std::time::Duration;

use pair_sim::model::{Bound, Kind, Limits, check};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many faults are on a path at most.
    #[arg(long, value_name = "NUMBER", default_value_t = Bound::default().faults)]
    faults: u8,
    /// How many ticks a wait may last to be looked at to its end.
    #[arg(long, value_name = "NUMBER", default_value_t = Bound::default().ticks)]
    ticks: u64,
    /// Which kinds of fault [default: all; an unknown one is answered with their names].
    #[arg(long, value_name = "KIND,…", value_delimiter = ',')]
    kinds: Vec<Kind>,
    /// Let the nodes probe each other's service.
    #[arg(long)]
    probes: bool,
    /// Give the pair a witness.
    #[arg(long)]
    witness: bool,
    /// Find the members by their tag, so that instances can be replaced.
    #[arg(long)]
    found: bool,
    /// On how many threads. On one the paths that are shown are the shortest.
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    threads: usize,
    /// Give up after so many minutes.
    #[arg(long, value_name = "NUMBER")]
    minutes: Option<u32>,
}

/// Visits every state; false if a law is broken, or if something was not seen that should have been.
pub(crate) fn run(args: &Args) -> bool {
    let mut bound = Bound {
        faults: args.faults,
        ticks: args.ticks,
        probes: args.probes,
        witness: args.witness,
        found: args.found,
        ..Bound::default()
    };
    if !args.kinds.is_empty() {
        bound.kinds.clone_from(&args.kinds);
    }
    let limits = Limits {
        threads: args.threads,
        time: args.minutes.map(|minutes| Duration::from_secs(60) * minutes),
    };
    let findings = check(&bound, limits);
    print!("{findings}");
    findings.broken.is_empty() && findings.unseen.is_empty()
}
