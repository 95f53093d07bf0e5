//! The RPM package, by `rpmbuild` from a staged folder: what a header of that format must say, that program knows best.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::{files::Entry, template};
use crate::workspace;

/// Everything that goes into a package.
pub(crate) struct Package<'a> {
    /// The installed files, sorted by path.
    pub(crate) entries: &'a [Entry],
    /// The template of the spec file.
    pub(crate) spec: &'a Path,
    /// The modification time of every file, in seconds since 1970.
    pub(crate) time: u64,
}

/// Whether packages of this format can be built here.
pub(crate) fn is_possible() -> bool {
    let mut rpmbuild = Command::new("rpmbuild");
    rpmbuild.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    rpmbuild.status().is_ok_and(|status| status.success())
}

impl Package<'_> {
    /// Writes the package into `folder` and returns where.
    ///
    /// # Errors
    /// If the template cannot be read, or `rpmbuild` fails; it has told why on stderr.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
        let staged = scratch.path().join("staged");
        self.stage(&staged)?;
        let spec = scratch.path().join("paird.spec");
        fs::write(&spec, self.spec()?).context("cannot write the spec file")?;

        // A name that is known beforehand, whatever the distribution would call the file.
        let name = format!("paird-{VERSION}-1.{}.rpm", env::consts::ARCH);
        workspace::run(
            Command::new("rpmbuild")
                .args(["-bb", "--quiet", "--target", env::consts::ARCH])
                .args(define("_topdir", &scratch.path().join("rpmbuild")))
                .args(define("_rpmdir", folder))
                .args(define("_rpmfilename", Path::new(&name)))
                .args(define("staged", &staged))
                .arg(&spec)
                .env("SOURCE_DATE_EPOCH", self.time.to_string())
                // It lists the steps that it takes; data goes to stdout, and this is none.
                .stdout(Stdio::null()),
        )?;
        let package = folder.join(name);
        ensure!(package.is_file(), "rpmbuild did not write {}", package.display());
        Ok(package)
    }

    /// Lays the files out as they are installed.
    fn stage(&self, root: &Path) -> Result<()> {
        for entry in self.entries {
            let path = root.join(&entry.path);
            let above = path.parent().expect("no file is installed as the root");
            fs::create_dir_all(above).with_context(|| format!("cannot make {}", above.display()))?;
            fs::write(&path, &entry.content).with_context(|| format!("cannot write {}", path.display()))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode))
                .with_context(|| format!("cannot set the mode of {}", path.display()))?;
        }
        Ok(())
    }

    /// Returns the spec file with the list of files and the facts of this build filled in.
    fn spec(&self) -> Result<String> {
        let files: String = self.entries.iter().map(line).collect();
        template::fill(self.spec, &[("VERSION", VERSION), ("FILES", &files)])
    }
}

/// Returns the line of a file in the spec file.
fn line(entry: &Entry) -> String {
    let kind = if entry.is_configuration() {
        "%config(noreplace) "
    } else if entry.path.starts_with("usr/share/licenses/") {
        "%license "
    } else {
        ""
    };
    format!("{kind}%attr({:04o}, root, root) /{}\n", entry.mode, entry.path)
}

fn define(name: &str, value: &Path) -> [String; 2] {
    ["--define".to_owned(), format!("{name} {}", value.display())]
}

/// All members of the workspace share one version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, mode: u32) -> Entry {
        Entry {
            path: path.to_owned(),
            mode,
            content: Vec::new(),
        }
    }

    #[test]
    fn what_is_the_operators_is_not_replaced() {
        let lines = [
            entry("etc/paird/paird.toml.example", 0o644),
            entry("usr/bin/paird", 0o755),
            entry("usr/share/licenses/paird/LICENSE-MIT", 0o644),
        ];
        let lines: Vec<String> = lines.iter().map(line).collect();
        assert_eq!(
            lines,
            [
                "%config(noreplace) %attr(0644, root, root) /etc/paird/paird.toml.example\n",
                "%attr(0755, root, root) /usr/bin/paird\n",
                "%license %attr(0644, root, root) /usr/share/licenses/paird/LICENSE-MIT\n",
            ]
        );
    }
}
