//! What is wrong with a file: every mistake with its place, its reason and its cure.

use std::fmt;

/// One mistake in a configuration or key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, as it was named to us.
    pub file: String,
    /// The line, counted from 1; `None` when the mistake is something that is not there.
    pub line: Option<usize>,
    /// The full path of the key (`heartbeat.interval`); empty when the mistake belongs to no key.
    pub key: String,
    /// What is wrong, with the value.
    pub problem: String,
    /// What to do about it.
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        out.write_str(": ")?;
        if !self.key.is_empty() {
            // A quoted key may hold any character; a line break or an escape sequence must not reach a terminal.
            write!(out, "{}: ", self.key.escape_debug())?;
        }
        out.write_str(&self.problem)?;
        if !self.advice.is_empty() {
            write!(out, ", {}", self.advice)?;
        }
        Ok(())
    }
}

/// All mistakes of a file at once, in the order of its lines; shown one a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// The mistakes in the order of their lines; those without a line come last.
    #[must_use]
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            let place = |finding: &Finding| finding.line.unwrap_or(usize::MAX);
            place(a).cmp(&place(b)).then_with(|| a.key.cmp(&b.key))
        });
        Self(findings)
    }

    /// Each mistake.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// How many mistakes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no mistake.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self(vec![finding])
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str("\n")?;
            }
            write!(out, "{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
