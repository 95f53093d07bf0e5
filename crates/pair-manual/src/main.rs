//! Manual pages and completions, drawn from what the programs themselves are made of; nothing that is shipped depends on this crate.
//!
//! A page that is written by hand says what a program once did. These are made from the command lines that `paird` and `pairctl`
//! parse, the table of keys by which `paird.toml` is read, and the exit codes that both end with, each time a package is built. So
//! neither program has a generator in it, and no option is without its line.
#![forbid(unsafe_code)]

mod completion;
mod configuration;
mod markup;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;

/// Writes the manual pages and completions of paird below a folder, laid out as they are installed.
#[derive(Parser)]
#[command(name = "pair-manual")]
struct Cli {
    /// The folder, which stands for the root of the system.
    folder: PathBuf,
}

fn main() -> Result<()> {
    let folder = Cli::parse().folder;
    for (path, content) in files()? {
        let path = folder.join(path);
        let above = path.parent().expect("no file is installed as the root");
        fs::create_dir_all(above).with_context(|| format!("cannot make {}", above.display()))?;
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Returns every file by its path below the root.
fn files() -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    page::add(&mut files)?;
    configuration::add(&mut files);
    completion::add(&mut files)?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> String {
        files()
            .unwrap()
            .remove(path)
            .unwrap_or_else(|| panic!("there is no {path}"))
    }

    #[test]
    fn every_command_has_a_page_that_names_its_options() {
        let page = file("usr/share/man/man1/pairctl-failover.1");
        for words in [
            "pairctl\\-failover \\-",
            "\\fB\\-\\-to\\fR",
            "\\fB\\-\\-force\\fR",
            "not ready",
        ] {
            assert!(page.contains(words), "{words} is not in {page}");
        }
        assert!(file("usr/share/man/man1/pairctl-key-rotate.1").contains("\\fB\\-\\-add\\fR"));
        assert!(file("usr/share/man/man8/paird-run.8").contains("\\fB\\-\\-config\\fR"));
    }

    #[test]
    fn a_page_has_a_title_of_five_fields() {
        let page = file("usr/share/man/man1/pairctl-key-rotate.1");
        let version = env!("CARGO_PKG_VERSION");
        let title = format!(".TH PAIRCTL-KEY-ROTATE 1 \"\" \"paird {version}\" \"Failover of an Elastic IP\"\n");
        assert!(page.contains(&title), "{page}");
    }

    #[test]
    fn both_programs_tell_every_exit_code() {
        let page = file("usr/share/man/man1/pairctl.1");
        for exit in pairctl::Exit::ALL {
            assert!(page.contains(&format!("\n.TP\n\\fB{}\\fR\n", exit.code())), "{exit:?}");
        }
        let page = file("usr/share/man/man8/paird.8");
        for exit in paird::exit::Exit::ALL {
            assert!(page.contains(&format!("\n.TP\n\\fB{}\\fR\n", exit.code())), "{exit:?}");
        }
    }

    #[test]
    fn the_format_of_the_configuration_has_every_key_with_its_bounds_and_default() {
        let page = file("usr/share/man/man5/paird.toml.5");
        for key in paird::config::schema::KEYS {
            let anchor = markup::bold(if key.is_leaf() { key.name() } else { key.path });
            assert!(page.contains(&anchor), "{} is not in the page", key.path);
        }
        let holdtime = "\\fBholdtime\\fR: duration, 30ms to 1m\nSilence after which the peer is presumed dead; at least 3 intervals.";
        assert!(page.contains(holdtime), "{page}");
        assert!(page.contains("allocation_id = \"eipalloc\\-"), "{page}");
    }

    #[test]
    fn no_page_has_a_mark_of_another_language_in_it() {
        for (path, content) in files().unwrap() {
            if path.contains("/man/") {
                let stray = content.lines().find(|line| line.contains('`') || line.contains("**"));
                assert_eq!(stray, None, "{path}");
            }
        }
    }

    #[test]
    fn each_shell_has_completions_of_both_programs() {
        for program in ["paird", "pairctl"] {
            for path in [
                format!("usr/share/bash-completion/completions/{program}"),
                format!("usr/share/fish/vendor_completions.d/{program}.fish"),
                format!("usr/share/zsh/vendor-completions/_{program}"),
            ] {
                assert!(file(&path).contains("doctor"), "{path}");
            }
        }
    }
}
