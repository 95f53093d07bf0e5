//! Installation, use and removal of each package.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::debian::Debian;
use crate::packages::{lacks, lacks_root, listed_files, packages, succeed};

#[test]
fn the_deb_installs_works_and_goes_in_a_clean_debian() {
    const TEST: &str = "the_deb_installs_works_and_goes_in_a_clean_debian";
    if lacks_root(TEST) || lacks(TEST, &["debootstrap"]) {
        return;
    }
    let debian = Debian::unpack();

    // It installs with nothing but what a minimal Debian has, and the certificates that only calls of EC2 need; every file is
    // one of the list, with its mode.
    fs::copy(&packages().deb, debian.path("tmp/paird.deb")).unwrap();
    debian.run(
        "dpkg",
        &["--ignore-depends=ca-certificates", "--install", "/tmp/paird.deb"],
    );
    assert_eq!(installed_files(&debian), listed_files());

    the_programs_work(&debian);

    // A removal leaves what the operator made, a purge does not.
    debian.run("dpkg", &["--remove", "paird"]);
    nothing_runs_and_the_operators_files_are_left(&debian);
    debian.run("dpkg", &["--purge", "paird"]);
    assert!(!debian.path("etc/paird").exists());
}

/// Debian has what the scriptlets call, so its root does for a distribution that has packages of this format.
#[test]
fn the_rpm_installs_works_and_goes_in_a_clean_root() {
    const TEST: &str = "the_rpm_installs_works_and_goes_in_a_clean_root";
    if lacks_root(TEST) || lacks(TEST, &["debootstrap", "rpm", "rpmbuild"]) {
        return;
    }
    let debian = Debian::unpack();
    let package = packages().rpm.as_ref().unwrap();

    rpm(&debian, &["--install", package.to_str().unwrap()]);
    // Size, digest, mode and owner of each file are those of the package.
    assert_eq!(rpm(&debian, &["--verify", "paird"]), "");

    the_programs_work(&debian);

    rpm(&debian, &["--erase", "paird"]);
    nothing_runs_and_the_operators_files_are_left(&debian);
}

/// Configures a node by the book, and runs both programs as an operator does.
fn the_programs_work(debian: &Debian) {
    assert_eq!(debian.run("id", &["--user", "--name", "paird"]), "paird\n");
    // A key and a configuration, readable for the daemon's user and for no other.
    debian.run("sh", &["-c", "umask 027 && pairctl key generate >/etc/paird/key"]);
    debian.run("cp", &["/etc/paird/paird.toml.example", "/etc/paird/paird.toml"]);
    let mode = fs::metadata(debian.path("etc/paird")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o2750);
    let check = ["--user", "paird", "--", "paird", "check", "--node", "a"];
    let checked = debian.run("runuser", &check);
    assert_eq!(checked, "/etc/paird/paird.toml: ok, pair lb-1 of a and b\n");
    let stranger = debian.output("runuser", &["--user", "nobody", "--", "cat", "/etc/paird/key"]);
    assert!(!stranger.status.success(), "everybody can read the key");

    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(debian.run("paird", &["--version"]), format!("paird {version}\n"));
    assert!(debian.run("pairctl", &["version"]).contains(version));
    let help = debian.run("pairctl", &["--help"]);
    assert!(help.contains("Usage: pairctl") && help.contains("failover"), "{help}");
}

fn nothing_runs_and_the_operators_files_are_left(debian: &Debian) {
    assert!(!debian.path("usr/bin/paird").exists());
    assert!(!debian.path("usr/lib/systemd/system/paird.service").exists());
    assert!(debian.path("etc/paird/key").exists() && debian.path("etc/paird/paird.toml").exists());
    assert_eq!(debian.running(), Vec::<&Path>::new());
}

/// Returns what the package has installed, in the words of the list.
fn installed_files(debian: &Debian) -> Vec<String> {
    let mut files = Vec::new();
    for path in debian.run("dpkg-query", &["--listfiles", "paird"]).lines() {
        let metadata = fs::metadata(debian.path(path.trim_start_matches('/'))).unwrap();
        if metadata.is_file() {
            assert_eq!((metadata.uid(), metadata.gid()), (0, 0), "{path}");
            files.push(format!("{:04o} {path}", metadata.permissions().mode() & 0o7777));
        }
    }
    files.sort_by(|a, b| a[5..].cmp(&b[5..]));
    files
}

/// Runs this system's rpm on the root, which has none. What the package requires is not there by the names of that format.
fn rpm(debian: &Debian, arguments: &[&str]) -> String {
    let mut rpm = Command::new("rpm");
    succeed(rpm.arg("--root").arg(debian.path("")).arg("--nodeps").args(arguments))
}
