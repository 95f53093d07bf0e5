//! A trace file, played again: a schedule of this simulator, or the recording of a real daemon.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use pair_sim::Schedule;
use pair_wire::trace::Trace;

use crate::trace::judge;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The trace file: a schedule, or a recording of `pairctl why --export`.
    file: PathBuf,
}

/// Plays a trace file; false if something goes wrong in it, or otherwise than it was recorded.
pub(crate) fn run(args: &Args) -> anyhow::Result<bool> {
    let name = args.file.display();
    let file = File::open(&args.file).with_context(|| format!("cannot read {name}"))?;
    if !is_recording(&args.file)? {
        let text = fs::read_to_string(&args.file).with_context(|| format!("cannot read {name}"))?;
        let schedule: Schedule = text.parse().with_context(|| format!("{name}"))?;
        return Ok(judge(&schedule));
    }
    let trace = Trace::read(file).with_context(|| format!("{name}"))?;
    let header = &trace.header;
    println!(
        "node {} of pair {}, recorded by paird {}, replayed by the core of {}",
        header.node,
        header.pair,
        header.agent,
        env!("CARGO_PKG_VERSION")
    );
    match pair_sim::replay(&trace) {
        Ok(replayed) => {
            println!(
                "identical: {} inputs, {} decisions, {} outputs, {} snapshots, {:.1} s",
                replayed.inputs,
                replayed.decisions,
                replayed.outputs,
                replayed.snapshots,
                replayed.time.as_secs_f64()
            );
            Ok(true)
        }
        Err(difference) => {
            println!("different: {name}, {difference}");
            Ok(false)
        }
    }
}

/// A recording is JSON, and no schedule begins as JSON does.
fn is_recording(file: &Path) -> anyhow::Result<bool> {
    use std::io::Read as _;
    let mut first = [0];
    let read = File::open(file).and_then(|mut file| file.read(&mut first));
    let count = read.with_context(|| format!("cannot read {}", file.display()))?;
    Ok(count == 1 && first == *b"{")
}
