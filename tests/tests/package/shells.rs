//! Manual pages and completions, where they are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages::{lacks, succeed, text, unpacked};

#[test]
fn every_manual_page_is_found_and_drawn_without_a_warning() {
    const TEST: &str = "every_manual_page_is_found_and_drawn_without_a_warning";
    if lacks(TEST, &["man"]) {
        return;
    }
    let unpacked = unpacked();
    let manual = unpacked.path().join("usr/share/man");
    for (section, page) in pages(&manual) {
        let mut man = Command::new("man");
        man.args(["--warnings", "--encoding=UTF-8", "--manpath"]).arg(&manual);
        let output = man
            .args([&section, &page])
            .env("LC_ALL", "C.UTF-8")
            .env("MANWIDTH", "100")
            .output()
            .unwrap();
        assert!(output.status.success(), "{page}({section}): {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{page}({section})");
        let title = format!("{}({section})", page.to_uppercase());
        let drawn = text(&output.stdout);
        assert!(drawn.starts_with(&title), "{page}({section}) begins otherwise: {drawn}");
    }
}

#[test]
fn each_shell_completes_the_commands_of_both_programs() {
    const TEST: &str = "each_shell_completes_the_commands_of_both_programs";
    if lacks(TEST, &["bash", "fish", "zsh"]) {
        return;
    }
    let unpacked = unpacked();
    let share = unpacked.path().join("usr/share");
    for (program, begun, command) in [("pairctl", "fail", "failover"), ("paird", "doc", "doctor")] {
        let folder = share.join("bash-completion/completions");
        let script = format!(
            "source {program} && COMP_WORDS=({program} {begun}) COMP_CWORD=1 && _{program} {program} {begun} {program}; \
             echo ${{COMPREPLY[@]}}"
        );
        assert_eq!(
            shell("bash", &["--norc", "-c", &script], &folder),
            format!("{command}\n")
        );

        let folder = share.join("fish/vendor_completions.d");
        let script = format!("source {program}.fish; complete --do-complete '{program} {begun}'");
        let completed = shell("fish", &["--no-config", "-c", &script], &folder);
        assert!(completed.starts_with(&format!("{command}\t")), "{completed}");

        // Without a terminal it completes nothing; but it finds the function and can read it.
        for folder in ["zsh/vendor-completions", "zsh/site-functions"] {
            let script = format!(
                "fpath=($PWD $fpath) && autoload -U compinit && compinit -u -D && print $_comps[{program}] && \
                 autoload -U +X _{program}"
            );
            let found = shell("zsh", &["-f", "-c", &script], &share.join(folder));
            assert_eq!(found, format!("_{program}\n"));
        }
    }
}

/// Returns section and name of every page.
fn pages(manual: &Path) -> Vec<(String, String)> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let files = entries(manual)
        .iter()
        .flat_map(|folder| entries(folder))
        .collect::<Vec<_>>();
    let pages = files.iter().map(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        let (page, section) = name.strip_suffix(".gz").unwrap().rsplit_once('.').unwrap();
        (section.to_owned(), page.to_owned())
    });
    let pages: Vec<_> = pages.collect();
    for expected in [
        ("8", "paird"),
        ("1", "pairctl"),
        ("1", "pairctl-failover"),
        ("5", "paird.toml"),
    ] {
        let is_it = |(section, page): &(String, String)| (section.as_str(), page.as_str()) == expected;
        assert!(pages.iter().any(is_it), "there is no {expected:?}");
    }
    pages
}

fn shell(shell: &str, arguments: &[&str], folder: &Path) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(shell);
    command.args(arguments).current_dir(folder);
    succeed(command.env("HOME", home.path()).env("LC_ALL", "C.UTF-8"))
}
