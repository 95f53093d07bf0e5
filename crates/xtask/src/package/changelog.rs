//! The changelog in Debian's form (deb-changelog(5)), which `apt-listchanges` and others read.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Returns a changelog in Markdown as one of Debian: a section for each version, what is not released yet under the version that is
/// built.
///
/// `time`, in seconds since 1970, is that of the build: the sources tell no other.
///
/// # Errors
/// If nothing is found in it.
pub(crate) fn debian(markdown: &str, time: u64) -> Result<String> {
    let date = date(time)?;
    let mut sections = Vec::new();
    // What comes before the first version is for readers of the repository.
    for section in markdown.split("\n## ").skip(1) {
        let (title, body) = section.split_once('\n').unwrap_or((section, ""));
        let version = match title.trim() {
            "Unreleased" => VERSION,
            released => released.split_whitespace().next().unwrap_or(VERSION),
        };
        let changes: String = paragraphs(body).iter().map(Paragraph::wrapped).collect();
        sections.push(format!(
            "paird ({version}) stable; urgency=medium\n\n{changes}\n -- {MAINTAINER}  {date}\n"
        ));
    }
    ensure!(!sections.is_empty(), "the changelog has no version");
    Ok(sections.join("\n"))
}

/// Text that belongs together, and the mark before it.
struct Paragraph {
    mark: &'static str,
    text: String,
}

/// Returns the paragraphs of a section: headings, items, and what stands between them.
fn paragraphs(body: &str) -> Vec<Paragraph> {
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut goes_on = false;
    for line in body.lines().map(str::trim) {
        let (mark, text) = if let Some(group) = line.strip_prefix("### ") {
            ("  ", format!("[ {group} ]"))
        } else if let Some(change) = line.strip_prefix("- ") {
            ("  * ", change.to_owned())
        } else {
            ("    ", line.to_owned())
        };
        match paragraphs.last_mut() {
            Some(last) if goes_on && mark == "    " && !line.is_empty() => {
                last.text.push(' ');
                last.text.push_str(line);
            }
            Some(_) | None if line.is_empty() => {}
            Some(_) | None => paragraphs.push(Paragraph { mark, text }),
        }
        goes_on = !line.is_empty() && mark != "  ";
    }
    paragraphs
}

impl Paragraph {
    /// Returns it in lines that are no longer than Debian wants them, all but the first below the text of the first.
    fn wrapped(&self) -> String {
        let mut wrapped = String::new();
        let mut line = self.mark.to_owned();
        let mut words = 0;
        for word in self.text.split_whitespace() {
            if words > 0 && line.chars().count() + 1 + word.chars().count() > WIDTH {
                wrapped.push_str(&line);
                wrapped.push('\n');
                line = "    ".to_owned();
                words = 0;
            }
            if words > 0 {
                line.push(' ');
            }
            line.push_str(word);
            words += 1;
        }
        wrapped + &line + "\n"
    }
}

/// Returns a time as in mails (RFC 5322), in UTC.
fn date(time: u64) -> Result<String> {
    let output = Command::new("date")
        .args(["--utc", "--rfc-email", &format!("--date=@{time}")])
        .env("LC_ALL", "C")
        .output()
        .context("cannot start date")?;
    ensure!(output.status.success(), "date ended with {}", output.status);
    let date = String::from_utf8(output.stdout).context("date did not print text")?;
    Ok(date.trim_end().to_owned())
}

/// As in the text of a Debian control file.
const WIDTH: usize = 79;

/// As in the control file.
const MAINTAINER: &str = "paird contributors <paird@localhost>";

/// All members of the workspace share one version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_a_version_with_its_changes_indented() {
        let markdown = "# Changelog\n\nFor operators.\n\n## Unreleased\n\nThe first.\n\n### Wire\n- One that is longer than\n  a line of Debian may be once it has \
                        a mark before it.\n- Two.\n\n## 0.0.1 (2026-01-02)\n- Older.\n";
        let expected = format!(
            "paird ({VERSION}) stable; urgency=medium\n\n    The first.\n  [ Wire ]\n  * One that is longer than a line of Debian may be once it has a mark before\n    \
             it.\n  * Two.\n\n \
             -- {MAINTAINER}  Fri, 02 Jan 2026 03:04:05 +0000\n\npaird (0.0.1) stable; urgency=medium\n\n  * Older.\n\n \
             -- {MAINTAINER}  Fri, 02 Jan 2026 03:04:05 +0000\n"
        );
        assert_eq!(debian(markdown, 1_767_323_045).unwrap(), expected);
    }

    #[test]
    fn a_changelog_without_a_version_is_refused() {
        assert!(debian("# Changelog\n\nNothing yet.\n", 0).is_err());
    }
}
