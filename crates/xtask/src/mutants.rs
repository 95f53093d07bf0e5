//! `cargo xtask mutants`: lets cargo-mutants change the detector, the decision and the claim in every way that it knows, and
//! compares what survived with the explanations in `docs/TESTING.md`.
//!
//! In three rounds, since the quick tests of pair-core catch most mutants: first those beside the code on the claim and the
//! detector, then those of the table and of the node on the decision. What survives that is tried on all tests of pair-core
//! and pair-sim.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Error, Result, bail};

use crate::document::{self, Place};
use crate::pinned::Pinned;
use crate::workspace::Workspace;

/// How to try the mutants.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only compare the results of the last run with the explanations.
    #[arg(long)]
    compare: bool,
}

/// Tries the mutants, prints how many were caught, and writes that to `docs/TESTING.md`.
///
/// The exit status is a failure if a survivor is not explained, an explanation has no survivor, or fewer than 90 in 100 were
/// caught.
///
/// # Errors
/// If cargo-mutants cannot be installed, or the tests fail without any mutant.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let place = workspace.target.join("mutants");
    if !args.compare {
        try_all(workspace, &place)?;
    }
    let results = Results::of(&place)?;
    println!("{}", results.table().trim_end());
    let is_explained = document::compare(&workspace.root, SURVIVORS, &results.survivors, "survivor")?;
    document::write(&workspace.root, MARK, &results.table())?;
    Ok(if is_explained && results.is_enough() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs cargo-mutants, round by round; each goes on where the one before it has ended.
fn try_all(workspace: &Workspace, place: &Path) -> Result<()> {
    let program = CARGO_MUTANTS.install(workspace)?;
    fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
    let results = place.join("mutants.out");
    if results.exists() {
        fs::remove_dir_all(&results).with_context(|| format!("cannot remove {}", results.display()))?;
    }
    for (name, args) in ROUNDS {
        let status = Command::new(&program)
            .arg("mutants")
            .current_dir(&workspace.root)
            .env("CARGO_TARGET_DIR", place.join("target"))
            // Nobody looks at a mutant with a debugger.
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .args(["--no-times", "--iterate", "--output"])
            .arg(place)
            .args(args)
            .status()
            .context("cannot start cargo-mutants")?;
        match status.code() {
            Some(0 | MISSED | TIMED_OUT) => save(&results, &place.join(name))?,
            Some(_) | None => bail!("cargo-mutants ended with {status}"),
        }
    }
    Ok(())
}

/// Keeps what a round has left behind: the next one begins a folder of its own.
fn save(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for kind in ["caught", "missed", "timeout", "unviable"] {
        let name = format!("{kind}.txt");
        fs::copy(from.join(&name), to.join(&name)).with_context(|| format!("cannot copy {name} of cargo-mutants"))?;
    }
    Ok(())
}

/// What became of the mutants.
struct Results {
    caught_by_core: usize,
    caught_by_rest: usize,
    timed_out: usize,
    unviable: usize,
    survivors: Vec<Place>,
}

impl Results {
    /// Reads what the rounds have left behind.
    fn of(place: &Path) -> Result<Self> {
        let list = |round: &str, kind: &str| -> Result<Vec<String>> {
            let path = place.join(round).join(format!("{kind}.txt"));
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        let quick = |kind: &str| Ok::<usize, Error>(list("claim", kind)?.len() + list("decision", kind)?.len());
        Ok(Self {
            caught_by_core: quick("caught")?,
            caught_by_rest: list("rest", "caught")?.len(),
            timed_out: list("rest", "timeout")?.len(),
            unviable: quick("unviable")?,
            survivors: list("rest", "missed")?
                .iter()
                .map(|line| place_of(line))
                .collect::<Result<_>>()?,
        })
    }

    const fn caught(&self) -> usize {
        self.caught_by_core + self.caught_by_rest + self.timed_out
    }

    const fn viable(&self) -> usize {
        self.caught() + self.survivors.len()
    }

    const fn is_enough(&self) -> bool {
        self.caught() * 100 >= self.viable() * ENOUGH
    }

    fn table(&self) -> String {
        let Self {
            caught_by_core,
            caught_by_rest,
            timed_out,
            unviable,
            survivors,
        } = self;
        #[expect(clippy::cast_precision_loss, reason = "there are some hundred mutants")]
        let percent = 100.0 * self.caught() as f64 / self.viable().max(1) as f64;
        format!(
            "| mutants that compile | caught by their own tests | by the rest | by a time-out | survived | do not compile |\n\
             | --- | --- | --- | --- | --- | --- |\n\
             | {} | {caught_by_core} | {caught_by_rest} | {timed_out} | {} | {unviable} |\n\n\
             {percent:.1} % are caught.\n",
            self.viable(),
            survivors.len(),
        )
    }
}

/// Reads `crates/a/src/b.rs:12:34: replace < with <= in c`. The line goes, so that an explanation outlives a change above it.
fn place_of(line: &str) -> Result<Place> {
    let parts = line.split_once(".rs:").and_then(|(file, rest)| {
        let (_, change) = rest.split_once(": ")?;
        Some((format!("{file}.rs"), change.to_owned()))
    });
    parts.with_context(|| format!("cargo-mutants names a mutant in an unknown way: {line}"))
}

const CARGO_MUTANTS: Pinned = Pinned {
    package: "cargo-mutants",
    version: "27.1.0",
};

/// The rounds, and what is special in each. The first two compile pair-core anew for each mutant, and their tests need no
/// speed.
const ROUNDS: [(&str, &[&str]); 3] = [
    (
        "claim",
        &[
            SLOW,
            "--exclude=crates/pair-core/src/decide.rs",
            "--cargo-test-arg=--lib",
        ],
    ),
    (
        "decision",
        &[
            SLOW,
            "--exclude=crates/pair-core/src/claim.rs",
            "--exclude=crates/pair-core/src/detector.rs",
            "--cargo-test-arg=--test=decide",
            "--cargo-test-arg=--test=node",
        ],
    ),
    (
        "rest",
        &[
            "--test-package=pair-core,pair-sim",
            PATIENT,
            "--cargo-test-arg=--lib",
            "--cargo-test-arg=--tests",
        ],
    ),
];

/// What else the machine does must not pass for a mutant that hangs: the slowest of these tests takes a minute alone.
const PATIENT: &str = "--minimum-test-timeout=900";

const SLOW: &str = "--cargo-arg=--config=profile.dev.package.pair-core.opt-level=0";

/// What cargo-mutants reports where mutants were missed, and where the tests of some did not end
/// (<https://mutants.rs/exit-codes.html>).
const MISSED: i32 = 2;
const TIMED_OUT: i32 = 3;

/// How many of 100 mutants must be caught.
const ENOUGH: usize = 90;

/// The parts of the document: the figures, which this task writes, and the explanations, which it reads.
const MARK: &str = "mutants";
const SURVIVORS: &str = "survivors";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_known_by_its_file_and_what_it_changes() {
        let line = "crates/pair-core/src/claim.rs:196:46: replace && with || in Claim::pursue";
        let place = place_of(line).unwrap();
        assert_eq!(place.0, "crates/pair-core/src/claim.rs");
        assert_eq!(place.1, "replace && with || in Claim::pursue");
        assert!(place_of("what is this").is_err());
    }

    #[test]
    fn nine_of_ten_are_enough() {
        let results = |caught_by_core, survivors: usize| Results {
            caught_by_core,
            caught_by_rest: 0,
            timed_out: 0,
            unviable: 5,
            survivors: vec![(String::new(), String::new()); survivors],
        };
        assert!(results(90, 10).is_enough());
        assert!(!results(89, 10).is_enough());
        assert!(
            results(90, 10)
                .table()
                .contains("| 100 | 90 | 0 | 0 | 10 | 5 |\n\n90.0 % are caught.")
        );
    }
}
