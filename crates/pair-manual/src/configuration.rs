//! The page `paird.toml(5)`, drawn from the table by which the file is read.

use std::collections::BTreeMap;

use paird::config::schema::{Effect, Fallback, KEYS, Key};

use crate::{markup, page};

/// Adds the page.
pub(crate) fn add(pages: &mut BTreeMap<String, String>) {
    let mut page = page::title("paird.toml", "5");
    page.push_str(".SH NAME\npaird.toml \\- configuration of a pair\n.SH DESCRIPTION\n");
    for paragraph in DESCRIPTION {
        page.push_str(&format!("{}\n.PP\n", markup::text(paragraph)));
    }
    page.push_str(&format!(
        ".SH EXAMPLE\nThe smallest useful file:\n.PP\n.EX\n{}.EE\n",
        example()
    ));

    page.push_str(".SH KEYS\n");
    for key in KEYS.iter().filter(|key| key.is_leaf() && key.table().is_empty()) {
        page.push_str(&entry(key));
    }
    for table in KEYS.iter().filter(|key| !key.is_leaf()) {
        page.push_str(&format!(
            ".SS {}\n{}\n",
            markup::bold(table.path),
            markup::text(&about(table))
        ));
        for key in KEYS.iter().filter(|key| key.is_leaf() && key.table() == table.path) {
            page.push_str(&entry(key));
        }
    }

    page.push_str(".SH FILES\n");
    page.push_str(&page::entry("/etc/paird/paird.toml", "Where paird(8) reads it."));
    let example = "An example with every key and its default.";
    page.push_str(&page::entry("/etc/paird/paird.toml.example", example));
    page.push_str(".SH \"SEE ALSO\"\npaird(8), pairctl(1), CONFIGURATION.md in /usr/share/doc/paird\n");
    pages.insert("usr/share/man/man5/paird.toml.5".to_owned(), page);
}

/// Returns the entry of a key that has a value.
fn entry(key: &Key) -> String {
    format!(
        ".TP\n{}: {}\n{}\n",
        markup::bold(key.name()),
        markup::text(&key.kind.describe()),
        markup::text(&about(key))
    )
}

/// Returns what a key means, what holds without it, and when a change of it takes effect.
fn about(key: &Key) -> String {
    let fallback = match key.fallback {
        Fallback::Required => "Required.".to_owned(),
        Fallback::Value(value) => format!("Default: `{value}`."),
        Fallback::Derived(words) => format!("Default: {words}."),
    };
    let effect = match (key.is_leaf(), key.effect) {
        (true, Effect::AtReload) => " Changes at a reload.",
        (true, Effect::AtRestart) => " Changes at a restart.",
        (false, _) => "",
    };
    format!("{} {fallback}{effect}", key.doc)
}

/// Returns the first block of code in the document for people, line by line.
fn example() -> String {
    let block = DOCUMENT.split("```").nth(1).unwrap_or_default();
    let lines = block.lines().skip(1).map(|line| markup::text(line) + "\n");
    lines.collect()
}

const DOCUMENT: &str = include_str!("../../../docs/CONFIGURATION.md");

const DESCRIPTION: [&str; 4] = [
    "One TOML file, meant to be identical on both nodes: a node knows itself by its own addresses. It is read strictly: an \
     unknown key is an error, and `paird check` lists everything that is wrong at once.",
    "A duration is a text with a whole number and a unit, such as \"200ms\", \"3s\", \"5m\" or \"1h\". Bounds are included. A \
     required key is required where the table that it stands in is there.",
    "What makes a pair less safe is never a default: `none = true` and `insecure_no_key = true` have to be written down.",
    "`pairctl reload` puts a changed file in force, as far as that can be done without a restart: each key says when a change of \
     it takes effect.",
];
