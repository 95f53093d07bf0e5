//! The commands of the manuals, as a reader would type them.

use std::fs;
use std::path::{Path, PathBuf};

/// Commands between a pair of fences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Where they stand, such as `README.md:32`.
    pub place: String,
    /// What a reader would type.
    pub script: String,
    /// Why no test can run them: `<!-- no-run: reason -->` on the line before.
    pub excuse: Option<String>,
}

/// The folder of this repository.
#[must_use]
pub fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in the repository").to_path_buf()
}

/// The commands of a document, in its order.
///
/// # Panics
/// If it cannot be read, or a fence is left open.
#[must_use]
pub fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(repository().join(document)).expect("a document can be read");
    blocks_of(document, &text)
}

fn blocks_of(document: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if line.trim() == "```sh" {
            let inside: Vec<&str> = lines
                .by_ref()
                .map(|(_, line)| line.trim())
                .take_while(|line| *line != "```")
                .collect();
            blocks.push(Block {
                place: format!("{document}:{}", index + 1),
                script: inside.join("\n"),
                excuse: excuse(before),
            });
        }
        before = line;
    }
    blocks
}

fn excuse(line: &str) -> Option<String> {
    let reason = line.trim().strip_prefix("<!-- no-run: ")?.strip_suffix(" -->")?;
    Some(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_place_its_commands_and_its_excuse() {
        let text = "one\n\n   ```sh\n   cd here\n   ls\n   ```\n<!-- no-run: too slow -->\n```sh\nsleep 1\n```\n```toml\nx = 1\n```\n";
        let [first, second] = &blocks_of("d.md", text)[..] else {
            panic!()
        };
        assert_eq!((&first.place[..], &first.script[..]), ("d.md:3", "cd here\nls"));
        assert_eq!(first.excuse, None);
        assert_eq!(
            (&second.script[..], second.excuse.as_deref()),
            ("sleep 1", Some("too slow"))
        );
    }
}
