//! The documents say all that the code can do: every key, rule and exit code, and no test that does not exist.
#![expect(clippy::unwrap_used, reason = "a test that unwraps says all there is to say")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pair_core::Rule;
use pairctl::Exit;
use paird::config::schema::KEYS;
use paird::landing::ObstacleKind;
use paird::problems::{AGAINST_READINESS, IDS};

#[test]
fn every_key_of_the_schema_is_documented() {
    let document = read("docs/CONFIGURATION.md");
    let lacking = KEYS
        .iter()
        .map(|key| key.path)
        .filter(|path| !document.contains(&format!("| `{path}` |")));
    assert_eq!(lacking.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn every_rule_has_a_section_that_names_its_tests() {
    let document = read("docs/FAILOVER.md");
    let mut complaints = Vec::new();
    for id in Rule::ALL.iter().map(|rule| rule.id()) {
        match section(&document, id) {
            None => complaints.push(format!("{id} has no section")),
            Some(text) if named_tests(text).is_empty() => complaints.push(format!("{id} names no test")),
            Some(_) => {}
        }
    }
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut lacking = Vec::new();
    for document in documents() {
        for (file, test) in named_tests(&fs::read_to_string(&document).unwrap()) {
            let source = fs::read_to_string(root().join(file)).unwrap_or_default();
            if !source.contains(&format!("fn {test}(")) {
                lacking.push(format!("{}: {file}::{test}", document.display()));
            }
        }
    }
    assert_eq!(lacking, Vec::<String>::new());
}

#[test]
fn every_exit_code_is_documented_in_its_own_words() {
    let document = read("docs/OPERATING.md");
    let rows = Exit::ALL
        .iter()
        .map(|exit| format!("| {} | {} |", exit.code(), exit.meaning()));
    let lacking = rows.filter(|row| !document.lines().any(|line| line == row));
    assert_eq!(lacking.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_finding_is_documented_and_none_is_raised_that_is_not_listed() {
    let document = read("docs/OPERATING.md");
    for (id, severity) in IDS {
        let row = format!("| `{id}` | {} |", format!("{severity:?}").to_lowercase());
        assert!(document.contains(&row), "docs/OPERATING.md lacks {row}");
    }
    assert!(IDS.is_sorted(), "the list is in the order of its ids");
    let mut raised: BTreeSet<String> = sources_of_findings().iter().flat_map(|source| raised(source)).collect();
    raised.extend(OBSTACLES.map(|obstacle| obstacle.id().to_owned()));
    let listed: BTreeSet<String> = IDS.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(raised, listed);
}

/// Metrics have a series for each cause before it is ever the case, so none may be missing.
#[test]
fn every_alert_is_documented_with_its_severity_and_no_other() {
    let rules = read("deploy/prometheus/paird.rules.yml");
    let mut lines = rules.lines().map(str::trim);
    let mut alerts = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("- alert: ") {
            let severity = lines.find_map(|line| line.strip_prefix("labels: { severity: ")?.strip_suffix(" }"));
            alerts.push(format!("| `{name}` | {} |", severity.unwrap()));
        }
    }
    let document = read("docs/OPERATING.md");
    let rows = document.lines().filter(|line| line.starts_with("| `Paird"));
    let documented: Vec<String> = rows
        .map(|row| row.split_inclusive('|').take(3).collect::<String>())
        .collect();
    assert_eq!(documented, alerts);
}

#[test]
fn every_cause_against_readiness_is_listed() {
    let source = read("crates/paird/src/problems.rs");
    let cloud = read("crates/paird/src/problems/cloud.rs");
    let body = function(&source, "against_readiness");
    let mut causes: BTreeSet<String> = raised(body).collect();
    assert!(body.contains("ending::against_readiness("));
    let ending = read("crates/paird/src/problems/ending.rs");
    causes.extend(raised(function(&ending, "against_readiness")));
    causes.extend(OBSTACLES.map(|obstacle| obstacle.id().to_owned()));
    // The words for EC2 and IMDS are functions, some of which call others.
    let shared = [
        "imds_unreachable",
        "no_interface",
        "of_call",
        "no_role",
        "ec2_unreadable",
        "place_taken",
    ];
    for name in shared {
        let is_called = body.contains(&format!("{name}(")) || function(&cloud, "of_call").contains(&format!("{name}("));
        assert!(is_called, "{name} is not called");
        causes.extend(raised(function(&cloud, name)));
    }
    assert!(body.contains("witness_silent("), "witness_silent is not called");
    causes.extend(raised(function(&source, "witness_silent")));
    assert_eq!(AGAINST_READINESS, causes.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_reference_to_a_test_is_a_file_and_a_name() {
    let text = "proven by `crates/a/tests/b.rs::a_holds`, `b.rs` and `Rule::F1`, see `tests/c.rs::it_works`.";
    assert_eq!(
        named_tests(text),
        [("crates/a/tests/b.rs", "a_holds"), ("tests/c.rs", "it_works")]
    );
}

#[test]
fn a_section_ends_where_the_next_one_begins() {
    let text = "# Rules\n## F-10: ten\nx\n## F-1: one\ny\n### more\nz\n## F-2\n";
    assert_eq!(section(text, "F-1"), Some("## F-1: one\ny\n### more\nz\n"));
    assert_eq!(section(text, "F-2"), Some("## F-2\n"));
    assert_eq!(section(text, "F-3"), None);
}

/// Returns the part of a document under the heading that begins with these words, up to the next heading of its level.
fn section<'a>(document: &'a str, words: &str) -> Option<&'a str> {
    let mut start = None;
    let mut at = 0;
    for line in document.split_inclusive('\n') {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        match start {
            Some((begin, above)) if (1..=above).contains(&level) => return Some(&document[begin..at]),
            None if level > 0
                && line[level..]
                    .trim_start()
                    .strip_prefix(words)
                    .is_some_and(is_at_end_of_word) =>
            {
                start = Some((at, level));
            }
            Some(_) | None => {}
        }
        at += line.len();
    }
    start.map(|(begin, _)| &document[begin..])
}

fn is_at_end_of_word(rest: &str) -> bool {
    !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-')
}

/// Returns the tests that a document names as `` `path/to/file.rs::name_of_test` ``.
fn named_tests(document: &str) -> Vec<(&str, &str)> {
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    document
        .split('`')
        .filter_map(|span| span.split_once("::"))
        .filter(|(file, test)| file.ends_with(".rs") && is_name(test))
        .collect()
}

/// Returns the ids of the findings that a source makes: `degraded("…", …)` and `critical("…", …)`.
fn raised(source: &str) -> impl Iterator<Item = String> {
    let calls = ["degraded(", "critical("]
        .into_iter()
        .flat_map(|call| source.split(call).skip(1));
    calls.filter_map(|after| {
        let (id, _) = after.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(id.to_owned())
    })
}

/// Returns the function of this name in a source, from its name to the end of its body.
fn function<'s>(source: &'s str, name: &str) -> &'s str {
    let (_, after) = source.split_once(&format!("fn {name}(")).unwrap();
    after.split_once("\n}\n").unwrap().0
}

/// Returns the sources that make findings, without their tests.
fn sources_of_findings() -> Vec<String> {
    let folders = ["crates/paird/src/problems", "crates/paird/src/doctor"];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let mut sources: Vec<String> = files
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    sources.push(read("crates/paird/src/problems.rs"));
    for source in &mut sources {
        let end = source.find("#[cfg(test)]").unwrap_or(source.len());
        source.truncate(end);
    }
    sources
}

const OBSTACLES: [ObstacleKind; 2] = [ObstacleKind::AddressNotOnHost, ObstacleKind::NothingListens];

/// Returns every document for readers: what lies in `docs`, and the read-me.
fn documents() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut documents: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"))
        .collect();
    documents.push(root().join("README.md"));
    documents
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
