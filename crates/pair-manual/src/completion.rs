//! Completions of both command lines for bash, fish and zsh.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_complete::{Shell, generate};

/// Adds a file for each shell and program.
///
/// # Errors
/// If a completion is not text.
pub(crate) fn add(files: &mut BTreeMap<String, String>) -> Result<()> {
    for (name, mut command) in [
        ("paird", paird::cli::Cli::command()),
        ("pairctl", pairctl::command_line()),
    ] {
        let bash = complete(Shell::Bash, &mut command, name)?;
        files.insert(format!("usr/share/bash-completion/completions/{name}"), bash);
        let fish = complete(Shell::Fish, &mut command, name)?;
        files.insert(format!("usr/share/fish/vendor_completions.d/{name}.fish"), fish);
        let zsh = complete(Shell::Zsh, &mut command, name)?;
        // Debian's zsh looks into the first of these folders only, and that of Amazon Linux into the second.
        for folder in ["vendor-completions", "site-functions"] {
            files.insert(format!("usr/share/zsh/{folder}/_{name}"), zsh.clone());
        }
    }
    Ok(())
}

fn complete(shell: Shell, command: &mut Command, name: &str) -> Result<String> {
    let mut written = Vec::new();
    generate(shell, command, name, &mut written);
    String::from_utf8(written).with_context(|| format!("the completion of {name} for {shell} is not UTF-8"))
}
