//! A minimal Debian 12 to install packages in.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::packages::{succeed, successful};

/// A minimal Debian 12 in a folder that is deleted with it.
pub(crate) struct Debian {
    root: TempDir,
}

impl Debian {
    /// Unpacks a fresh one from the cache, which is filled at the first time.
    pub(crate) fn unpack() -> Self {
        Self::of(&archive("minbase", &[]))
    }

    /// Unpacks one that can be booted.
    pub(crate) fn with_systemd() -> Self {
        Self::of(&archive("systemd", &["--include=systemd,systemd-sysv,ca-certificates"]))
    }

    fn of(archive: &Path) -> Self {
        let root = tempfile::tempdir().unwrap();
        succeed(Command::new("tar").arg("-xpf").arg(archive).arg("-C").arg(root.path()));
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { root }
    }

    /// Returns the path, as seen from outside, of what lies at `path` in it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Runs a program in it, which must succeed, and returns what it prints.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        successful(
            &self.output(program, arguments),
            &[&[program], arguments].concat().join(" "),
        )
    }

    /// Runs a program in it.
    pub(crate) fn output(&self, program: &str, arguments: &[&str]) -> Output {
        let mut chroot = Command::new("chroot");
        chroot.arg(self.root.path()).arg(program).args(arguments);
        chroot
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .unwrap()
    }

    /// Returns the programs that run from it.
    pub(crate) fn running(&self) -> Vec<PathBuf> {
        let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        // What has ended meanwhile, and what is no process, has no program.
        processes
            .filter_map(|process| fs::read_link(process.join("exe")).ok())
            .filter(|program| program.starts_with(self.root.path()))
            .collect()
    }
}

/// Returns the archive of a minimal Debian, which is made at the first time, with these further options.
fn archive(name: &str, options: &[&str]) -> PathBuf {
    // Tests run side by side, and one download is enough.
    static MAKING: Mutex<()> = Mutex::new(());
    let _made_by_one = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = Path::new(&env::var_os("HOME").unwrap()).join(".cache/paird");
    let archive = cache.join(format!("bookworm-{name}.tar"));
    if archive.exists() {
        return archive;
    }
    fs::create_dir_all(&cache).unwrap();
    let scratch = TempDir::new_in(&cache).unwrap();
    let (root, unfinished) = (scratch.path().join("root"), scratch.path().join("tar"));
    let mut debootstrap = Command::new("/usr/sbin/debootstrap");
    debootstrap.arg("--variant=minbase").args(options);
    succeed(debootstrap.arg("bookworm").arg(&root));
    let excluded = [
        "--exclude=./proc/*",
        "--exclude=./sys/*",
        "--exclude=./var/cache/apt/archives/*.deb",
    ];
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(&unfinished).args(excluded);
    succeed(tar.arg("-C").arg(&root).arg("."));
    // Renamed when complete: an interrupted download leaves no half of a Debian behind.
    fs::rename(&unfinished, &archive).unwrap();
    archive
}
