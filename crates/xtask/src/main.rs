//! `cargo xtask`: the tasks of this repository.
//!
//! Thin on purpose: what a task *does* lives in the crates and in `tests/`; here is only what has to happen around it, such
//! as building first, installing what the tests need, and leaving no process behind.

mod bench;
mod brood;
mod coverage;
mod demo;
mod document;
mod fuzz;
mod instructions;
mod lab;
mod mutants;
mod mutants_of_rules;
mod package;
mod pinned;
mod sim;
mod storm;
mod summary;
mod template;
mod test;
mod tools;
mod vm;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Show a failover on this machine: two daemons, an emulated EC2, one death.
    Demo(demo::Args),
    /// Compare paird with what people run today, in the lab (as root, on an idle machine).
    #[command(subcommand)]
    Bench(bench::Args),
    /// Measure a pair in network namespaces, with the real HAProxy and faults of every kind (as root).
    Lab(lab::Args),
    /// Visit every history of a pair within a bound, deeper than CI does.
    Model(sim::Args),
    /// Install what the tests need, then run all of them.
    Test(test::Args),
    /// Play random histories of faults in virtual time, and count what they have covered.
    Soak(sim::Args),
    /// Measure how often the detector is wrong, and rewrite docs/DETECTION.md (some minutes).
    Curve(sim::Args),
    /// Let a zone die under up to 5,000 pairs in virtual time, and rewrite docs/PERFORMANCE.md (a quarter of an hour).
    Storm(storm::Args),
    /// Look for bytes that the wire cannot take, with cargo-fuzz.
    Fuzz(fuzz::Args),
    /// Build the Debian and the RPM package and print their paths.
    Package(package::Args),
    /// Try the Debian package in two emulated machines with a systemd and a cloud-init of their own (as root, some minutes).
    Vm(vm::Args),
    /// Print a CloudFormation template of a fleet of pairs.
    Template(template::Args),
    /// Break each rule of failover on purpose and print which test notices.
    MutantsOfRules(mutants_of_rules::Args),
    /// Change the detector, the decision and the claim in every way that cargo-mutants knows.
    Mutants(mutants::Args),
    /// Print the lines of pair-core and pair-wire that no test runs.
    Coverage,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = Workspace::find().and_then(|workspace| match cli.task {
        Task::Demo(args) => demo::run(&workspace, &args),
        Task::Bench(args) => bench::run(&workspace, args),
        Task::Lab(args) => lab::run(&workspace, &args),
        Task::Model(args) => sim::model(&workspace, &args),
        Task::Test(args) => test::run(&workspace, &args),
        Task::Soak(args) => sim::soak(&workspace, &args),
        Task::Curve(args) => sim::curve(&workspace, &args),
        Task::Storm(args) => storm::run(&workspace, &args),
        Task::Fuzz(args) => fuzz::run(&workspace, &args),
        Task::Package(args) => package::run(&workspace, &args),
        Task::Vm(args) => vm::run(&workspace, &args),
        Task::Template(args) => template::run(&args),
        Task::MutantsOfRules(args) => mutants_of_rules::run(&workspace, &args),
        Task::Mutants(args) => mutants::run(&workspace, &args),
        Task::Coverage => coverage::run(&workspace),
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
