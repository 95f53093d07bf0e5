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
    /// Try only mutants whose name contains this.
    filter: Option<String>,
}

impl Args {
    fn chooses(&self, mutant: &Mutant) -> bool {
        let by_rule = self.rule.is_empty() || self.rule.contains(&mutant.rule);
        by_rule && self.filter.as_ref().is_none_or(|part| mutant.name.contains(part))
    }

    const fn is_all(&self) -> bool {
        self.rule.is_empty() && self.filter.is_none()
    }
}

/// Tries the mutants, prints a table of what caught each, and, if all were tried, writes it to `docs/TESTING.md`.
///
/// The exit status is a failure if one survived.
///
/// # Errors
/// If a patch does not apply or does not compile, a rule has none, or the tests fail without any mutant.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mutants = mutant::all(&workspace.root)?;
    lacking(&mutant::rules(&workspace.root)?, &mutants)?;
    let chosen: Vec<&Mutant> = mutants.iter().filter(|mutant| args.chooses(mutant)).collect();
    ensure!(!chosen.is_empty(), "no mutant has such a rule or name");

    let brood = Brood::adopt()?;
    let mut sources = Sources::of(workspace, args.jobs)?;
    eprintln!("without a mutant: {}", sources.folder().display());
    sources.restore()?;
    match sources.test(&brood, true)? {
        Verdict::Survived => {}
        verdict => bail!("the tests fail without any mutant: {verdict}"),
    }
    let mut tried = Vec::new();
    for mutant in chosen {
        let began = Instant::now();
        sources.restore()?;
        sources.mutate(mutant)?;
        let verdict = sources
            .test(&brood, mutant.touches("crates/pair-wire/"))
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
    sources.restore()?;
    let survivors = tried.iter().filter(|(_, verdict)| !verdict.is_caught()).count();
    println!("{} mutants, {survivors} survived", tried.len());
    if args.is_all() && survivors == 0 {
        document::write(&workspace.root, MARK, &table(&tried)?)?;
    }
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

/// The table as the document has it.
fn table(tried: &[(&Mutant, Verdict)]) -> Result<String> {
    let mut table = String::from("| rule | mutant | what is broken | caught by |\n| --- | --- | --- | --- |\n");
    for (mutant, verdict) in tried {
        let (rule, slug, fault) = (&mutant.rule, mutant.slug(), &mutant.fault);
        writeln!(table, "| {rule} | `{slug}` | {fault} | {verdict} |")?;
    }
    Ok(table)
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
}
