//! `pair-lab demo`: a whole pair on loopback, a failover before one's eyes, and its measured times.
//!
//! ```text
//!            ┌──────────── forwarder: the published address, follows only the emulator's association
//!  client ───┤
//!            ├── node a: paird + service on 127.0.0.1 ──┐ UDP heartbeats
//!            └── node b: paird + service on 127.0.0.2 ──┘
//!                     │ AssociateAddress, DescribeAddresses, IMDSv2
//!                     └── emulated EC2 and IMDS on loopback
//! ```
//!
//! The holder *and* its service are killed with SIGKILL, as if its host had died; the client says how long nobody answered.

mod measure;
mod report;
mod stage;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::wait::Interrupt;
use measure::Run;
use stage::Stage;

/// What the demo does.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where `paird`, `pairctl` and `pair-lab` are; by default beside this program.
    #[arg(long, value_name = "DIR")]
    bin_dir: Option<PathBuf>,
    /// How many failovers to show, one after the other.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Print one JSON document with the measured runs in place of the story.
    #[arg(long)]
    json: bool,
    /// Leave the pair running afterwards, until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// Let the emulator deny the claim, to see what a failover that fails looks like.
    #[arg(long)]
    break_claim: bool,
}

/// Shows the failovers. Succeeds only if the address moved and the client was answered, each time.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let interrupt = Interrupt::listen()?;
    let bin_dir = match &args.bin_dir {
        Some(dir) => dir.clone(),
        None => beside_this_program()?,
    };
    let say = report::Teller::new(!args.json);
    say.line("starting a pair on loopback: no account, no root, nothing leaves this machine");
    let mut stage = Stage::set(&bin_dir, interrupt.clone())?;
    say.line(&format!("service: {}", stage.service_kind()));
    stage.wait_until_healthy()?;
    say.statuses("both nodes are healthy", &stage)?;
    let mut runs = Vec::new();
    for number in 1..=args.runs {
        if number > 1 {
            stage.revive()?;
            stage.wait_until_healthy()?;
        }
        let run = Run::measure(&mut stage, args.break_claim)?;
        say.run(number, &run);
        let is_over = !run.is_success();
        runs.push(run);
        if is_over {
            break;
        }
    }
    say.statuses("afterwards", &stage)?;
    let succeeded = runs.iter().all(Run::is_success);
    if args.json {
        report::print_json(&stage, &runs)?;
    } else {
        say.summary(&runs, args.runs);
    }
    if args.keep {
        say.keeping(&stage);
        interrupt.wait();
    }
    Ok(if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn beside_this_program() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find out where this program is")?;
    Ok(program.parent().context("this program is in no folder")?.to_path_buf())
}
