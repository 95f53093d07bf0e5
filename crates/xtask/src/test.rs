//! `cargo xtask test`: installs what the tests need, runs all of them and counts.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::brood::Brood;
use crate::summary::Summary;
use crate::tools::Tools;
use crate::workspace::{self, Workspace};

/// Which tests to run, and what a skip means.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Count a test that cannot run here as a failure.
    #[arg(long)]
    no_skip: bool,
    /// Run the tests of this package only (repeatable); default: all.
    #[arg(short, long, value_name = "NAME")]
    package: Vec<String>,
    /// Run only tests whose name contains this.
    filter: Option<String>,
}

/// Runs the tests and ends its output with `N passed, N failed, N skipped`.
///
/// The exit status is a failure if a test failed, none ran, or one was skipped in spite of `--no-skip`.
///
/// # Errors
/// If something around the tests fails: the build, or cargo itself.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let brood = Brood::adopt()?;
    let tools = Tools::prepare(workspace)?;
    let binaries = workspace.build_binaries()?;
    // What still has to be compiled is compiled here, where silence means nothing.
    workspace::run(cargo_test(workspace, args).arg("--no-run"))?;

    let mut tests = cargo_test(workspace, args);
    brood
        .house(&mut tests)
        .env("PATH", &tools.path)
        .env("PAIRD_BIN_DIR", &binaries)
        .stdout(Stdio::piped());
    if let Some(server) = &tools.moto_server {
        tests.env("PAIRD_MOTO", server);
    }
    if args.no_skip {
        tests.env("PAIRD_NO_SKIP", "1");
    }
    // The output of a test follows the names, in one piece: which backends it ran against, and why it was skipped.
    tests.args(["--no-fail-fast", "--", "--show-output"]).args(&args.filter);
    let started = Instant::now();
    let child = tests.spawn().context("cannot start cargo")?;
    let summary = watch(child, &brood)?;
    if brood.is_interrupted() {
        eprintln!("interrupted");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    for name in summary.skipped_names() {
        println!("skipped: {name}");
    }
    println!("tests took {:.1} s", started.elapsed().as_secs_f64());
    println!("{summary}");
    let is_complete = summary.passed() > 0 && !(args.no_skip && summary.skipped() > 0);
    Ok(if summary.failed() == 0 && is_complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn cargo_test(workspace: &Workspace, args: &Args) -> Command {
    let mut cargo = workspace.cargo();
    cargo.arg("test");
    if args.package.is_empty() {
        cargo.arg("--workspace");
    }
    for package in &args.package {
        cargo.args(["--package", package]);
    }
    cargo
}

/// Shows and counts what the tests print until they have ended, or have been silent for too long.
fn watch(mut tests: Child, brood: &Brood) -> Result<Summary> {
    let mut summary = Summary::default();
    let lines = lines_of(tests.stdout.take().expect("stdout is piped"));
    let mut heard = Instant::now();
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => {
                println!("{line}");
                summary.read(&line);
                heard = Instant::now();
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                // A daemon that outlives its test keeps the pipe open, and its silence would be waited for.
                if tests.try_wait().context("cannot wait for cargo")?.is_some() {
                    report_left_behind(&brood.end());
                } else if heard.elapsed() > SILENCE_BOUND {
                    eprintln!("no test has ended for {} s: ending them all", SILENCE_BOUND.as_secs());
                    brood.end();
                }
            }
        }
    }
    let status = tests.wait().context("cannot wait for cargo")?;
    report_left_behind(&brood.end());
    if !status.success() && summary.failed() == 0 {
        summary.add_failure();
    }
    Ok(summary)
}

fn report_left_behind(programs: &[String]) {
    if !programs.is_empty() {
        eprintln!("left behind by the tests and ended: {}", programs.join(", "));
    }
}

/// Reads lines on another thread, so that waiting for one can have an end.
fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// What a shell reports of a program that an interrupt ended: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// How long no test may end before a hang is assumed. The slowest, which installs the package in a fresh Debian root, is
/// done in three minutes where it has to download the root.
const SILENCE_BOUND: Duration = Duration::from_secs(900);

const POLL: Duration = Duration::from_millis(200);
