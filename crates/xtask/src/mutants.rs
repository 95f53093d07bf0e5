//! `cargo xtask mutants`: lets cargo-mutants change the detector, the decision and the claim in every way that it knows, and
//! compares what survived with the explanations in `docs/TESTING.md`.
//!
//! In two rounds, since most mutants are caught by the quick tests of pair-core: the second one tries what survived the first
//! on the stories of pair-sim.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

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
        let program = CARGO_MUTANTS.install(workspace)?;
        fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
        let round = |more: &[&str]| {
            let mut command = Command::new(&program);
            command
                .arg("mutants")
                .current_dir(&workspace.root)
                .env("CARGO_TARGET_DIR", place.join("target"))
                // Nobody looks at a mutant with a debugger.
                .env("CARGO_PROFILE_DEV_DEBUG", "none")
                .args(["--no-times", "--cargo-test-arg=--lib", "--cargo-test-arg=--tests", "--output"])
                .arg(&place)
                .args(more);
            let status = command.status().context("cannot start cargo-mutants")?;
            match status.code() {
                Some(0 | MISSED | TIMED_OUT) => Ok(()),
                Some(_) | None => bail!("cargo-mutants ended with {status}"),
            }
        };
        // The first round compiles pair-core anew for each mutant, and its tests need no speed.
        round(&["--cargo-arg=--config=profile.dev.package.pair-core.opt-level=0"])?;
        save(&place, "first")?;
        round(&["--iterate", "--test-package=pair-core,pair-sim"])?;
        save(&place, "second")?;
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

/// What became of the mutants.
struct Results {
    caught_by_core: usize,
    caught_by_sim: usize,
    timed_out: usize,
    unviable: usize,
    survivors: Vec<Place>,
}

impl Results {
    /// Reads what both rounds have left behind.
    fn of(place: &Path) -> Result<Self> {
        let list = |round: &str, kind: &str| -> Result<Vec<String>> {
            let path = place.join(round).join(format!("{kind}.txt"));
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        Ok(Self {
            caught_by_core: list("first", "caught")?.len(),
            caught_by_sim: list("second", "caught")?.len(),
            timed_out: list("second", "timeout")?.len(),
            unviable: list("first", "unviable")?.len(),
            survivors: list("second", "missed")?
                .iter()
                .map(|line| place_of(line))
                .collect::<Result<_>>()?,
        })
    }

    const fn caught(&self) -> usize {
        self.caught_by_core + self.caught_by_sim + self.timed_out
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
            caught_by_sim,
            timed_out,
            unviable,
            survivors,
        } = self;
        #[expect(clippy::cast_precision_loss, reason = "there are some hundred mutants")]
        let percent = 100.0 * self.caught() as f64 / self.viable().max(1) as f64;
        format!(
            "| mutants that compile | caught by pair-core | by pair-sim | by a time-out | survived | do not compile |\n\
             | --- | --- | --- | --- | --- | --- |\n\
             | {} | {caught_by_core} | {caught_by_sim} | {timed_out} | {} | {unviable} |\n\n\
             {percent:.1} % are caught.\n",
            self.viable(),
            survivors.len(),
        )
    }
}

/// Keeps what a round has left behind: the next one begins a folder of its own.
fn save(place: &Path, round: &str) -> Result<()> {
    let (from, to) = (place.join("mutants.out"), place.join(round));
    fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for kind in ["caught", "missed", "timeout", "unviable"] {
        let name = format!("{kind}.txt");
        fs::copy(from.join(&name), to.join(&name)).with_context(|| format!("cannot copy {name} of cargo-mutants"))?;
    }
    Ok(())
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
            caught_by_sim: 0,
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
