//! What the tests need and a Rust toolchain does not bring: moto from Python, HAProxy and friends from the distribution.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use rustix::process::geteuid;

use crate::workspace::{self, Workspace};

/// A program from the distribution, and the tests that have to be skipped without it.
struct Tool {
    program: &'static str,
    package: &'static str,
    tests: &'static str,
}

const TOOLS: [Tool; 12] = [
    Tool {
        program: "haproxy",
        package: "haproxy",
        tests: "the demo, the lab and the tests with the real HAProxy",
    },
    Tool {
        program: "nft",
        package: "nftables",
        tests: "the lab and the tests that cut one direction of a path",
    },
    Tool {
        program: "ip",
        package: "iproute2",
        tests: "the lab and the tests in a network namespace",
    },
    Tool {
        program: "faketime",
        package: "faketime",
        tests: "the test with a wrong clock",
    },
    Tool {
        program: "debootstrap",
        package: "debootstrap",
        tests: "the tests that install the packages",
    },
    Tool {
        program: "rpmbuild",
        package: "rpm",
        tests: "the RPM package and its tests",
    },
    Tool {
        program: "lintian",
        package: "lintian",
        tests: "the examination of the Debian package",
    },
    Tool {
        program: "man",
        package: "man-db",
        tests: "the tests of the manual pages",
    },
    Tool {
        program: "fish",
        package: "fish",
        tests: "the tests of completions",
    },
    Tool {
        program: "zsh",
        package: "zsh",
        tests: "the tests of completions",
    },
    Tool {
        program: "cloud-init",
        package: "cloud-init",
        tests: "the test of the user-data",
    },
    Tool {
        program: "python3",
        package: "python3-venv",
        tests: "the tests against moto",
    },
];

/// What was found or installed.
pub(crate) struct Tools {
    /// The server of moto, if it could be installed.
    pub(crate) moto_server: Option<PathBuf>,
    /// A search path with the folders of administrators, where HAProxy and nft live.
    pub(crate) path: String,
}

impl Tools {
    /// Installs what is missing as far as this user may, and says on stderr what stays missing and what that costs.
    ///
    /// # Errors
    /// Only if the environment is unusable: a tool that cannot be installed is a skipped test, not an error.
    pub(crate) fn prepare(workspace: &Workspace) -> Result<Self> {
        let path = format!(
            "{}:/usr/sbin:/sbin",
            env::var("PATH").context("PATH is not set or not UTF-8")?
        );
        install_packages(&path);
        let moto_server = python_environment(workspace, "venv", "tests/requirements.txt", "moto_server")
            .inspect_err(|error| eprintln!("moto cannot be installed, its tests are skipped: {error:#}"))
            .ok();
        Ok(Self { moto_server, path })
    }
}

/// Installs the missing programs by the distribution's package manager if root, else says how.
fn install_packages(path: &str) {
    let missing = |tool: &&Tool| !env::split_paths(path).any(|folder| folder.join(tool.program).is_file());
    let packages: Vec<&str> = TOOLS.iter().filter(missing).map(|tool| tool.package).collect();
    if packages.is_empty() {
        return;
    }
    if geteuid().is_root() {
        eprintln!("installing {}", packages.join(" "));
        let installed = keep_asleep(&packages)
            .and_then(|()| workspace::run(apt_get().arg("update")))
            .and_then(|()| {
                workspace::run(
                    apt_get()
                        .args(["install", "--yes", "--no-install-recommends"])
                        .args(&packages),
                )
            });
        if let Err(error) = installed {
            eprintln!("cannot install: {error:#}");
        }
    }
    for tool in TOOLS.iter().filter(missing) {
        eprintln!(
            "{} is missing: {} are skipped; apt-get install {}",
            tool.program, tool.tests, tool.package
        );
    }
}

/// Sees to it that what is installed for a test does nothing else: at its next boot cloud-init could take this machine for a new
/// one, with new keys and another name.
fn keep_asleep(packages: &[&str]) -> Result<()> {
    if !packages.contains(&"cloud-init") {
        return Ok(());
    }
    fs::create_dir_all("/etc/cloud")
        .and_then(|()| {
            fs::write(
                CLOUD_INIT_DISABLED,
                "by cargo xtask test, which wants its schema only\n",
            )
        })
        .with_context(|| format!("cannot write {CLOUD_INIT_DISABLED}"))
}

/// What disables cloud-init if it is there (cloud-init's documentation, "How to disable cloud-init").
const CLOUD_INIT_DISABLED: &str = "/etc/cloud/cloud-init.disabled";

fn apt_get() -> Command {
    let mut apt_get = Command::new("apt-get");
    // Data goes to stdout, and this is none.
    apt_get
        .arg("--quiet=2")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    apt_get
}

/// Installs a program from Python's package index into a virtual environment of its own, unless it is there in the wanted
/// version, and returns where it is. `requirements` is a file of the repository with all versions.
///
/// # Errors
/// If it cannot be installed; the installer has told why on stderr.
pub(crate) fn python_environment(
    workspace: &Workspace,
    name: &str,
    requirements: &str,
    program: &str,
) -> Result<PathBuf> {
    let requirements = workspace.root.join(requirements);
    let environment = workspace.cache.join(name);
    let program = environment.join("bin").join(program);
    // A copy of the requirements is left behind as the last step, so a half-finished installation is done again.
    let installed = environment.join("requirements.txt");
    let wanted = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    if program.is_file() && fs::read(&installed).is_ok_and(|present| present == wanted) {
        return Ok(program);
    }
    eprintln!("installing {} into {}", requirements.display(), environment.display());
    workspace::run(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment)
            .stdout(Stdio::null()),
    )?;
    workspace::run(
        Command::new(environment.join("bin/python3"))
            .args([
                "-m",
                "pip",
                "--quiet",
                "--disable-pip-version-check",
                "install",
                "--requirement",
            ])
            .arg(&requirements)
            .stdout(Stdio::null()),
    )?;
    fs::write(&installed, &wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(program)
}
