//! A document of which one part is made by a command.

use std::{fs, path::Path};

use anyhow::Context as _;

/// What stands before and after the part, markers included.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    before: String,
    after: String,
}

/// Reads a document and finds its markers.
pub(crate) fn read(file: &Path) -> anyhow::Result<Page> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    Page::of(&text).with_context(|| format!("{name} lacks {BEGIN} or, after it, {END}"))
}

impl Page {
    /// The document with this part.
    pub(crate) fn with(&self, part: &str) -> String {
        format!("{}\n{part}{}", self.before, self.after)
    }

    fn of(text: &str) -> Option<Self> {
        let begin = text.find(BEGIN)? + BEGIN.len();
        let end = begin + text.get(begin..)?.find(END)?;
        Some(Self {
            before: text.get(..begin)?.to_owned(),
            after: text.get(end..)?.to_owned(),
        })
    }
}

const BEGIN: &str = "<!-- curve:begin -->";

const END: &str = "<!-- curve:end -->";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_is_replaced() {
        let page = Page::of("a\n<!-- curve:begin -->\nold\n<!-- curve:end -->\nb\n").unwrap();
        assert_eq!(
            page.with("new\n"),
            "a\n<!-- curve:begin -->\nnew\n<!-- curve:end -->\nb\n"
        );
    }

    #[test]
    fn markers_in_the_wrong_order_are_no_markers() {
        assert_eq!(Page::of("<!-- curve:end --> <!-- curve:begin -->"), None);
    }
}
