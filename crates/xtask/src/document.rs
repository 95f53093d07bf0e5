//! The parts of documents that tasks write or read, most of them of `docs/TESTING.md`: what stands between two marks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// A file, and what is to be explained in it.
pub(crate) type Place = (String, String);

/// Compares places with those that the part of this name explains, and says on stdout where they differ. Returns whether
/// they are the same.
///
/// A part explains by lines such as ``- `file`: `what`: reason``.
///
/// # Errors
/// If the document cannot be read, or has no such marks.
pub(crate) fn compare(root: &Path, mark: &str, found: &[Place], kind: &str) -> Result<bool> {
    let part = read(root, mark)?;
    let explained: BTreeSet<Place> = part.lines().filter_map(explained).collect();
    let found: BTreeSet<Place> = found.iter().cloned().collect();
    for (file, what) in found.difference(&explained) {
        println!("{DOCUMENT} does not explain the {kind} `{file}`: `{what}`");
    }
    for (file, what) in explained.difference(&found) {
        println!("{DOCUMENT} explains what is no {kind}: `{file}`: `{what}`");
    }
    Ok(found == explained)
}

/// Reads a line that explains something.
fn explained(line: &str) -> Option<Place> {
    let (file, rest) = line.strip_prefix("- `")?.split_once("`: `")?;
    let (what, _reason) = rest.rsplit_once("`: ")?;
    Some((file.to_owned(), what.to_owned()))
}

/// Returns what stands between the marks of this name.
///
/// # Errors
/// If the document cannot be read, or has no such marks.
pub(crate) fn read(root: &Path, mark: &str) -> Result<String> {
    let text = text(&root.join(DOCUMENT))?;
    let (_, part, _) = split(&text, mark)?;
    Ok(part.to_owned())
}

/// Replaces what stands between the marks of this name.
///
/// # Errors
/// If the document cannot be read or written, or has no such marks.
pub(crate) fn write(root: &Path, mark: &str, part: &str) -> Result<()> {
    replace(&root.join(DOCUMENT), mark, part)
}

/// As [`write()`], in any document.
///
/// # Errors
/// As there.
pub(crate) fn replace(document: &Path, mark: &str, part: &str) -> Result<()> {
    let text = text(document)?;
    let (before, _, after) = split(&text, mark).with_context(|| document.display().to_string())?;
    let changed = format!("{before}\n{}\n{after}", part.trim_end());
    fs::write(document, changed).with_context(|| format!("cannot write {}", document.display()))
}

fn text(document: &Path) -> Result<String> {
    fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))
}

/// Splits a document around the part of this name; the marks stay outside.
fn split<'a>(text: &'a str, mark: &str) -> Result<(&'a str, &'a str, &'a str)> {
    let (begin, end) = (format!("<!-- begin {mark} -->"), format!("<!-- end {mark} -->"));
    let lacking = || format!("there is no {begin} with its end");
    let from = text.find(&begin).with_context(lacking)? + begin.len();
    let length = text[from..].find(&end).with_context(lacking)?;
    let (before, rest) = text.split_at(from);
    let (part, after) = rest.split_at(length);
    Ok((before, part, after))
}

/// The document of the tests.
const DOCUMENT: &str = "docs/TESTING.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stands_between_its_marks() {
        let text = "a\n<!-- begin x -->\nold\n<!-- end x -->\nz\n";
        let (before, part, after) = split(text, "x").unwrap();
        assert_eq!(
            (before, part, after),
            ("a\n<!-- begin x -->", "\nold\n", "<!-- end x -->\nz\n")
        );
        assert!(split(text, "y").is_err());
    }

    #[test]
    fn an_explanation_names_a_file_and_a_thing_and_gives_a_reason() {
        let place = explained("- `a/b.rs`: `Some(_) | None => x,`: it never happens.").unwrap();
        assert_eq!(place, ("a/b.rs".to_owned(), "Some(_) | None => x,".to_owned()));
        assert_eq!(explained("- `a/b.rs`: no thing"), None);
        assert_eq!(explained("| a | table |"), None);
    }
}
