//! The binaries under test, as `cargo` built them.

use std::env;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a command ended, and what it said.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Runs `paird` with these arguments to its end.
pub fn paird(args: &[&str]) -> Ran {
    ran(binary("paird").args(args))
}

/// Runs `pairctl` with these arguments to its end.
pub fn pairctl(args: &[&str]) -> Ran {
    ran(binary("pairctl").args(args))
}

/// Runs `pair-sim` with these arguments to its end.
pub fn pair_sim(args: &[&str]) -> Ran {
    ran(binary("pair-sim").args(args))
}

/// Runs a task of `xtask` to its end, in this repository.
pub fn xtask(args: &[&str]) -> Ran {
    let mut xtask = binary("xtask");
    xtask
        .args(args)
        .env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))
        .env("HOME", env::var_os("HOME").unwrap_or_default());
    ran(&mut xtask)
}

/// Gives a command that runs `pair-lab`, which finds the programs of the system where they usually are.
pub fn pair_lab() -> Command {
    let mut command = binary("pair-lab");
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin");
    command
}

/// Gives a command that runs one of the binaries, without any variable that leads an AWS client elsewhere.
///
/// # Panics
/// If it was not built: cargo builds no binary of another package for a test.
pub(crate) fn binary(name: &str) -> Command {
    let folder = env::var_os("PAIRD_BIN_DIR").map_or_else(beside_this_test, PathBuf::from);
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "{} is not there: build it with `cargo build --workspace --bins`",
        program.display()
    );
    let mut command = Command::new(program);
    command.env_clear();
    command
}

/// Runs a command to its end.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("a binary that is there can be run");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a binary to its end, with this on its standard input.
pub(crate) fn with_input(name: &str, args: &[&str], input: &str) -> Ran {
    let mut command = binary(name);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("a binary that is there can be run");
    let mut stdin = child.stdin.take().expect("its input is a pipe");
    // A command that ends before it has read all of it has said why.
    stdin.write_all(input.as_bytes()).ok();
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The folder where cargo puts binaries: `target/debug`, if this is `target/debug/deps/scenarios-…`.
fn beside_this_test() -> PathBuf {
    let test = env::current_exe().expect("a process knows its program");
    let folder = test
        .ancestors()
        .nth(2)
        .expect("a test lies two folders below its target");
    folder.to_path_buf()
}
