//! What the packages say of themselves: their files, their scripts, and what they need.

use std::path::Path;
use std::process::Command;

use crate::packages::{lacks, listed_files, packages, succeed, unpacked};

/// The C library of Amazon Linux 2023; Ubuntu 22.04 has 2.35, and Debian 12 has 2.36.
const OLDEST_GLIBC: [u32; 2] = [2, 34];

#[test]
fn both_packages_have_the_files_of_the_list() {
    const TEST: &str = "both_packages_have_the_files_of_the_list";
    if lacks(TEST, &["rpm", "rpmbuild"]) {
        return;
    }
    let listed = listed_files();
    assert_eq!(files_of_deb(), listed);
    assert_eq!(files_of_rpm(), listed);
}

#[test]
fn the_same_files_are_the_operators_in_both() {
    const TEST: &str = "the_same_files_are_the_operators_in_both";
    if lacks(TEST, &["rpm", "rpmbuild"]) {
        return;
    }
    let expected = "/etc/paird/hooks.d/README\n/etc/paird/paird.toml.example\n";
    assert_eq!(succeed(dpkg_deb("--info").arg("conffiles")), expected);
    assert_eq!(succeed(&mut rpm("--configfiles")), expected);
}

#[test]
fn the_rpm_has_a_scriptlet_for_each_step() {
    const TEST: &str = "the_rpm_has_a_scriptlet_for_each_step";
    if lacks(TEST, &["rpm", "rpmbuild"]) {
        return;
    }
    let scripts = succeed(&mut rpm("--scripts"));
    let steps = ["preinstall", "postinstall", "preuninstall", "postuninstall"];
    let listed = scripts
        .lines()
        .filter(|line| line.contains(" scriptlet (using /bin/sh)"));
    let expected = steps.map(|step| format!("{step} scriptlet (using /bin/sh):"));
    assert_eq!(listed.collect::<Vec<_>>(), expected);
    for script in ["useradd --system", "systemctl disable --now"] {
        assert!(scripts.contains(script), "{script} is not in {scripts}");
    }
}

#[test]
fn the_programs_need_no_newer_c_library_than_the_oldest_supported_system_has() {
    const TEST: &str = "the_programs_need_no_newer_c_library_than_the_oldest_supported_system_has";
    if lacks(TEST, &["objdump"]) {
        return;
    }
    let folder = unpacked();
    let needed = ["paird", "pairctl"].map(|program| newest_symbol(&folder.path().join("usr/bin").join(program)));
    println!("paird needs glibc {:?}, pairctl {:?}", needed[0], needed[1]);
    assert!(needed.iter().all(|version| *version <= OLDEST_GLIBC), "{needed:?}");

    let [major, minor] = needed.into_iter().max().unwrap();
    let depends = succeed(dpkg_deb("--field").arg("Depends"));
    assert!(depends.contains(&format!("libc6 (>= {major}.{minor})")), "{depends}");
}

#[test]
fn both_packages_bring_the_certificates_by_which_ec2_is_believed() {
    const TEST: &str = "both_packages_bring_the_certificates_by_which_ec2_is_believed";
    if lacks(TEST, &["rpm", "rpmbuild"]) {
        return;
    }
    let depends = succeed(dpkg_deb("--field").arg("Depends"));
    assert!(
        depends.split(", ").any(|name| name.trim() == "ca-certificates"),
        "{depends}"
    );
    let requires = succeed(&mut rpm("--requires"));
    assert!(requires.lines().any(|name| name == "ca-certificates"), "{requires}");
}

#[test]
fn lintian_has_nothing_to_say_but_what_is_explained() {
    const TEST: &str = "lintian_has_nothing_to_say_but_what_is_explained";
    if lacks(TEST, &["lintian"]) {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut lintian = Command::new("lintian");
    lintian
        .args(["--allow-root", "--fail-on", "none", "--suppress-tags-from-file"])
        .arg(root.join("deploy/deb/lintian.suppressed"))
        .arg(&packages().deb);
    assert_eq!(succeed(&mut lintian), "");
}

/// Returns what the Debian package installs, "0755 /usr/bin/paird" a line.
fn files_of_deb() -> Vec<String> {
    let list = succeed(&mut dpkg_deb("--contents"));
    let files = list.lines().filter(|line| line.starts_with('-')).map(|line| {
        let mut words = line.split_whitespace();
        let (mode, owner, path) = (words.next().unwrap(), words.next().unwrap(), words.next_back().unwrap());
        assert_eq!(owner, "root/root", "{line}");
        format!("{} {}", octal(mode), path.trim_start_matches('.'))
    });
    files.collect()
}

/// Returns what the RPM package installs, in the same words.
fn files_of_rpm() -> Vec<String> {
    let list =
        succeed(rpm("--queryformat").arg("[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]"));
    let files = list.lines().filter(|line| line.starts_with('-')).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[1], "root/root", "{line}");
        format!("{} {}", octal(words[0]), words[2])
    });
    let mut files: Vec<String> = files.collect();
    files.sort_by(|a, b| a[5..].cmp(&b[5..]));
    files
}

/// Returns `-rwxr-xr-x` as `0755`.
fn octal(mode: &str) -> String {
    let bits = mode[1..]
        .bytes()
        .fold(0, |bits, letter| bits << 1 | u32::from(letter != b'-'));
    format!("{bits:04o}")
}

/// Returns the newest version of the GNU C library among those of a program's symbols.
fn newest_symbol(program: &Path) -> [u32; 2] {
    let symbols = succeed(Command::new("objdump").arg("--dynamic-syms").arg(program));
    let versions = symbols.split("GLIBC_").skip(1).filter_map(|after| {
        let number = after.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let mut parts = number.split('.').map(|part| part.parse().ok());
        Some([parts.next()??, parts.next()??])
    });
    versions.max().unwrap()
}

fn dpkg_deb(action: &str) -> Command {
    let mut command = Command::new("dpkg-deb");
    command.arg(action).arg(&packages().deb);
    command
}

/// Returns a command that asks the RPM package; the last word of the query may follow.
fn rpm(query: &str) -> Command {
    let mut command = Command::new("rpm");
    command
        .args(["--query", "--package"])
        .arg(packages().rpm.as_ref().unwrap())
        .arg(query);
    command
}
