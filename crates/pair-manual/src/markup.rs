//! The language of manual pages, as far as it is needed: `man(7)`.

/// Returns text that is read as text, with `` `spans` `` of code in bold.
pub(crate) fn text(text: &str) -> String {
    let line = spans(&escape(text));
    // A full stop or an apostrophe at the beginning of a line would be read as a request.
    if line.starts_with(['.', '\'']) {
        format!("\\&{line}")
    } else {
        line
    }
}

/// Returns bold text.
pub(crate) fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escape(text))
}

/// Returns what another generator made of help texts, with its `` `spans` `` of code in bold.
pub(crate) fn spans(text: &str) -> String {
    text.split('\n').map(spans_of_line).collect::<Vec<_>>().join("\n")
}

/// A line with an odd number of marks has one that is none.
fn spans_of_line(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return line.replace('`', "\\(ga");
    }
    let styled = parts.iter().enumerate().map(|(index, part)| match index % 2 {
        0 => (*part).to_owned(),
        _ => format!("\\fB{part}\\fR"),
    });
    styled.collect()
}

/// A bare `-` is a hyphen, which cannot be searched for or copied as an option.
fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_a_request_is_text() {
        assert_eq!(text(".TH is no title"), "\\&.TH is no title");
        assert_eq!(text("a\\b"), "a\\eb");
    }

    #[test]
    fn code_is_bold_and_a_single_mark_stays() {
        assert_eq!(text("see `pairctl why` first"), "see \\fBpairctl why\\fR first");
        assert_eq!(text("`--to`"), "\\fB\\-\\-to\\fR");
        assert_eq!(text("a ` alone"), "a \\(ga alone");
    }
}
