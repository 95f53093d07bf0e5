//! The one list of files that a package installs.

use Content::{Binary, Compressed, Source};

/// A file in the package.
pub(crate) struct File {
    /// Where it is installed, without the leading slash. What lies in `etc` is the operator's once installed: an upgrade
    /// asks before it replaces a changed one.
    pub(crate) path: &'static str,
    /// Where its content comes from.
    pub(crate) content: Content,
}

/// Where the content of a file comes from.
pub(crate) enum Content {
    /// The built binary of this name.
    Binary(&'static str),
    /// This file of the repository.
    Source(&'static str),
    /// This file of the repository, compressed by gzip, as Debian wants its changelogs.
    Compressed(&'static str),
}

impl File {
    const fn new(path: &'static str, content: Content) -> Self {
        Self { path, content }
    }

    /// Returns its permissions: everybody may read it, and run what is a program.
    pub(crate) fn mode(&self) -> u32 {
        match self.content {
            Binary(_) => 0o755,
            Source(_) | Compressed(_) => 0o644,
        }
    }
}

/// Every file that is installed. The unit is not in `/lib`: that name is an alias on every supported system, and a package
/// that installs files through it can lose them when a later version names the folder itself.
pub(crate) const FILES: [File; 14] = [
    File::new("etc/paird/hooks.d/README", Source("deploy/hooks/README")),
    File::new("etc/paird/paird.toml.example", Source("deploy/config/paird.toml")),
    File::new("usr/bin/pairctl", Binary("pairctl")),
    File::new("usr/bin/paird", Binary("paird")),
    File::new("usr/lib/systemd/system/paird.service", Source("systemd/paird.service")),
    File::new("usr/lib/sysusers.d/paird.conf", Source("systemd/paird.sysusers")),
    File::new("usr/share/doc/paird/CONFIGURATION.md", Source("docs/CONFIGURATION.md")),
    File::new("usr/share/doc/paird/FAILOVER.md", Source("docs/FAILOVER.md")),
    File::new("usr/share/doc/paird/OPERATING.md", Source("docs/OPERATING.md")),
    File::new("usr/share/doc/paird/README.md", Source("README.md")),
    File::new("usr/share/doc/paird/changelog.gz", Compressed("CHANGELOG.md")),
    File::new("usr/share/doc/paird/copyright", Source("deploy/deb/copyright")),
    File::new(
        "usr/share/paird/grafana/paird.json",
        Source("deploy/grafana/paird.json"),
    ),
    File::new(
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
