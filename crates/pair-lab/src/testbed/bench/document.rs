//! The part of a document that a task writes: what stands between two marks.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`.
///
/// # Errors
/// If the file cannot be read or written, or has no such marks.
pub(super) fn replace(file: &Path, name: &str, part: &str) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let changed = replaced(&text, name, part).with_context(|| format!("{} has no marks {name}", file.display()))?;
    fs::write(file, changed).with_context(|| format!("cannot write {}", file.display()))
}

fn replaced(text: &str, name: &str, part: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin {name} -->"), format!("<!-- end {name} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n{end}{after}", part.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let text = "a\n<!-- begin x -->\nold\n<!-- end x -->\nz\n";
        assert_eq!(
            replaced(text, "x", "new\n").unwrap(),
            "a\n<!-- begin x -->\nnew\n<!-- end x -->\nz\n"
        );
        assert_eq!(replaced(text, "y", "new"), None);
    }
}
