//! Looks keys up in a parsed TOML document by the schema and collects every mistake on the way.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::Finding;
use super::nearest::nearest;
use super::schema::{self, Fallback, Key, Kind};
use super::value::{self, Problem, Value};

/// Says that the mistake behind a missing value is recorded; what depends on the value is to be left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reported;

/// A table of the document, or an absent one in which every key takes its default.
#[derive(Clone, Debug)]
pub(super) struct Section<'t> {
    path: &'static str,
    table: Option<&'t DeTable<'t>>,
    line: Option<usize>,
}

impl Section<'_> {
    /// Whether the table was written down.
    pub(super) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// Whether the key was written down in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(&self, name: &str) -> Option<&Spanned<DeValue<'_>>> {
        self.table?.get(name)
    }
}

/// The document under reading.
pub(super) struct Reader<'t> {
    file: &'t str,
    line_starts: Vec<usize>,
    wants_all: bool,
    findings: Vec<Finding>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &str) -> Self {
        let line_starts = text.match_indices('\n').map(|(newline, _)| newline + 1).collect();
        Self {
            file,
            line_starts,
            wants_all: true,
            findings: Vec::new(),
        }
    }

    /// Records the parser's own complaints. What is missing is then not complained about, because the parser may have
    /// dropped it.
    pub(super) fn note_syntax(&mut self, errors: &[toml::de::Error]) {
        for error in errors {
            let line = error.span().map(|span| self.line(&span));
            self.push(
                line,
                String::new(),
                Problem::new(format!("not TOML: {}", error.message()), ""),
            );
        }
        self.wants_all &= errors.is_empty();
    }

    /// The mistakes found. On a line the parser could not read only its own complaint stands.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        let unreadable: Vec<_> = (self.findings.iter())
            .filter(|finding| finding.key.is_empty())
            .filter_map(|finding| finding.line)
            .collect();
        let mut findings = self.findings;
        findings
            .retain(|finding| finding.key.is_empty() || !finding.line.is_some_and(|line| unreadable.contains(&line)));
        findings
    }

    /// The top of the file.
    pub(super) fn root(&mut self, table: &'t DeTable<'t>) -> Section<'t> {
        let section = Section {
            path: "",
            table: Some(table),
            line: None,
        };
        self.refuse_unknown(&section);
        section
    }

    /// The table `name`; absent ones that may be absent are [`Section`]s without keys.
    pub(super) fn section(&mut self, parent: &Section<'t>, name: &str) -> Result<Section<'t>, Reported> {
        let key = self.key(parent, name);
        let Some((written, value)) = parent.table.and_then(|table| table.get_key_value(name)) else {
            return match key.fallback {
                Fallback::Required => Err(self.missing(parent, key)),
                Fallback::Value(_) | Fallback::Derived(_) => Ok(Section {
                    path: key.path,
                    table: None,
                    line: None,
                }),
            };
        };
        let line = Some(self.line(&written.span()));
        let DeValue::Table(table) = value.get_ref() else {
            return Err(self.push(line, key.path.to_owned(), value::wrong_type(key.kind, value.get_ref())));
        };
        let section = Section {
            path: key.path,
            table: Some(table),
            line,
        };
        self.refuse_unknown(&section);
        Ok(section)
    }

    /// The tables `[[name]]`, as many as the schema asks for.
    pub(super) fn sections(&mut self, parent: &Section<'t>, name: &str) -> Result<Vec<Section<'t>>, Reported> {
        let key = self.key(parent, name);
        let Some(value) = parent.table.and_then(|table| table.get(name)) else {
            return Err(self.missing(parent, key));
        };
        let line = Some(self.line(&value.span()));
        let DeValue::Array(array) = value.get_ref() else {
            let advice = format!("write [[{name}]], with two brackets on each side");
            return Err(self.push(line, key.path.to_owned(), Problem::new("not a list of tables", advice)));
        };
        let mut sections = Vec::new();
        for entry in array {
            let line = Some(self.line(&entry.span()));
            let DeValue::Table(table) = entry.get_ref() else {
                return Err(self.push(line, key.path.to_owned(), value::wrong_type(key.kind, entry.get_ref())));
            };
            let section = Section {
                path: key.path,
                table: Some(table),
                line,
            };
            self.refuse_unknown(&section);
            sections.push(section);
        }
        Ok(sections)
    }

    /// A text that is required or has a default.
    pub(super) fn text(&mut self, section: &Section<'t>, name: &str) -> Result<String, Reported> {
        self.optional_text(section, name).map(settled)
    }

    /// A text that may be absent.
    pub(super) fn optional_text(&mut self, section: &Section<'t>, name: &str) -> Result<Option<String>, Reported> {
        self.value(section, name, |value| match value {
            Value::Text(text) => Some(text),
            Value::Texts(_) | Value::TextPerNode(_) | Value::Duration(_) | Value::Integer(_) | Value::Flag(_) => None,
        })
    }

    /// A list of texts that always has a default.
    pub(super) fn texts(&mut self, section: &Section<'t>, name: &str) -> Result<Vec<String>, Reported> {
        self.optional_texts(section, name).map(settled)
    }

    /// A list of texts that may be absent.
    pub(super) fn optional_texts(
        &mut self,
        section: &Section<'t>,
        name: &str,
    ) -> Result<Option<Vec<String>>, Reported> {
        self.value(section, name, |value| match value {
            Value::Texts(texts) => Some(texts),
            Value::Text(_) | Value::TextPerNode(_) | Value::Duration(_) | Value::Integer(_) | Value::Flag(_) => None,
        })
    }

    /// A text for each node, by node name, that may be absent.
    pub(super) fn optional_text_per_node(
        &mut self,
        section: &Section<'t>,
        name: &str,
    ) -> Result<Option<Vec<(String, String)>>, Reported> {
        self.value(section, name, |value| match value {
            Value::TextPerNode(texts) => Some(texts),
            Value::Text(_) | Value::Texts(_) | Value::Duration(_) | Value::Integer(_) | Value::Flag(_) => None,
        })
    }

    /// A duration that is required or has a default.
    pub(super) fn duration(&mut self, section: &Section<'t>, name: &str) -> Result<Duration, Reported> {
        self.optional_duration(section, name).map(settled)
    }

    /// A duration that may be absent.
    pub(super) fn optional_duration(
        &mut self,
        section: &Section<'t>,
        name: &str,
    ) -> Result<Option<Duration>, Reported> {
        self.value(section, name, |value| match value {
            Value::Duration(duration) => Some(duration),
            Value::Text(_) | Value::Texts(_) | Value::TextPerNode(_) | Value::Integer(_) | Value::Flag(_) => None,
        })
    }

    /// A whole number that is required or has a default.
    pub(super) fn integer(&mut self, section: &Section<'t>, name: &str) -> Result<u16, Reported> {
        self.optional_integer(section, name).map(settled)
    }

    /// A whole number that may be absent.
    pub(super) fn optional_integer(&mut self, section: &Section<'t>, name: &str) -> Result<Option<u16>, Reported> {
        self.value(section, name, |value| match value {
            Value::Integer(number) => Some(number),
            Value::Text(_) | Value::Texts(_) | Value::TextPerNode(_) | Value::Duration(_) | Value::Flag(_) => None,
        })
    }

    /// A flag, which always has a default.
    pub(super) fn flag(&mut self, section: &Section<'t>, name: &str) -> Result<bool, Reported> {
        self.value(section, name, |value| match value {
            Value::Flag(flag) => Some(flag),
            Value::Text(_) | Value::Texts(_) | Value::TextPerNode(_) | Value::Duration(_) | Value::Integer(_) => None,
        })
        .map(settled)
    }

    /// Records a mistake that only several keys together show, at the line of `name` or else of its section.
    pub(super) fn report(&mut self, section: &Section<'t>, name: &str, problem: Problem) -> Reported {
        let line = section
            .entry(name)
            .map(|value| self.line(&value.span()))
            .or(section.line);
        self.push(line, schema::join(section.path, name), problem)
    }

    /// Records that a key is missing which only other keys make necessary.
    pub(super) fn missing_in(&mut self, section: &Section<'t>, name: &str) -> Reported {
        let key = self.key(section, name);
        self.missing(section, key)
    }

    /// Records a mistake of a table as a whole.
    pub(super) fn report_section(&mut self, section: &Section<'t>, problem: Problem) -> Reported {
        self.push(section.line, section.path.to_owned(), problem)
    }

    fn value<T>(
        &mut self,
        section: &Section<'t>,
        name: &str,
        take: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Reported> {
        let key = self.key(section, name);
        let read = match (section.entry(name), key.fallback) {
            (Some(value), _) => match value::read(key.kind, value.get_ref()) {
                Ok(value) => value,
                Err(problem) => return Err(self.report(section, name, problem)),
            },
            (None, Fallback::Required) => return Err(self.missing(section, key)),
            (None, Fallback::Derived(_)) => return Ok(None),
            (None, Fallback::Value(toml)) => default(key.kind, toml),
        };
        Ok(Some(
            take(read).expect("a value is taken as the type its schema row gives it"),
        ))
    }

    fn key(&self, section: &Section<'t>, name: &str) -> &'static Key {
        schema::find(&schema::join(section.path, name)).expect("only keys of the schema are asked for")
    }

    fn missing(&mut self, section: &Section<'t>, key: &Key) -> Reported {
        if !self.wants_all {
            return Reported;
        }
        let advice = match key.kind {
            Kind::Table => format!("add [{}]: {}", key.path, key.doc),
            Kind::Tables { min, .. } => format!("add [[{}]] {}", key.path, times(min)),
            Kind::Text(_)
            | Kind::Texts { .. }
            | Kind::TextPerNode(_)
            | Kind::Choice(_)
            | Kind::Duration { .. }
            | Kind::Integer { .. }
            | Kind::Flag => format!("add `{} = …`: {}", key.name(), key.kind.describe()),
        };
        self.push(section.line, key.path.to_owned(), Problem::new("missing", advice))
    }

    fn refuse_unknown(&mut self, section: &Section<'t>) {
        let Some(table) = section.table else { return };
        for written in table.keys() {
            let name: &str = written.get_ref();
            if schema::names_in(section.path).any(|known| known == name) {
                continue;
            }
            let advice = advice_for_unknown(section.path, name);
            let line = Some(self.line(&written.span()));
            self.push(
                line,
                schema::join(section.path, name),
                Problem::new("unknown key", advice),
            );
        }
    }

    fn push(&mut self, line: Option<usize>, key: String, problem: Problem) -> Reported {
        let Problem { problem, advice } = problem;
        self.findings.push(Finding {
            file: self.file.to_owned(),
            line,
            key,
            problem,
            advice,
        });
        Reported
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.line_starts.partition_point(|start| *start <= span.start) + 1
    }
}

/// "once", "twice", "3 times".
pub(super) fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{count} times"),
    }
}

fn advice_for_unknown(table: &str, name: &str) -> String {
    if let Some(near) = nearest(name, schema::names_in(table)) {
        return format!("did you mean \"{near}\"?");
    }
    if let Some(elsewhere) = schema::KEYS.iter().find(|key| key.name() == name) {
        return format!("did you mean \"{}\"?", elsewhere.path);
    }
    let known: Vec<_> = schema::names_in(table).collect();
    format!("known here: {}", known.join(", "))
}

fn default(kind: Kind, toml: &str) -> Value {
    let value = DeValue::parse(toml).expect("defaults in the schema are TOML");
    value::read(kind, value.get_ref()).expect("defaults in the schema obey their own bounds")
}

fn settled<T>(value: Option<T>) -> T {
    value.expect("a key that is required or has a default has a value")
}
