//! One set of expectations, run against every EC2 there is.
//!
//! The emulator is what the rest of the repository is tested with, so it must not flatter the code: each
//! case here holds for it *and* for moto, an EC2 that nobody here wrote. `PAIRD_MOTO` is the path of a
//! `moto_server` executable; without it moto's cases are skipped, which `PAIRD_NO_SKIP=1` turns into a
//! failure. An argument that is no option selects the cases whose name contains it.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::backend::Backend;
use crate::moto::Moto;

mod backend;
mod calls;
mod emulator;
mod faults;
mod metadata;
mod moto;

#[expect(
    dead_code,
    reason = "the suite of single attempts looks at requests, this one does not"
)]
#[path = "../support/http.rs"]
mod http;
#[expect(
    dead_code,
    reason = "the suite of single attempts makes it misbehave, this one does not"
)]
#[path = "../support/imds.rs"]
mod imds;

/// Where to find moto.
const MOTO: &str = "PAIRD_MOTO";
/// `1` makes a skipped backend a failure.
const NO_SKIP: &str = "PAIRD_NO_SKIP";
/// A case that takes longer hangs.
const CASE_LIMIT: Duration = Duration::from_secs(60);

/// A name and what it stands for.
pub(crate) type Case = (&'static str, fn(Rc<Backend>) -> Running);
pub(crate) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// Makes [`Case`]s out of async functions that take the backend.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        &[$((stringify!($case), |backend| Box::pin($case(backend)))),+]
    };
}
pub(crate) use cases;

#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    filtered: usize,
}

fn main() -> ExitCode {
    let filter = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let started = Instant::now();
    let tasks = tokio::task::LocalSet::new();
    let tally = tasks.block_on(&runtime, run_all(filter.as_deref()));
    // The words and order of cargo's own harness, for whoever counts them.
    println!(
        "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if tally.failed == 0 { "ok" } else { "FAILED" },
        tally.passed,
        tally.failed,
        tally.skipped,
        tally.filtered,
        started.elapsed().as_secs_f64(),
    );
    if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(101)
    }
}

async fn run_all(filter: Option<&str>) -> Tally {
    let mut tally = Tally::default();
    let emulator = Rc::new(Backend::Emulator);
    run(&emulator, calls::CASES, filter, &mut tally).await;
    run(&emulator, faults::CASES, filter, &mut tally).await;
    run(&emulator, metadata::CASES, filter, &mut tally).await;
    match std::env::var_os(MOTO).map(PathBuf::from) {
        Some(server) => {
            let moto = Rc::new(Backend::Moto(Moto::start(&server).await));
            run(&moto, calls::CASES, filter, &mut tally).await;
        }
        None => skip_moto(&mut tally),
    }
    tally
}

async fn run(backend: &Rc<Backend>, cases: &[Case], filter: Option<&str>, tally: &mut Tally) {
    for (name, case) in cases {
        if filter.is_some_and(|part| !name.contains(part)) {
            tally.filtered += 1;
            continue;
        }
        let task = tokio::task::spawn_local(case(Rc::clone(backend)));
        let verdict = match tokio::time::timeout(CASE_LIMIT, task).await {
            Ok(Ok(())) => "ok",
            Ok(Err(_panic_is_on_stderr)) => "FAILED",
            Err(_) => "FAILED: hangs",
        };
        if verdict == "ok" {
            tally.passed += 1;
        } else {
            tally.failed += 1;
        }
        println!("contract {}: {name} ... {verdict}", backend.name());
    }
}

fn skip_moto(tally: &mut Tally) {
    let count = calls::CASES.len();
    if std::env::var_os(NO_SKIP).is_some_and(|value| value == "1") {
        println!("contract moto: FAILED: {MOTO} is not set and {NO_SKIP}=1 forbids skipping");
        tally.failed += count;
    } else {
        println!(
            "contract moto: {count} cases skipped: {MOTO} is not set (the path of moto_server, \
             from `pip install 'moto[server,ec2]==5.2.5'`)"
        );
        tally.skipped += count;
    }
}
