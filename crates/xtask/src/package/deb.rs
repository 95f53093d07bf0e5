//! The format of a Debian binary package: an `ar` of two compressed `tar`s (`deb(5)`).

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::{files::Entry, template};

/// Everything that goes into a package.
pub(crate) struct Package<'a> {
    /// The installed files, sorted by path.
    pub(crate) entries: &'a [Entry],
    /// The folder with the control file and the maintainer scripts.
    pub(crate) scripts: &'a Path,
    /// The modification time of every file, in seconds since 1970.
    pub(crate) time: u64,
}

impl Package<'_> {
    /// Returns the name of the package's file, as Debian's tools would choose it.
    pub(crate) fn file_name(&self) -> String {
        format!("paird_{VERSION}_{}.deb", architecture())
    }

    /// Returns the package.
    ///
    /// # Errors
    /// If the control file or a maintainer script cannot be read.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let members = [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.gz", self.control_archive()?),
            ("data.tar.gz", self.data_archive()?),
        ];
        let mut archive = ar::Builder::new(Vec::new());
        for (name, content) in members {
            let mut header = ar::Header::new(name.as_bytes().to_vec(), content.len() as u64);
            header.set_mode(0o100_644);
            header.set_mtime(self.time);
            archive
                .append(&header, content.as_slice())
                .context("cannot write the package")?;
        }
        archive.into_inner().context("cannot write the package")
    }

    fn control_archive(&self) -> Result<Vec<u8>> {
        let mut archive = Archive::new(self.time);
        archive.add_file("control", 0o644, self.control()?.as_bytes())?;
        archive.add_file("conffiles", 0o644, self.conffiles().as_bytes())?;
        for script in ["postinst", "prerm", "postrm"] {
            archive.add_file(script, 0o755, read(&self.scripts.join(script))?.as_bytes())?;
        }
        archive.finish()
    }

    fn data_archive(&self) -> Result<Vec<u8>> {
        let mut archive = Archive::new(self.time);
        for folder in self.folders() {
            archive.add_folder(&folder)?;
        }
        for entry in self.entries {
            archive.add_file(&entry.path, entry.mode, &entry.content)?;
        }
        archive.finish()
    }

    /// Returns the control file with the facts of this build filled in.
    fn control(&self) -> Result<String> {
        let mut glibc = Glibc::default();
        for program in self.entries.iter().filter(|entry| entry.is_program()) {
            glibc.require(&program.content);
        }
        let installed_kib: usize = self
            .entries
            .iter()
            .map(|entry| entry.content.len().div_ceil(1024))
            .sum();
        let values = [
            ("VERSION", VERSION),
            ("ARCHITECTURE", architecture()),
            ("INSTALLED_KIB", &installed_kib.to_string()),
            ("GLIBC", &glibc.version()),
        ];
        template::fill(&self.scripts.join("control"), &values)
    }

    /// Returns the files that belong to the operator once installed.
    fn conffiles(&self) -> String {
        let owned = self.entries.iter().filter(|entry| entry.is_configuration());
        owned.map(|entry| format!("/{}\n", entry.path)).collect()
    }

    /// Returns every folder on the way to a file; parents sort before their children.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let above = |entry: &Entry| {
            let path = PathBuf::from(&entry.path);
            path.ancestors().skip(1).map(Path::to_path_buf).collect::<Vec<_>>()
        };
        self.entries.iter().flat_map(above).collect()
    }
}

/// The newest version of the GNU C library that a binary's symbols name.
#[derive(Default)]
struct Glibc {
    minor: u32,
}

impl Glibc {
    /// Reads the symbol versions of a binary. They stand in its string table as they are written: `GLIBC_2.34`.
    fn require(&mut self, binary: &[u8]) {
        const MARK: &[u8] = b"GLIBC_2.";
        for at in binary
            .windows(MARK.len())
            .enumerate()
            .filter(|(_, bytes)| *bytes == MARK)
            .map(|(at, _)| at)
        {
            let digits = binary[at + MARK.len()..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .take(3);
            let minor = digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
            self.minor = self.minor.max(minor);
        }
    }

    fn version(&self) -> String {
        format!("2.{}", self.minor)
    }
}

/// A compressed `tar` with files of root, all of one time.
struct Archive {
    builder: tar::Builder<GzEncoder<Vec<u8>>>,
    time: u64,
}

impl Archive {
    fn new(time: u64) -> Self {
        Self {
            builder: tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default())),
            time,
        }
    }

    fn add_folder(&mut self, path: &Path) -> Result<()> {
        let header = self.header(tar::EntryType::Directory, 0o755, 0);
        self.append(header, &format!("./{}/", path.display()).replace("//", "/"), &[])
    }

    fn add_file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<()> {
        let header = self.header(tar::EntryType::Regular, mode, content.len() as u64);
        self.append(header, &format!("./{path}"), content)
    }

    fn finish(self) -> Result<Vec<u8>> {
        self.builder
            .into_inner()
            .and_then(GzEncoder::finish)
            .context("cannot compress")
    }

    fn header(&self, kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(self.time);
        header.set_uid(0);
        header.set_gid(0);
        header
    }

    /// Adds an entry with its name as written: the library's own way of setting a path drops the leading `./`, which
    /// Debian's tools write and compare.
    fn append(&mut self, mut header: tar::Header, name: &str, content: &[u8]) -> Result<()> {
        let field = &mut header.as_gnu_mut().expect("made as a GNU header").name;
        let place = field
            .get_mut(..name.len())
            .with_context(|| format!("the path {name} is too long"))?;
        place.copy_from_slice(name.as_bytes());
        header
            .set_username("root")
            .and_then(|()| header.set_groupname("root"))
            .expect("a short name");
        header.set_cksum();
        self.builder
            .append(&header, content)
            .with_context(|| format!("cannot add {name}"))
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Returns Debian's name of the architecture that this runs on, and thus builds for.
fn architecture() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// All members of the workspace share one version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_symbol_version_of_all_binaries_counts() {
        let mut glibc = Glibc::default();
        glibc.require(b"\0GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.2.5\0");
        glibc.require(b"\0GLIBC_2.17\0GLIBC_PRIVATE\0");
        assert_eq!(glibc.version(), "2.34");
    }
}
