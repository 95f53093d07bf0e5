//! Counting tests in the output of many test binaries.

use std::collections::BTreeSet;
use std::fmt;

/// What the test binaries have reported so far.
///
/// libtest knows no "skipped at run time": such a test prints `SKIPPED: <test>: <reason>` and passes. It is counted as
/// skipped here, once, however many lines it prints, and so is an `#[ignore]`d one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    ok: u32,
    failed: u32,
    ignored: u32,
    skipped: BTreeSet<String>,
}

impl Summary {
    /// Takes one line of output into account.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(skip) = line.trim_start().strip_prefix("SKIPPED: ") {
            let test = skip.split_once(": ").map_or(skip, |(test, _reason)| test);
            self.skipped.insert(test.trim_end().to_owned());
        } else if let Some(result) = line.strip_prefix("test result: ") {
            self.ok += count(result, "passed");
            self.failed += count(result, "failed");
            self.ignored += count(result, "ignored");
        }
    }

    /// Adds a failure that no test reported: a test binary that crashed, or hung.
    pub(crate) fn add_failure(&mut self) {
        self.failed += 1;
    }

    /// Returns how many tests failed.
    pub(crate) fn failed(&self) -> u32 {
        self.failed
    }

    /// Returns how many tests did not run.
    pub(crate) fn skipped(&self) -> u32 {
        u32::try_from(self.skipped.len()).expect("fewer tests than u32::MAX") + self.ignored
    }

    /// Returns the names of the tests that could not run where they are.
    pub(crate) fn skipped_names(&self) -> impl Iterator<Item = &str> {
        self.skipped.iter().map(String::as_str)
    }

    /// Returns how many tests ran and passed.
    pub(crate) fn passed(&self) -> u32 {
        self.ok.saturating_sub(self.skipped() - self.ignored)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed(),
            self.failed(),
            self.skipped()
        )
    }
}

/// Returns the number before `what` in "ok. 3 passed; 0 failed; 1 ignored; …".
fn count(result: &str, what: &str) -> u32 {
    let words: Vec<&str> = result.split([' ', ';']).filter(|word| !word.is_empty()).collect();
    words
        .windows(2)
        .find(|pair| pair[1] == what)
        .and_then(|pair| pair[0].parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary_of(output: &str) -> String {
        let mut summary = Summary::default();
        for line in output.lines() {
            summary.read(line);
        }
        summary.to_string()
    }

    #[test]
    fn several_binaries_add_up() {
        let output = "\
test a ... ok
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 4 filtered out; finished in 1.20s";
        assert_eq!(summary_of(output), "5 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_skip_is_no_pass_and_counts_once_per_test() {
        let output = "\
SKIPPED: contract_holds_on_moto: PAIRD_MOTO is not set
SKIPPED: contract_holds_on_moto: PAIRD_MOTO is not set
SKIPPED: the_package_installs: not root
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(summary_of(output), "1 passed, 0 failed, 2 skipped");
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            summary_of("passed 5; failed 3\n test result: 5 passed\n"),
            "0 passed, 0 failed, 0 skipped"
        );
    }
}
