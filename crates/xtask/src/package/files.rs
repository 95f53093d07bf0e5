//! The one list of files that a package installs, whatever its format.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{changelog, gzip};
use crate::workspace::{self, Workspace};

use Content::{Binary, Changelog, Source};

/// A file of the list.
struct File {
    /// Where it is installed, without the leading slash.
    path: &'static str,
    /// Where its content comes from.
    content: Content,
}

/// Where the content of a file comes from.
enum Content {
    /// The built binary of this name.
    Binary(&'static str),
    /// This file of the repository.
    Source(&'static str),
    /// This file of the repository, in the form that Debian wants its changelogs in.
    Changelog(&'static str),
}

/// A file as it is installed.
pub(crate) struct Entry {
    /// Where, without the leading slash.
    pub(crate) path: String,
    /// Its permissions. It belongs to root.
    pub(crate) mode: u32,
    /// What it holds.
    pub(crate) content: Vec<u8>,
}

impl Entry {
    /// Whether it is the operator's once installed: an upgrade does not replace it if it was changed.
    pub(crate) fn is_configuration(&self) -> bool {
        self.path.starts_with("etc/")
    }

    /// Whether it is a program of ours, which was compiled for one architecture.
    pub(crate) fn is_program(&self) -> bool {
        self.path.starts_with("usr/bin/")
    }
}

/// Returns every file that a package of these binaries installs, sorted by path: those of the list below, and the manual pages
/// and completions that are drawn from the command lines, so that a new command has its page without being named here.
///
/// # Errors
/// If a file of the list is missing, or the pages cannot be drawn.
pub(crate) fn collect(workspace: &Workspace, binaries: &Path, time: u64) -> Result<Vec<Entry>> {
    let mut entries = BTreeMap::new();
    for file in &FILES {
        let (mode, content) = match file.content {
            Binary(name) => (0o755, read(&binaries.join(name))?),
            Source(path) => (0o644, read(&workspace.root.join(path))?),
            Changelog(path) => {
                let text =
                    String::from_utf8(read(&workspace.root.join(path))?).context("the changelog is not UTF-8")?;
                (0o644, gzip(changelog::debian(&text, time)?.as_bytes())?)
            }
        };
        insert(&mut entries, file.path.to_owned(), mode, content)?;
    }
    for (path, content) in drawn(&binaries.join("pair-manual"))? {
        // Debian and Fedora both want manual pages compressed.
        if path.starts_with("usr/share/man/") {
            insert(&mut entries, format!("{path}.gz"), 0o644, gzip(&content)?)?;
        } else {
            insert(&mut entries, path, 0o644, content)?;
        }
    }
    Ok(entries.into_values().collect())
}

fn insert(entries: &mut BTreeMap<String, Entry>, path: String, mode: u32, content: Vec<u8>) -> Result<()> {
    let key = path.clone();
    let before = entries.insert(key, Entry { path, mode, content });
    match before {
        Some(entry) => anyhow::bail!("two files are installed as {}", entry.path),
        None => Ok(()),
    }
}

/// Returns what the program draws, by path.
fn drawn(manual: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    workspace::run(Command::new(manual).arg(folder.path()))?;
    let mut files = Vec::new();
    let mut folders = vec![folder.path().to_path_buf()];
    while let Some(above) = folders.pop() {
        for found in fs::read_dir(&above).with_context(|| format!("cannot read {}", above.display()))? {
            let path = found.context("cannot read a folder")?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder.path()).expect("found below it");
            let name = name.to_str().context("a drawn file has a strange name")?;
            files.push((name.to_owned(), read(&path)?));
        }
    }
    ensure!(!files.is_empty(), "{} has drawn nothing", manual.display());
    Ok(files)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

const fn file(path: &'static str, content: Content) -> File {
    File { path, content }
}

/// Every installed file that is not drawn. The units are not in `/lib`: that name is an alias on every supported system, and a
/// package that installs files through it can lose them when a later version names the folder itself.
const FILES: [File; 31] = [
    file("etc/paird/hooks.d/README", Source("deploy/hooks/README")),
    file("etc/paird/paird.toml.example", Source("deploy/config/paird.toml")),
    file("usr/bin/pairctl", Binary("pairctl")),
    file("usr/bin/paird", Binary("paird")),
    file(
        "usr/lib/systemd/system/paird-leave.service",
        Source("systemd/paird-leave.service"),
    ),
    file(
        "usr/lib/systemd/system/paird-witness.service",
        Source("systemd/paird-witness.service"),
    ),
    file("usr/lib/systemd/system/paird.service", Source("systemd/paird.service")),
    file("usr/lib/sysusers.d/paird.conf", Source("systemd/paird.sysusers")),
    file("usr/lib/tmpfiles.d/paird.conf", Source("systemd/paird.tmpfiles")),
    file("usr/share/doc/paird/COMPARISON.md", Source("docs/COMPARISON.md")),
    file("usr/share/doc/paird/CONFIGURATION.md", Source("docs/CONFIGURATION.md")),
    file("usr/share/doc/paird/DETECTION.md", Source("docs/DETECTION.md")),
    file("usr/share/doc/paird/DNS.md", Source("docs/DNS.md")),
    file("usr/share/doc/paird/FAILOVER.md", Source("docs/FAILOVER.md")),
    file("usr/share/doc/paird/GLOSSARY.md", Source("docs/GLOSSARY.md")),
    file("usr/share/doc/paird/INSTALL.md", Source("docs/INSTALL.md")),
    file("usr/share/doc/paird/MIGRATING.md", Source("docs/MIGRATING.md")),
    file("usr/share/doc/paird/OPERATING.md", Source("docs/OPERATING.md")),
    file("usr/share/doc/paird/PERFORMANCE.md", Source("docs/PERFORMANCE.md")),
    file("usr/share/doc/paird/PROTOCOL.md", Source("docs/PROTOCOL.md")),
    file("usr/share/doc/paird/README.md", Source("README.md")),
    file("usr/share/doc/paird/SECURITY.md", Source("docs/SECURITY.md")),
    file("usr/share/doc/paird/TOPOLOGIES.md", Source("docs/TOPOLOGIES.md")),
    file("usr/share/doc/paird/changelog.gz", Changelog("CHANGELOG.md")),
    file("usr/share/doc/paird/copyright", Source("deploy/deb/copyright")),
    file("usr/share/doc/paird/haproxy.cfg", Source("deploy/haproxy/haproxy.cfg")),
    file(
        "usr/share/doc/paird/realtime.conf",
        Source("systemd/paird-realtime.conf"),
    ),
    file("usr/share/licenses/paird/LICENSE-APACHE", Source("LICENSE-APACHE")),
    file("usr/share/licenses/paird/LICENSE-MIT", Source("LICENSE-MIT")),
    file(
        "usr/share/paird/grafana/paird.json",
        Source("deploy/grafana/paird.json"),
    ),
    file(
        "usr/share/paird/prometheus/paird.rules.yml",
        Source("deploy/prometheus/paird.rules.yml"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_each_file_once() {
        assert!(FILES.is_sorted_by(|a, b| a.path < b.path));
    }
}
