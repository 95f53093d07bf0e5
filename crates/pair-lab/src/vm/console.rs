//! What a serial console has shown, as text.

/// Takes out what moves the cursor and gives colours (ECMA-48), and what ends lines twice.
pub(crate) fn plain(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // "ESC [ parameters letter"; other sequences are of one character.
                if characters.next() == Some('[') {
                    characters.by_ref().find(|character| ('@'..='~').contains(character));
                }
            }
            '\r' => {}
            other => text.push(other),
        }
    }
    text
}

/// The last line that contains a text.
pub(crate) fn last_line<'a>(console: &'a str, text: &str) -> Option<&'a str> {
    console.lines().rev().find(|line| line.contains(text))
}

/// The first line that contains a text.
pub(crate) fn first_line<'a>(console: &'a str, text: &str) -> Option<&'a str> {
    console.lines().find(|line| line.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_doubled_line_ends_go() {
        let raw = "\u{1b}c[\u{1b}[0;32m  OK  \u{1b}[0m] Started \u{1b}[0;1;39mpaird\u{1b}[0m.\r\r\nnext\r\n";
        assert_eq!(plain(raw), "[  OK  ] Started paird.\nnext\n");
    }

    #[test]
    fn lines_are_found_from_both_ends() {
        let console = "1 finished\n2 other\n3 finished\n";
        assert_eq!(first_line(console, "finished"), Some("1 finished"));
        assert_eq!(last_line(console, "finished"), Some("3 finished"));
        assert_eq!(last_line(console, "nothing"), None);
    }
}
