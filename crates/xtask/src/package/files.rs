//! The one list of files that a package installs.

/// A file in the package.
pub(crate) struct File {
    /// Where it is installed, without the leading slash. What lies in `etc` is the operator's once installed: an upgrade
    /// asks before it replaces a changed one.
    pub(crate) path: &'static str,
    /// Its permissions.
    pub(crate) mode: u32,
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

/// Every file that is installed. The unit is not in `/lib`: that name is an alias on every supported system, and packages
/// that ship files below it lose them when a later version moves.
pub(crate) const FILES: [File; 11] = [
    File {
        path: "etc/paird/paird.toml.example",
        mode: 0o644,
        content: Content::Source("deploy/config/paird.toml"),
    },
    File {
        path: "usr/bin/pairctl",
        mode: 0o755,
        content: Content::Binary("pairctl"),
    },
    File {
        path: "usr/bin/paird",
        mode: 0o755,
        content: Content::Binary("paird"),
    },
    File {
        path: "usr/lib/systemd/system/paird.service",
        mode: 0o644,
        content: Content::Source("systemd/paird.service"),
    },
    File {
        path: "usr/lib/sysusers.d/paird.conf",
        mode: 0o644,
        content: Content::Source("systemd/paird.sysusers"),
    },
    File {
        path: "usr/share/doc/paird/CONFIGURATION.md",
        mode: 0o644,
        content: Content::Source("docs/CONFIGURATION.md"),
    },
    File {
        path: "usr/share/doc/paird/FAILOVER.md",
        mode: 0o644,
        content: Content::Source("docs/FAILOVER.md"),
    },
    File {
        path: "usr/share/doc/paird/OPERATING.md",
        mode: 0o644,
        content: Content::Source("docs/OPERATING.md"),
    },
    File {
        path: "usr/share/doc/paird/README.md",
        mode: 0o644,
        content: Content::Source("README.md"),
    },
    File {
        path: "usr/share/doc/paird/changelog.gz",
        mode: 0o644,
        content: Content::Compressed("CHANGELOG.md"),
    },
    File {
        path: "usr/share/doc/paird/copyright",
        mode: 0o644,
        content: Content::Source("deploy/deb/copyright"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_each_file_once() {
        assert!(FILES.is_sorted_by(|a, b| a.path < b.path));
    }
}
