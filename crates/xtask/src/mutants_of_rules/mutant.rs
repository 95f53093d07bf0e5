//! A mutant: a patch that breaks one rule.
//!
//! ```text
//! F-6d: A claim of what nobody holds would take it from whoever was quicker.      the rule, and what is broken
//!
//! --- a/crates/pair-core/src/decide.rs                                            a unified diff
//! +++ b/crates/pair-core/src/decide.rs
//! @@ -303,3 +303,3 @@
//! …
//! ```
//!
//! Any tool for patches can apply it. Here a hunk is applied by its text alone: what it replaces must stand in the file once
//! and only once, wherever that is. So a mutant survives changes around it, and never lands at the wrong place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

/// A patch that breaks a rule.
pub(super) struct Mutant {
    /// The name of its file, without the ending.
    pub(super) name: String,
    /// The id of the rule.
    pub(super) rule: String,
    /// What is broken, in one sentence.
    pub(super) fault: String,
    hunks: Vec<Hunk>,
}

/// One place that a patch changes.
struct Hunk {
    path: String,
    old: String,
    new: String,
}

impl Mutant {
    /// Reads a mutant from the text of its file.
    fn parse(name: &str, text: &str) -> Result<Self> {
        let (header, diff) = text
            .split_once("\n--- ")
            .context("there is no line that begins with `--- `")?;
        let (rule, fault) = header
            .trim()
            .split_once(": ")
            .context("the first line is not `RULE: sentence`")?;
        ensure!(
            name.strip_prefix(rule).is_some_and(|rest| rest.starts_with('-')),
            "the name does not begin with the rule {rule}"
        );
        ensure!(
            !fault.contains(['\n', '|']) && fault.ends_with('.'),
            "what is broken is not told in one sentence"
        );
        Ok(Self {
            name: name.to_owned(),
            rule: rule.to_owned(),
            fault: fault.to_owned(),
            hunks: hunks(&format!("--- {diff}"))?,
        })
    }

    /// The name without the rule.
    pub(super) fn slug(&self) -> &str {
        &self.name[self.rule.len() + 1..]
    }

    /// Whether it changes something in this folder.
    pub(super) fn touches(&self, folder: &str) -> bool {
        self.hunks.iter().any(|hunk| hunk.path.starts_with(folder))
    }

    /// Returns the changed files by their paths; `read` returns a file as it is.
    ///
    /// # Errors
    /// If a file cannot be read, or what a hunk replaces does not stand in it exactly once.
    pub(super) fn apply(&self, read: impl Fn(&str) -> Result<String>) -> Result<BTreeMap<&str, String>> {
        let mut files = BTreeMap::new();
        for Hunk { path, old, new } in &self.hunks {
            let text = match files.get(path.as_str()) {
                Some(text) => text,
                None => &read(path)?,
            };
            let places = text.matches(old.as_str()).count();
            ensure!(
                places == 1,
                "tests/mutants/{}.patch does not apply any more: {path} has {places} places with\n{old}",
                self.name
            );
            let changed = text.replacen(old.as_str(), new, 1);
            files.insert(path.as_str(), changed);
        }
        Ok(files)
    }
}

/// Reads every mutant, in the order of the rules.
///
/// # Errors
/// If there are none, or one is no patch.
pub(super) fn all(root: &Path) -> Result<Vec<Mutant>> {
    let order = rules(root)?;
    let folder = root.join(FOLDER);
    let mut mutants = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            bail!("{} is not UTF-8", path.display());
        };
        let name = name
            .strip_suffix(".patch")
            .with_context(|| format!("{name} is no patch"))?;
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        mutants.push(Mutant::parse(name, &text).with_context(|| format!("{} is no mutant", path.display()))?);
    }
    mutants.sort_by_cached_key(|mutant| {
        let place = order.iter().position(|rule| *rule == mutant.rule);
        (place, mutant.name.clone())
    });
    Ok(mutants)
}

/// The ids of all rules, as the source of pair-core has them. They are read from there because it is these sources that a
/// mutant changes, and this program is linked to no crate of the product.
///
/// # Errors
/// If the source cannot be read.
pub(super) fn rules(root: &Path) -> Result<Vec<String>> {
    let path = root.join(RULES);
    let source = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let ids = source.lines().filter_map(|line| {
        let (_, id) = line.trim().split_once(" = \"F-")?;
        Some(format!("F-{}", id.strip_suffix("\",")?))
    });
    Ok(ids.collect())
}

fn hunks(diff: &str) -> Result<Vec<Hunk>> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut path = "";
    for line in diff.split_inclusive('\n') {
        if line.starts_with("--- a/") {
            continue;
        }
        if let Some(named) = line.strip_prefix("+++ b/") {
            path = named.trim_end();
        } else if line.starts_with("@@ ") {
            let (old, new) = (String::new(), String::new());
            let path = path.to_owned();
            hunks.push(Hunk { path, old, new });
        } else {
            let hunk = hunks.last_mut().context("the diff does not begin with a hunk")?;
            match line.split_at_checked(1) {
                Some((" ", text)) => {
                    hunk.old.push_str(text);
                    hunk.new.push_str(text);
                }
                Some(("-", text)) => hunk.old.push_str(text),
                Some(("+", text)) => hunk.new.push_str(text),
                Some(_) | None => bail!("a line of a hunk begins with none of ` `, `-` and `+`: {line:?}"),
            }
        }
    }
    ensure!(!hunks.is_empty(), "the diff has no hunk");
    Ok(hunks)
}

/// Where the mutants are.
const FOLDER: &str = "tests/mutants";

/// Where the rules have their ids.
const RULES: &str = "crates/pair-core/src/rule.rs";

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "F-8: It is broken.\n\n--- a/x.rs\n+++ b/x.rs\n@@ -1,3 +1,3 @@\n a\n-b\n+c\n d\n";

    #[test]
    fn a_hunk_is_found_by_its_text_wherever_it_is() {
        let mutant = Mutant::parse("F-8-it-is-broken", PATCH).unwrap();
        assert_eq!(
            (mutant.slug(), mutant.fault.as_str()),
            ("it-is-broken", "It is broken.")
        );
        let files = mutant.apply(|_| Ok("1\n2\na\nb\nd\n".to_owned())).unwrap();
        assert_eq!(files["x.rs"], "1\n2\na\nc\nd\n");
    }

    #[test]
    fn what_is_there_twice_or_not_at_all_is_an_error_that_names_the_patch() {
        let mutant = Mutant::parse("F-8-it-is-broken", PATCH).unwrap();
        for text in ["a\nx\nd\n", "a\nb\nd\na\nb\nd\n"] {
            let error = mutant.apply(|_| Ok(text.to_owned())).unwrap_err().to_string();
            assert!(error.contains("tests/mutants/F-8-it-is-broken.patch"), "{error}");
        }
    }

    #[test]
    fn a_patch_without_a_rule_a_sentence_or_a_hunk_is_none() {
        for (name, text) in [
            ("F-7-x", PATCH),
            ("F-8-x", "--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-b\n+c\n"),
            ("F-8-x", "F-8: Broken.\n\n--- a/x.rs\n+++ b/x.rs\n"),
            ("F-8-x", "F-8: broken\n\n--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-b\n+c\n"),
        ] {
            assert!(Mutant::parse(name, text).is_err(), "{text}");
        }
    }
}
