//! The Debian package, in a Debian that has nothing else: it installs, its programs run there, and it goes again.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::env;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

#[test]
fn the_package_installs_works_and_goes_in_a_clean_debian() {
    const TEST: &str = "the_package_installs_works_and_goes_in_a_clean_debian";
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        println!("SKIPPED: {TEST}: only root can make a Debian root");
        return;
    }
    if !Path::new("/usr/sbin/debootstrap").is_file() {
        println!("SKIPPED: {TEST}: debootstrap is not installed");
        return;
    }
    let package = env::var_os("PAIRD_DEB").map_or_else(built_package, PathBuf::from);
    let debian = Debian::unpack();

    // It installs with nothing but what a minimal Debian has, and every file is one of the list, with its mode.
    fs::copy(&package, debian.path("tmp/paird.deb")).unwrap();
    debian.run("dpkg", &["--install", "/tmp/paird.deb"]);
    assert_eq!(installed_files(&debian), listed_files());
    assert_eq!(debian.run("id", &["--user", "--name", "paird"]), "paird\n");

    // A key and a configuration by the book, readable for the daemon's user and for no other.
    debian.run("sh", &["-c", "umask 027 && pairctl key generate >/etc/paird/key"]);
    debian.run("cp", &["/etc/paird/paird.toml.example", "/etc/paird/paird.toml"]);
    let check = [
        "--user",
        "paird",
        "--",
        "paird",
        "check",
        "--config",
        "/etc/paird/paird.toml",
        "--node",
        "a",
    ];
    debian.run("runuser", &check);
    let stranger = debian.output("runuser", &["--user", "nobody", "--", "cat", "/etc/paird/key"]);
    assert!(!stranger.status.success(), "everybody can read the key");
    let version = debian.run("pairctl", &["version"]);
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");

    assert_eq!(complaints_of_systemd(&debian), "");

    // A removal leaves what the operator made, a purge does not.
    debian.run("dpkg", &["--remove", "paird"]);
    assert!(!debian.path("usr/bin/paird").exists());
    assert!(debian.path("etc/paird/key").exists() && debian.path("etc/paird/paird.toml").exists());
    debian.run("dpkg", &["--purge", "paird"]);
    assert!(!debian.path("etc/paird").exists());
}

/// Builds the package of the development binaries.
fn built_package() -> PathBuf {
    PathBuf::from(xtask(&["package", "--dev"]).trim_end())
}

/// Returns what the list of the package says, "0755 /usr/bin/paird" a line.
fn listed_files() -> Vec<String> {
    xtask(&["package", "--list"]).lines().map(str::to_owned).collect()
}

/// Returns what the package has installed, in the same words.
fn installed_files(debian: &Debian) -> Vec<String> {
    let mut files = Vec::new();
    for path in debian.run("dpkg-query", &["--listfiles", "paird"]).lines() {
        let metadata = fs::metadata(debian.path(path.trim_start_matches('/'))).unwrap();
        if metadata.is_file() {
            files.push(format!("{:04o} {path}", metadata.permissions().mode() & 0o7777));
        }
    }
    files.sort_by(|a, b| a[5..].cmp(&b[5..]));
    files
}

/// Returns what systemd has to say about the unit, where it is installed to be asked: nothing, ideally.
///
/// It is this system's systemd with its own units around, since a minimal Debian has none; only the daemon is from there.
fn complaints_of_systemd(debian: &Debian) -> String {
    if !Path::new("/usr/bin/systemd-analyze").is_file() {
        return String::new();
    }
    let unit = fs::read_to_string(debian.path("usr/lib/systemd/system/paird.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("paird.service");
    // The names of both programs begin like this.
    let programs = debian.path("usr/bin/pair");
    fs::write(&copy, unit.replace("/usr/bin/pair", programs.to_str().unwrap())).unwrap();
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&copy)
        .output()
        .unwrap();
    text(&output.stdout) + &text(&output.stderr)
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
    successful(&xtask.args(arguments).output().unwrap(), arguments)
}

/// A minimal Debian 12 in a folder that is deleted with it.
struct Debian {
    root: TempDir,
}

impl Debian {
    /// Unpacks a fresh one from the cache, which is filled at the first time.
    fn unpack() -> Self {
        let cache = Path::new(&env::var_os("HOME").unwrap()).join(".cache/paird");
        let archive = cache.join("bookworm-minbase.tar");
        if !archive.exists() {
            fs::create_dir_all(&cache).unwrap();
            let scratch = TempDir::new_in(&cache).unwrap();
            let (root, unfinished) = (scratch.path().join("root"), scratch.path().join("tar"));
            let mut debootstrap = Command::new("/usr/sbin/debootstrap");
            succeed(debootstrap.args(["--variant=minbase", "bookworm"]).arg(&root));
            let excluded = [
                "--exclude=./proc/*",
                "--exclude=./sys/*",
                "--exclude=./var/cache/apt/archives/*.deb",
            ];
            succeed(
                Command::new("tar")
                    .arg("-cf")
                    .arg(&unfinished)
                    .args(excluded)
                    .arg("-C")
                    .arg(&root)
                    .arg("."),
            );
            // Renamed when complete: an interrupted download leaves no half of a Debian behind.
            fs::rename(&unfinished, &archive).unwrap();
        }
        let root = tempfile::tempdir().unwrap();
        succeed(Command::new("tar").arg("-xpf").arg(&archive).arg("-C").arg(root.path()));
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { root }
    }

    /// Returns the path, as seen from outside, of what lies at `path` in it.
    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// Runs a program in it, which must succeed, and returns what it prints.
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        successful(&self.output(program, arguments), &[&[program], arguments].concat())
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Output {
        let mut chroot = Command::new("chroot");
        chroot.arg(self.root.path()).arg(program).args(arguments);
        chroot
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .unwrap()
    }
}

fn succeed(command: &mut Command) {
    successful(&command.output().unwrap(), &[&format!("{command:?}")]);
}

fn successful(output: &Output, what: &[&str]) -> String {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{}: {}\n{out}{err}",
        what.join(" "),
        output.status
    );
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
