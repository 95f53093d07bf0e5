//! `cargo xtask mutants-of-rules`: breaks each rule of failover on purpose and looks whether a test notices.
//!
//! ```text
//! tests/mutants/F-8-….patch ──► a copy of the sources ──► tests of pair-core ──► of pair-wire ──► of pair-sim
//!                                                              └──── the first one that fails has caught it
//! ```
//!
//! A mutant is a patch with one sentence about what it breaks. The sources themselves are never touched, and hold no switch
//! for a test. One build folder serves all mutants, so each compiles only what the one before it has changed.

mod mutant;
mod sources;
mod verdict;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use self::mutant::Mutant;
use self::sources::Sources;
use self::verdict::Verdict;
use crate::brood::Brood;
use crate::document;
use crate::workspace::Workspace;

/// Which mutants to try.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Try the mutants of this rule only, such as `F-8` (repeatable); default: all.
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// How many crates to compile at a time; default: what cargo chooses.
    #[arg(long, value_name = "NUMBER")]
    jobs: Option<u32>,
    /// Try only mutants whose name contains one of these.
    filter: Vec<String>,
}

impl Args {
    fn chooses(&self, mutant: &Mutant) -> bool {
        let by_rule = self.rule.is_empty() || self.rule.contains(&mutant.rule);
        let by_name = self.filter.is_empty() || self.filter.iter().any(|part| mutant.name.contains(part));
        by_rule && by_name
    }
}

/// Tries the mutants, prints a table of what caught each, and writes its rows to `docs/TESTING.md`.
///
/// The exit status is a failure if one survived or does not compile.
///
/// # Errors
/// If a patch does not apply, a rule has none, or the tests fail without any mutant.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mutants = mutant::all(&workspace.root)?;
    lacking(&mutant::rules(&workspace.root)?, &mutants)?;
    let chosen: Vec<&Mutant> = mutants.iter().filter(|mutant| args.chooses(mutant)).collect();
    ensure!(!chosen.is_empty(), "no mutant has such a rule or name");

    let brood = Brood::adopt()?;
    let sources = Sources::of(workspace, args.jobs)?;
    eprintln!("without a mutant: {}", sources.folder().display());
    sources.refresh()?;
    match sources.test(&brood, true)? {
        Verdict::Survived => {}
        verdict => bail!("the tests fail without any mutant: {verdict}"),
    }
    let mut tried = Vec::new();
    for mutant in chosen {
        let began = Instant::now();
        let verdict = sources
            .try_out(&brood, mutant)
            .with_context(|| format!("the mutant {}", mutant.name))?;
        if brood.is_interrupted() {
            bail!("interrupted");
        }
        println!(
            "{:5} {:45} {:>4} s  {verdict}",
            mutant.rule,
            mutant.slug(),
            began.elapsed().as_secs()
        );
        tried.push((mutant, verdict));
    }
    let survivors = tried.iter().filter(|(_, verdict)| !verdict.is_caught()).count();
    println!("{} mutants, {survivors} not caught", tried.len());
    let known = document::read(&workspace.root, MARK)?;
    document::write(&workspace.root, MARK, &table(&mutants, &tried, &known)?)?;
    Ok(if survivors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Complains about rules that no mutant breaks.
fn lacking(rules: &[String], mutants: &[Mutant]) -> Result<()> {
    let unbroken = |rule: &&String| !mutants.iter().any(|mutant| mutant.rule == **rule);
    let unbroken: Vec<&str> = rules.iter().filter(unbroken).map(String::as_str).collect();
    ensure!(unbroken.is_empty(), "no mutant breaks {}", unbroken.join(", "));
    Ok(())
}

/// The table as the document has it: what was tried, and of the others the row that is `known`.
fn table(mutants: &[Mutant], tried: &[(&Mutant, Verdict)], known: &str) -> Result<String> {
    let mut table = String::from("| rule | mutant | what is broken | caught by |\n| --- | --- | --- | --- |\n");
    for mutant in mutants {
        let begin = row(mutant);
        if let Some((_, verdict)) = tried.iter().find(|(tried, _)| tried.name == mutant.name) {
            writeln!(table, "{begin} {verdict} |")?;
        } else if let Some(line) = known.lines().find(|line| line.starts_with(&begin)) {
            writeln!(table, "{line}")?;
        }
    }
    Ok(table)
}

/// How the row of a mutant begins.
fn row(mutant: &Mutant) -> String {
    format!("| {} | `{}` | {} |", mutant.rule, mutant.slug(), mutant.fault)
}

/// The part of the document that this task writes.
const MARK: &str = "mutants-of-rules";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
    }

    #[test]
    fn every_rule_has_a_mutant_and_every_mutant_a_rule() {
        let (rules, mutants) = (mutant::rules(root()).unwrap(), mutant::all(root()).unwrap());
        assert!(rules.len() > 20, "{rules:?}");
        lacking(&rules, &mutants).unwrap();
        for mutant in mutants {
            assert!(rules.contains(&mutant.rule), "{} breaks no known rule", mutant.name);
        }
    }

    #[test]
    fn every_mutant_applies_to_the_present_sources() {
        for mutant in mutant::all(root()).unwrap() {
            mutant.apply(|path| Ok(fs::read_to_string(root().join(path))?)).unwrap();
        }
    }
    #[test]
    fn the_document_has_a_row_for_every_mutant_and_all_are_caught() {
        let known = document::read(root(), MARK).unwrap();
        for mutant in mutant::all(root()).unwrap() {
            let begin = row(&mutant);
            let line = known.lines().find(|line| line.starts_with(&begin));
            let line = line.unwrap_or_else(|| panic!("docs/TESTING.md lacks {begin}: cargo xtask mutants-of-rules"));
            assert!(line.contains(".rs::") || line.contains("the tests of"), "{line}");
        }
    }

    #[test]
    fn what_was_not_tried_keeps_its_row() {
        let mutants = mutant::all(root()).unwrap();
        let known = format!("{} `x` |\n{} `y` |\n| gone |\n", row(&mutants[0]), row(&mutants[1]));
        let table = table(&mutants, &[(&mutants[1], Verdict::Survived)], &known).unwrap();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                format!("{} `x` |", row(&mutants[0])),
                format!("{} SURVIVED |", row(&mutants[1]))
            ]
        );
    }
}
