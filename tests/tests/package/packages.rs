//! The packages under test, and how programs are run on them.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Both packages.
pub(crate) struct Packages {
    pub(crate) deb: PathBuf,
    /// None where `rpmbuild` is missing.
    pub(crate) rpm: Option<PathBuf>,
}

/// Returns the packages that were named in the environment, else those of the development binaries, built once.
pub(crate) fn packages() -> &'static Packages {
    static PACKAGES: OnceLock<Packages> = OnceLock::new();
    PACKAGES.get_or_init(|| {
        let paths: Vec<PathBuf> = match env::var_os("PAIRD_PACKAGES") {
            Some(named) => env::split_paths(&named).collect(),
            None => xtask(&["package", "--dev"]).lines().map(PathBuf::from).collect(),
        };
        let of = |kind: &str| paths.iter().find(|path| path.extension().is_some_and(|is| is == kind));
        Packages {
            deb: of("deb").unwrap().clone(),
            rpm: of("rpm").cloned(),
        }
    })
}

/// Returns a folder with the files of the Debian package.
pub(crate) fn unpacked() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    succeed(
        Command::new("dpkg-deb")
            .arg("--extract")
            .arg(&packages().deb)
            .arg(folder.path()),
    );
    folder
}

/// Returns what the list of files says, "0755 /usr/bin/paird" a line.
pub(crate) fn listed_files() -> &'static [String] {
    static LISTED: OnceLock<Vec<String>> = OnceLock::new();
    LISTED.get_or_init(|| xtask(&["package", "--list"]).lines().map(str::to_owned).collect())
}

/// Whether a test has to be skipped since a program of the system is missing; says so.
pub(crate) fn lacks(test: &str, programs: &[&str]) -> bool {
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(Path::new);
    let is_missing = |program: &&&str| !folders.iter().any(|folder| folder.join(program).is_file());
    let missing = programs.iter().find(is_missing);
    if let Some(program) = missing {
        println!("SKIPPED: {test}: {program} is not installed");
    }
    missing.is_some()
}

/// Whether a test has to be skipped since it is not run by root; says so.
pub(crate) fn lacks_root(test: &str) -> bool {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        println!("SKIPPED: {test}: only root can make a Debian root");
    }
    !is_root
}

/// Runs a task of the repository and returns what it prints.
fn xtask(arguments: &[&str]) -> String {
    let mut xtask = match env::var_os("PAIRD_BIN_DIR") {
        Some(binaries) => Command::new(Path::new(&binaries).join("xtask")),
        None => {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["run", "--quiet", "--package", "xtask", "--"]);
            cargo
        }
    };
    succeed(xtask.args(arguments))
}

/// Runs a program, which must succeed, and returns what it prints.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    successful(&output, &format!("{command:?}"))
}

/// Returns what a program has printed, which must have succeeded.
pub(crate) fn successful(output: &Output, what: &str) -> String {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}{err}", output.status);
    out
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
