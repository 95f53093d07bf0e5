//! A YAML document as a value, with comments and CloudFormation's short tags.
//!
//! A template is read by people more often than by CloudFormation, so each resource has a comment, and no library writes
//! those. Only what a template needs is here: maps keep their order, long text is a literal block, arguments of a tag stand
//! on its line.

use std::fmt::{self, Display, Formatter, Write as _};

/// A node of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yaml {
    /// A text, quoted if it must be.
    Text(String),
    /// A text of several lines, as it is.
    Block(String),
    /// A number.
    Number(u32),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Yaml>),
    /// A map, in this order.
    Map(Vec<Entry>),
    /// A value with a tag such as `!Ref`.
    Tagged(&'static str, Box<Yaml>),
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What stands above it, for people.
    pub(super) comment: Option<String>,
    pub(super) key: String,
    pub(super) value: Yaml,
}

/// Makes a map of these entries.
pub(super) fn map<const N: usize>(entries: [(&str, Yaml); N]) -> Yaml {
    let entry = |(key, value): (&str, Yaml)| Entry {
        comment: None,
        key: key.to_owned(),
        value,
    };
    Yaml::Map(entries.into_iter().map(entry).collect())
}

/// Makes a list.
pub(super) fn list<T: Into<Yaml>>(items: impl IntoIterator<Item = T>) -> Yaml {
    Yaml::List(items.into_iter().map(Into::into).collect())
}

/// The resource, parameter or pseudo parameter of this name.
pub(super) fn reference(name: impl Into<String>) -> Yaml {
    tagged("!Ref", name.into())
}

/// An attribute of a resource.
pub(super) fn attribute(name: &str, attribute: &str) -> Yaml {
    tagged("!GetAtt", format!("{name}.{attribute}"))
}

/// A text with `${…}` in it.
pub(super) fn substituted(text: impl Into<String>) -> Yaml {
    tagged("!Sub", text.into())
}

/// A value with a tag.
pub(super) fn tagged(tag: &'static str, value: impl Into<Yaml>) -> Yaml {
    Yaml::Tagged(tag, Box::new(value.into()))
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u32> for Yaml {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Yaml {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Writes the document, without a line break at its end.
impl Display for Yaml {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map(entries) => write_entries(out, entries, 0),
            Self::List(items) => write_items(out, items, 0),
            Self::Text(_) | Self::Block(_) | Self::Number(_) | Self::Flag(_) | Self::Tagged(..) => {
                write_value(out, self, 0)
            }
        }
    }
}

fn write_entries(out: &mut Formatter<'_>, entries: &[Entry], indent: usize) -> fmt::Result {
    for (at, Entry { comment, key, value }) in entries.iter().enumerate() {
        if at > 0 {
            // Air between sections, and above what has something to say.
            if indent == 0 || comment.is_some() {
                out.write_char('\n')?;
            }
            new_line(out, indent)?;
        }
        for line in comment.iter().flat_map(|comment| comment.lines()) {
            out.write_str("# ")?;
            out.write_str(line)?;
            new_line(out, indent)?;
        }
        write!(out, "{}:", scalar(key))?;
        match value {
            Yaml::Map(entries) => {
                new_line(out, indent + STEP)?;
                write_entries(out, entries, indent + STEP)?;
            }
            Yaml::List(items) => {
                new_line(out, indent + STEP)?;
                write_items(out, items, indent + STEP)?;
            }
            Yaml::Text(_) | Yaml::Block(_) | Yaml::Number(_) | Yaml::Flag(_) | Yaml::Tagged(..) => {
                out.write_char(' ')?;
                write_value(out, value, indent + STEP)?;
            }
        }
    }
    Ok(())
}

fn write_items(out: &mut Formatter<'_>, items: &[Yaml], indent: usize) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            new_line(out, indent)?;
        }
        out.write_str("- ")?;
        match item {
            Yaml::Map(entries) => write_entries(out, entries, indent + STEP)?,
            Yaml::List(items) => write_items(out, items, indent + STEP)?,
            Yaml::Text(_) | Yaml::Block(_) | Yaml::Number(_) | Yaml::Flag(_) | Yaml::Tagged(..) => {
                write_value(out, item, indent + STEP)?;
            }
        }
    }
    Ok(())
}

/// Writes what stands on the line of its key; only a block goes on below, by `indent`.
fn write_value(out: &mut Formatter<'_>, value: &Yaml, indent: usize) -> fmt::Result {
    match value {
        Yaml::Text(text) => out.write_str(&scalar(text)),
        Yaml::Number(number) => write!(out, "{number}"),
        Yaml::Flag(flag) => write!(out, "{flag}"),
        Yaml::Block(text) => {
            out.write_char('|')?;
            for line in text.lines() {
                if line.is_empty() {
                    out.write_char('\n')?;
                } else {
                    new_line(out, indent)?;
                    out.write_str(line)?;
                }
            }
            Ok(())
        }
        Yaml::Tagged(tag, value) => {
            out.write_str(tag)?;
            out.write_char(' ')?;
            write_value(out, value, indent)
        }
        Yaml::List(items) => {
            out.write_char('[')?;
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.write_str(", ")?;
                }
                write_value(out, item, indent)?;
            }
            out.write_char(']')
        }
        Yaml::Map(entries) => {
            out.write_str("{ ")?;
            for (at, Entry { key, value, .. }) in entries.iter().enumerate() {
                if at > 0 {
                    out.write_str(", ")?;
                }
                write!(out, "{}: ", scalar(key))?;
                write_value(out, value, indent)?;
            }
            out.write_str(" }")
        }
    }
}

fn new_line(out: &mut Formatter<'_>, indent: usize) -> fmt::Result {
    write!(out, "\n{:indent$}", "")
}

/// A text on one line: plain where no reader of any version of YAML could take it for something else.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && !text.ends_with(':')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./:-".contains(c))
        && !NOT_TEXT.contains(&text.to_ascii_lowercase().as_str());
    // A sentence of letters is plain, too: comments and descriptions read better without quotes.
    let is_sentence = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_./-,;()' ".contains(c))
        && text.contains(' ')
        && !text.ends_with(' ');
    if is_plain || is_sentence {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// How many columns a level is indented.
const STEP: usize = 2;

/// Words that some version of YAML takes for something else than text.
const NOT_TEXT: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_as_a_person_would() {
        let document = Yaml::Map(vec![Entry {
            comment: Some("What it is.\nAnd why.".to_owned()),
            key: "Thing".to_owned(),
            value: map([
                ("Kind", "AWS::EC2::VPC".into()),
                ("Zone", tagged("!Select", list([0.into(), tagged("!GetAZs", "")]))),
                ("Ports", list([map([("From", 80.into()), ("To", 81.into())])])),
                ("Script", Yaml::Block("one\n\n  two\n".to_owned())),
                ("Empty", "".into()),
                ("Word", "no".into()),
                ("Number", "12".into()),
            ]),
        }]);
        assert_eq!(
            document.to_string(),
            "# What it is.\n# And why.\nThing:\n  Kind: AWS::EC2::VPC\n  Zone: !Select [0, !GetAZs '']\n  Ports:\n    \
             - From: 80\n      To: 81\n  Script: |\n    one\n\n      two\n  Empty: ''\n  Word: 'no'\n  Number: '12'"
        );
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_quoted() {
        for (text, written) in [
            ("plain", "plain"),
            ("it's quoted", "it's quoted"),
            ("a: b", "'a: b'"),
            ("- a", "'- a'"),
            ("*", "'*'"),
            ("10.77.1.10", "'10.77.1.10'"),
            ("2012-10-17", "'2012-10-17'"),
            ("${A}", "'${A}'"),
        ] {
            assert_eq!(scalar(text), written);
        }
    }
}
