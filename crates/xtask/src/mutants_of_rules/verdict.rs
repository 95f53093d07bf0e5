//! What became of a mutant, as the output of its tests tells.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every test passed: the tests have a hole.
    Survived,
    /// This package does not compile: the mutant has shown nothing.
    Uncompiled(&'static str),
    /// A test failed.
    Caught {
        /// The first of those that failed together.
        test: String,
        /// The invariant of the simulator that it broke, if it was one.
        invariant: Option<String>,
    },
    /// The tests of this package crashed, and no single one is to blame.
    Crashed(&'static str),
    /// The tests of this package did not end.
    Endless(&'static str),
}

impl Verdict {
    /// Reads the output of the tests of a package that failed.
    pub(super) fn read(root: &Path, package: &'static str, output: &str, invariants: &[String]) -> Self {
        let mut binary = "";
        let mut lines = output.lines();
        let mut failed = None;
        while let Some(line) = lines.next() {
            if let Some(running) = line.trim_start().strip_prefix("Running ") {
                binary = running;
            } else if line == "failures:" {
                // Two such lists: first with the output of each test, then with the bare names.
                failed = lines.clone().find(|line| !line.is_empty()).or(failed);
            }
        }
        let Some(test) = failed.map(str::trim) else {
            return Self::Crashed(package);
        };
        let is_broken = |name: &&String| output.contains(&format!("{name}: "));
        Self::Caught {
            test: place_of(root, package, binary, test),
            invariant: invariants.iter().find(is_broken).cloned(),
        }
    }

    pub(super) const fn is_caught(&self) -> bool {
        !matches!(self, Self::Survived | Self::Uncompiled(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Survived => f.write_str("SURVIVED"),
            Self::Uncompiled(package) => write!(f, "DOES NOT COMPILE ({package})"),
            Self::Caught { test, invariant: None } => write!(f, "`{test}`"),
            Self::Caught {
                test,
                invariant: Some(invariant),
            } => write!(f, "`{invariant}` in `{test}`"),
            Self::Crashed(package) => write!(f, "the tests of {package} crash"),
            Self::Endless(package) => write!(f, "the tests of {package} do not end"),
        }
    }
}

/// The invariants of the simulator by their names, as its source has them.
///
/// # Errors
/// If the source cannot be read, or has no list of them.
pub(super) fn invariants(root: &Path) -> Result<Vec<String>> {
    let path = root.join("crates/pair-sim/src/invariant.rs");
    let source = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let (_, list) = source
        .split_once("\ninvariants!(")
        .with_context(|| format!("{} has no list of invariants", path.display()))?;
    let (list, _) = list.split_once(')').context("the list of invariants has no end")?;
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

/// Where a test is, as documents name it: `crates/pair-core/src/claim/tests.rs::an_old_fact_is_read_first`.
fn place_of(root: &Path, package: &str, binary: &str, test: &str) -> String {
    let (modules, name) = test.rsplit_once("::").unwrap_or(("", test));
    let folder = format!("crates/{package}");
    // "tests/api.rs (target/…)", or "unittests src/lib.rs (target/…)" with modules that are files below src.
    let source = binary
        .split(' ')
        .find(|word| word.ends_with(".rs"))
        .unwrap_or("src/lib.rs");
    let parts: Vec<&str> = modules.split("::").filter(|part| !part.is_empty()).collect();
    let base = source
        .trim_end_matches(".rs")
        .trim_end_matches("lib")
        .trim_end_matches("main");
    let base = base.trim_end_matches('/');
    let file = (1..=parts.len())
        .rev()
        .map(|depth| format!("{folder}/{base}/{}.rs", parts[..depth].join("/")))
        .find(|path| root.join(path).is_file())
        .unwrap_or_else(|| format!("{folder}/{source}"));
    format!("{file}::{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
     Running tests/death.rs (target/debug/deps/death-1)
test result: ok. 12 passed; 0 failed
     Running tests/link.rs (target/debug/deps/link-1)
test a_is_b ... FAILED

failures:

---- a_is_b stdout ----
thread panicked: never_claims_while_unfit: Claim

failures:
    a_is_b
    b_is_c

test result: FAILED.
";

    #[test]
    fn the_first_test_that_failed_has_caught_it() {
        let root = Path::new("/nowhere");
        let invariants = ["holds_are_kept".to_owned(), "never_claims_while_unfit".to_owned()];
        assert_eq!(
            Verdict::read(root, "pair-sim", OUTPUT, &invariants).to_string(),
            "`never_claims_while_unfit` in `crates/pair-sim/tests/link.rs::a_is_b`"
        );
        assert_eq!(
            Verdict::read(root, "pair-sim", "error: signal: 6", &invariants),
            Verdict::Crashed("pair-sim")
        );
    }

    #[test]
    fn a_test_in_a_module_is_named_by_the_file_that_has_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let named = |package, binary, test| place_of(root, package, binary, test);
        let unit = "unittests src/lib.rs (target)";
        assert_eq!(
            named("pair-core", unit, "claim::tests::x"),
            "crates/pair-core/src/claim/tests.rs::x"
        );
        assert_eq!(
            named("pair-core", unit, "hold::tests::x"),
            "crates/pair-core/src/hold.rs::x"
        );
        assert_eq!(
            named("pair-core", "tests/node.rs (target)", "x"),
            "crates/pair-core/tests/node.rs::x"
        );
        let wire = "tests/wire/main.rs (target)";
        assert_eq!(
            named("pair-wire", wire, "hostile::x"),
            "crates/pair-wire/tests/wire/hostile.rs::x"
        );
    }

    #[test]
    fn the_invariants_are_those_of_the_simulator() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let names = invariants(root).unwrap();
        assert!(
            names.len() > 10 && names.iter().any(|name| name == "holds_are_kept"),
            "{names:?}"
        );
    }
}
