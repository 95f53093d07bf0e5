//! Programs of the Rust world that tasks need, each at one version, in the cache.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::workspace::{self, Workspace};

/// A program from crates.io.
pub(crate) struct Pinned {
    /// The name of its package, which is that of the program.
    pub(crate) package: &'static str,
    /// The version that the figures in the documents come from.
    pub(crate) version: &'static str,
}

impl Pinned {
    /// Installs the program unless it is there in this version, and returns where it is.
    ///
    /// # Errors
    /// If it cannot be installed; cargo has told why on stderr.
    pub(crate) fn install(&self, workspace: &Workspace) -> Result<PathBuf> {
        let tools = workspace.cache.join("tools");
        let program = tools.join("bin").join(self.package);
        // Where cargo notes what it has installed.
        let installed = fs::read_to_string(tools.join(".crates.toml")).unwrap_or_default();
        if program.is_file() && self.is_noted_in(&installed) {
            return Ok(program);
        }
        eprintln!("installing {} {} into {}", self.package, self.version, tools.display());
        let build = tools.join("build").join(self.package);
        workspace::run(
            Command::new("cargo")
                .args(["install", "--quiet", "--locked", "--force", "--root"])
                .arg(&tools)
                .args(["--version", self.version, self.package])
                .env("CARGO_TARGET_DIR", &build),
        )?;
        // What is left of the build is of no more use.
        let _ = fs::remove_dir_all(&build);
        Ok(program)
    }

    fn is_noted_in(&self, installed: &str) -> bool {
        let noted = format!("\"{} {} (", self.package, self.version);
        installed.lines().any(|line| line.starts_with(&noted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_its_name_and_version() {
        let noted = "[v1]\n\"cargo-x 1.2.3 (registry+https://github.com/rust-lang/crates.io-index)\" = [\"cargo-x\"]\n";
        let is_noted = |package, version| Pinned { package, version }.is_noted_in(noted);
        assert!(is_noted("cargo-x", "1.2.3"));
        assert!(!is_noted("cargo-x", "1.2.4") && !is_noted("cargo", "1.2.3"));
    }
}
