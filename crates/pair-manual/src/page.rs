//! The pages of `paird(8)`, `pairctl(1)`, and each of their commands.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::markup;

/// A program that has pages.
struct Program {
    command: Command,
    section: &'static str,
    /// Every way in which it ends.
    exits: Vec<(u8, &'static str)>,
    /// What it reads and writes.
    files: &'static [(&'static str, &'static str)],
    /// Where to read on.
    related: &'static [&'static str],
}

/// Adds the pages of both programs.
///
/// # Errors
/// If a page cannot be drawn.
pub(crate) fn add(pages: &mut BTreeMap<String, String>) -> Result<()> {
    for program in [daemon(), client()] {
        let mut command = program.command.clone().disable_help_subcommand(true);
        // Gives the commands their full names.
        command.build();
        add_command(pages, &program, &command)?;
    }
    Ok(())
}

fn daemon() -> Program {
    Program {
        command: paird::cli::Cli::command(),
        section: "8",
        exits: paird::exit::Exit::ALL
            .map(|exit| (exit.code(), exit.meaning()))
            .to_vec(),
        files: &[
            (
                "/etc/paird/paird.toml",
                "The configuration, the same on both nodes: paird.toml(5).",
            ),
            (
                "/etc/paird/key",
                "The key of the heartbeats, made by `pairctl key generate`.",
            ),
            ("/etc/paird/hooks.d", "Programs that are told how the pair is."),
            ("/run/paird/control.sock", "Where pairctl(1) asks."),
            (
                "/var/lib/paird",
                "What a restart must not forget, and the records of transitions.",
            ),
        ],
        related: &["pairctl(1)", "paird.toml(5)", "systemd(1)", "haproxy(1)"],
    }
}

fn client() -> Program {
    Program {
        command: pairctl::command_line(),
        section: "1",
        exits: pairctl::Exit::ALL.map(|exit| (exit.code(), exit.meaning())).to_vec(),
        files: &[("/run/paird/control.sock", "Where paird(8) answers.")],
        related: &["paird(8)", "paird.toml(5)"],
    }
}

/// Adds the page of a command, and those of the commands below it.
fn add_command(pages: &mut BTreeMap<String, String>, program: &Program, command: &Command) -> Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        add_command(pages, program, below)?;
    }
    let name = full_name(command);
    let section = program.section;
    let page = page(program, command, name).with_context(|| format!("cannot draw {name}({section})"))?;
    pages.insert(format!("usr/share/man/man{section}/{name}.{section}"), page);
    Ok(())
}

/// Returns the name of a command with those of the commands above it: `pairctl-key-rotate`.
fn full_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(program: &Program, command: &Command, name: &str) -> Result<String> {
    // The section is that of the commands below, which are named with it.
    let man = Man::new(command.clone()).section(program.section);
    let mut drawn = Vec::new();
    man.render_name_section(&mut drawn)?;
    man.render_synopsis_section(&mut drawn)?;
    man.render_description_section(&mut drawn)?;
    man.render_options_section(&mut drawn)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut drawn)?;
    }
    let drawn = String::from_utf8(drawn).context("it is not UTF-8")?;
    let mut page = title(name, program.section) + &markup::spans(&drawn);

    page.push_str(".SH \"EXIT STATUS\"\n");
    for (code, meaning) in &program.exits {
        page.push_str(&entry(&code.to_string(), &sentence(meaning)));
    }
    page.push_str(".SH FILES\n");
    for (path, meaning) in program.files {
        page.push_str(&entry(path, meaning));
    }
    page.push_str(&see_also(program, command, name));
    Ok(page)
}

/// Returns the first line of a page. It has no date, so that the same sources make the same page on any day.
pub(crate) fn title(name: &str, section: &str) -> String {
    let (name, version) = (name.to_uppercase(), env!("CARGO_PKG_VERSION"));
    format!(".TH {name} {section} \"\" \"paird {version}\" \"Failover of an Elastic IP\"\n")
}

/// Returns an entry of a list: what it is about in bold, then what is said of it.
pub(crate) fn entry(about: &str, said: &str) -> String {
    format!(".TP\n{}\n{}\n", markup::bold(about), markup::text(said))
}

fn sentence(words: &str) -> String {
    format!("{words}.")
}

fn see_also(program: &Program, command: &Command, name: &str) -> String {
    let mut related: Vec<String> = program.related.iter().map(|page| (*page).to_owned()).collect();
    if let Some((above, _)) = name.rsplit_once('-') {
        related.insert(0, format!("{above}({})", program.section));
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        related.push(format!("{}({})", full_name(below), program.section));
    }
    let documents = "OPERATING.md, CONFIGURATION.md and FAILOVER.md in /usr/share/doc/paird";
    format!(
        ".SH \"SEE ALSO\"\n{}\n.PP\n{}\n",
        markup::text(&related.join(", ")),
        markup::text(documents)
    )
}
