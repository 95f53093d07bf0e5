//! One TOML value against one [`Kind`]: the typed value, or what is wrong and what to write.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::{DeArray, DeInteger, DeString, DeTable, DeValue};

use super::duration;
use super::nearest::nearest;
use super::schema::Kind;
use super::syntax::Syntax;

/// The most characters of a wrong value that a message repeats.
const QUOTED_MAX: usize = 60;

/// A value that obeys its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    TextPerNode(Vec<(String, String)>),
    Duration(Duration),
    Integer(u16),
    Flag(bool),
}

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) problem: String,
    pub(super) advice: String,
}

impl Problem {
    pub(super) fn new(problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            advice: advice.into(),
        }
    }
}

/// Reads `value` as the leaf `kind`; a table kind is read by the reader and refuses every value here.
pub(super) fn read(kind: Kind, value: &DeValue<'_>) -> Result<Value, Problem> {
    match (kind, value) {
        (Kind::Text(syntax), DeValue::String(text)) => read_text(syntax, text).map(Value::Text),
        (Kind::Texts { syntax, min, max }, DeValue::Array(array)) => read_texts(syntax, min..=max, array),
        (Kind::TextPerNode(syntax), DeValue::Table(table)) => read_per_node(syntax, table),
        (Kind::Choice(words), DeValue::String(word)) => read_choice(words, word),
        (Kind::Duration { min_ms, max_ms }, DeValue::String(text)) => read_duration(kind, min_ms, max_ms, text),
        (Kind::Duration { .. }, DeValue::Integer(number)) => Err(Problem::new(
            format!("the bare number {number} has no unit"),
            format!("write \"{number}ms\" or \"{number}s\""),
        )),
        (Kind::Integer { min, max }, DeValue::Integer(number)) => read_integer(kind, min, max, number),
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
        (
            Kind::Table
            | Kind::Tables { .. }
            | Kind::Text(_)
            | Kind::Texts { .. }
            | Kind::TextPerNode(_)
            | Kind::Choice(_)
            | Kind::Duration { .. }
            | Kind::Integer { .. }
            | Kind::Flag,
            _,
        ) => Err(wrong_type(kind, value)),
    }
}

/// The complaint about a value of another type.
pub(super) fn wrong_type(kind: Kind, value: &DeValue<'_>) -> Problem {
    Problem::new(
        format!("{} where another type belongs", type_name(value)),
        format!("write {}", kind.describe()),
    )
}

fn read_text(syntax: Syntax, text: &DeString<'_>) -> Result<String, Problem> {
    if syntax.accepts(text) {
        Ok(text.to_string())
    } else {
        Err(Problem::new(
            format!("{} is not valid", quoted(text)),
            format!("write {}", syntax.describe()),
        ))
    }
}

fn read_texts(syntax: Syntax, count: RangeInclusive<usize>, array: &DeArray<'_>) -> Result<Value, Problem> {
    if !count.contains(&array.len()) {
        let (min, max) = (count.start(), count.end());
        let advice = match min {
            0 => format!("write at most {max}"),
            min => format!("write {min} to {max}"),
        };
        return Err(match array.len() {
            0 => Problem::new("the list is empty", advice),
            many => Problem::new(format!("{many} entries are too many"), advice),
        });
    }
    array
        .iter()
        .map(|entry| match entry.get_ref() {
            DeValue::String(text) => read_text(syntax, text),
            other => Err(wrong_type(Kind::Text(syntax), other)),
        })
        .collect::<Result<_, _>>()
        .map(Value::Texts)
}

fn read_per_node(syntax: Syntax, table: &DeTable<'_>) -> Result<Value, Problem> {
    table
        .iter()
        .map(|(node, value)| match value.get_ref() {
            DeValue::String(text) => Ok((node.get_ref().to_string(), read_text(syntax, text)?)),
            other => Err(wrong_type(Kind::Text(syntax), other)),
        })
        .collect::<Result<_, _>>()
        .map(Value::TextPerNode)
}

fn read_choice(words: &[&str], word: &DeString<'_>) -> Result<Value, Problem> {
    if words.contains(&word.as_ref()) {
        return Ok(Value::Text(word.to_string()));
    }
    let advice = nearest(word, words.iter().copied()).map_or_else(
        || format!("choose one of: {}", words.join(", ")),
        |near| format!("did you mean \"{near}\"?"),
    );
    Err(Problem::new(format!("unknown value {}", quoted(word)), advice))
}

fn read_duration(kind: Kind, min_ms: u64, max_ms: u64, text: &DeString<'_>) -> Result<Value, Problem> {
    let advice = || format!("write a {} with a unit of ms, s, m or h", kind.describe());
    let duration = duration::parse(text).map_err(|problem| Problem::new(problem, advice()))?;
    if (Duration::from_millis(min_ms)..=Duration::from_millis(max_ms)).contains(&duration) {
        Ok(Value::Duration(duration))
    } else {
        Err(Problem::new(format!("{} is out of bounds", quoted(text)), advice()))
    }
}

fn read_integer(kind: Kind, min: u16, max: u16, number: &DeInteger<'_>) -> Result<Value, Problem> {
    u16::from_str_radix(number.as_str(), number.radix())
        .ok()
        .filter(|number| (min..=max).contains(number))
        .map(Value::Integer)
        .ok_or_else(|| {
            Problem::new(
                format!("{} is out of bounds", shortened(number.as_str())),
                format!("write a {}", kind.describe()),
            )
        })
}

/// The text in quotes, escaped, and cut where it would fill the screen.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
