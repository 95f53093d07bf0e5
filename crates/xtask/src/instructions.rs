//! `cargo xtask bench instructions`: how many instructions the operations of a heartbeat take, counted by callgrind.
//!
//! A time depends on the machine and on what else it does; a count of instructions is the same each time. Each operation runs N times
//! and 2 N times, so that what the process needs besides falls out of the difference.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};

use crate::document;
use crate::workspace::{self, Workspace};

/// Counts, prints the table and writes it into the document.
///
/// # Errors
/// If valgrind is not installed, the build fails, or a count cannot be read.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        bail!("valgrind is not installed: apt-get install valgrind");
    }
    // With all members, as everywhere: another choice of features would compile the AWS SDK once more.
    workspace::run(
        workspace
            .cargo()
            .args(["build", "--workspace", "--example", "operations"]),
    )?;
    let program = workspace.target.join("debug/examples/operations");
    let encode = per_operation(&program, "encode")?;
    let rows = [
        ("encode a heartbeat, with its tag", encode),
        (
            "verify and decode one",
            per_operation(&program, "encode-open")?.saturating_sub(encode),
        ),
        ("decide: one look at all the rules", per_operation(&program, "decide")?),
        (
            "a heartbeat as a whole: made, encoded, opened, heard, decided, with what happens between two",
            per_operation(&program, "heartbeat")?,
        ),
    ];
    let mut table = String::from("| operation | instructions |\n| --- | --: |\n");
    for (words, count) in rows {
        writeln!(table, "| {words} | {count} |").context("cannot write a table")?;
    }
    println!("{table}");
    document::replace(&workspace.root.join("docs/PERFORMANCE.md"), "instructions", &table)?;
    Ok(ExitCode::SUCCESS)
}

fn per_operation(program: &Path, name: &str) -> Result<u64> {
    let (once, twice) = (count(program, name, TIMES)?, count(program, name, 2 * TIMES)?);
    Ok(twice.saturating_sub(once) / u64::from(TIMES))
}

/// Runs the operation so often and returns the instructions of the whole process.
fn count(program: &Path, name: &str, times: u32) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([name, &times.to_string()])
        .output()
        .context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed under valgrind:\n{said}");
    collected(&said).with_context(|| format!("callgrind tells no count:\n{said}"))
}

fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find(|line| line.contains("Collected :"))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Enough that a remainder of the division does not matter, and some seconds under valgrind.
const TIMES: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 72751477\n==7== \n==7== I   refs:      72,751,477\n";
        assert_eq!(collected(said), Some(72_751_477));
        assert_eq!(collected("==7== error"), None);
    }
}
