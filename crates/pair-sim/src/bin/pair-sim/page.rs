//! A document of which one part is made by a command.

use std::{fs, path::Path};

use anyhow::Context as _;

/// What stands before and after the part, markers included.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    before: String,
    after: String,
}

/// Reads a document and finds the markers of this name.
pub(crate) fn read(file: &Path, mark: &str) -> anyhow::Result<Page> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    Page::of(&text, mark).with_context(|| {
        let [begin, end] = markers(mark);
        format!("{name} lacks {begin} or, after it, {end}")
    })
}

impl Page {
    /// The document with this part.
    pub(crate) fn with(&self, part: &str) -> String {
        format!("{}\n{part}{}", self.before, self.after)
    }

    fn of(text: &str, mark: &str) -> Option<Self> {
        let [begin, end] = markers(mark);
        let begin = text.find(&begin)? + begin.len();
        let end = begin + text.get(begin..)?.find(&end)?;
        Some(Self {
            before: text.get(..begin)?.to_owned(),
            after: text.get(end..)?.to_owned(),
        })
    }
}

fn markers(mark: &str) -> [String; 2] {
    ["begin", "end"].map(|side| format!("<!-- {mark}:{side} -->"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = Page::of("a\n<!-- curve:begin -->\nold\n<!-- curve:end -->\nb\n", "curve").unwrap();
        assert_eq!(
            page.with("new\n"),
            "a\n<!-- curve:begin -->\nnew\n<!-- curve:end -->\nb\n"
        );
    }

    #[test]
    fn markers_in_the_wrong_order_are_no_markers() {
        assert_eq!(Page::of("<!-- curve:end --> <!-- curve:begin -->", "curve"), None);
    }
}
