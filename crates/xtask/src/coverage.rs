//! `cargo xtask coverage`: which lines of pair-core and pair-wire no test runs, compared with the reasons in
//! `docs/TESTING.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::document;
use crate::pinned::Pinned;
use crate::workspace::{self, Workspace};

/// Measures, prints the figures and the lines that no test runs, and writes the figures to `docs/TESTING.md`.
///
/// The exit status is a failure if such a line has no reason there, or a reason no such line.
///
/// # Errors
/// If cargo-tarpaulin cannot be installed, or a test fails.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let program = TARPAULIN.install(workspace)?;
    let place = workspace.target.join("coverage");
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let mut tarpaulin = Command::new(program);
    tarpaulin.arg("tarpaulin").current_dir(&workspace.root);
    // Stories of the simulator run pair-core, too. Its own lines are not counted.
    for package in MEASURED.iter().chain(["pair-sim"].iter()) {
        tarpaulin.args(["--packages", package]);
    }
    for package in MEASURED {
        tarpaulin.args(["--include-files", &format!("crates/{package}/src/*")]);
    }
    tarpaulin
        .args([
            "--exclude-files",
            "*/tests.rs",
            "--engine",
            "llvm",
            "--skip-clean",
            "--locked",
        ])
        .args(["--out", "Lcov", "--timeout", "600", "--target-dir"])
        .arg(place.join("target"))
        .arg("--output-dir")
        .arg(&place)
        // What the tests print is no result.
        .stdout(io::stderr());
    workspace::run(&mut tarpaulin)?;

    let path = place.join("lcov.info");
    let report = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let covered = Covered::read(&workspace.root, &report)?;
    let table = covered.table()?;
    println!("{}", table.trim_end());
    let mut bare = Vec::new();
    for (file, line) in covered.bare() {
        let source = covered.source(&workspace.root, file, line)?;
        println!("{file}:{line}: {source}");
        bare.push((file.to_owned(), source));
    }
    let is_explained = document::compare(&workspace.root, UNCOVERED, &bare, "line that no test runs")?;
    document::write(&workspace.root, MARK, &table)?;
    Ok(if is_explained {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How often each line was run, by file.
struct Covered(BTreeMap<String, BTreeMap<usize, u64>>);

impl Covered {
    /// Reads a report in the format of lcov (`geninfo(1)`): `SF:` names a file, `DA:` a line and how often it was run.
    fn read(root: &Path, report: &str) -> Result<Self> {
        let mut files: BTreeMap<String, BTreeMap<usize, u64>> = BTreeMap::new();
        let mut file = None;
        for line in report.lines() {
            if let Some(path) = line.strip_prefix("SF:") {
                let path = Path::new(path).strip_prefix(root).unwrap_or(Path::new(path));
                file = Some(files.entry(path.display().to_string()).or_default());
            } else if let Some((number, times)) = line.strip_prefix("DA:").and_then(|counted| counted.split_once(',')) {
                let lines = file.as_mut().context("the report counts lines of no file")?;
                *lines.entry(number.parse()?).or_default() += times.parse::<u64>()?;
            }
        }
        Ok(Self(files))
    }

    /// The lines that no test runs.
    fn bare(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().flat_map(|(file, lines)| {
            let bare = lines.iter().filter(|(_, times)| **times == 0);
            bare.map(move |(line, _)| (file.as_str(), *line))
        })
    }

    /// A line of the source, trimmed: by it a reason outlives a change above it.
    fn source(&self, root: &Path, file: &str, line: usize) -> Result<String> {
        let text = fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {file}"))?;
        let source = text.lines().nth(line - 1);
        Ok(source
            .with_context(|| format!("{file} has no line {line}"))?
            .trim()
            .to_owned())
    }

    fn table(&self) -> Result<String> {
        let mut table = String::from("| crate | lines | run by a test | |\n| --- | --- | --- | --- |\n");
        for package in MEASURED {
            let files = self
                .0
                .iter()
                .filter(|(file, _)| file.starts_with(&format!("crates/{package}/")));
            let (mut lines, mut run) = (0, 0);
            for (_, counted) in files {
                lines += counted.len();
                run += counted.values().filter(|times| **times > 0).count();
            }
            #[expect(clippy::cast_precision_loss, reason = "there are some thousand lines")]
            let percent = 100.0 * run as f64 / lines.max(1) as f64;
            writeln!(table, "| {package} | {lines} | {run} | {percent:.1} % |")?;
        }
        Ok(table)
    }
}

/// Whose lines are counted.
const MEASURED: [&str; 2] = ["pair-core", "pair-wire"];

const TARPAULIN: Pinned = Pinned {
    package: "cargo-tarpaulin",
    version: "0.37.5",
};

/// The parts of the document: the figures, which this task writes, and the reasons, which it reads.
const MARK: &str = "coverage";
const UNCOVERED: &str = "uncovered";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_two_files_is_a_table_and_a_list() {
        let report = "SF:/r/crates/pair-core/src/a.rs\nDA:3,1\nDA:4,0\nend_of_record\n\
                      SF:/r/crates/pair-wire/src/b.rs\nDA:1,7\nend_of_record\n";
        let covered = Covered::read(Path::new("/r"), report).unwrap();
        assert_eq!(covered.bare().collect::<Vec<_>>(), [("crates/pair-core/src/a.rs", 4)]);
        let table = covered.table().unwrap();
        assert!(table.contains("| pair-core | 2 | 1 | 50.0 % |") && table.contains("| pair-wire | 1 | 1 | 100.0 % |"));
    }
}
