//! Files of the repository that say `@NAME@` where a fact of the build belongs.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Returns the file with its names replaced by these values.
///
/// # Errors
/// If it cannot be read, or has a name that is not among them.
pub(crate) fn fill(template: &Path, values: &[(&str, &str)]) -> Result<String> {
    let text = fs::read_to_string(template).with_context(|| format!("cannot read {}", template.display()))?;
    let filled = values
        .iter()
        .fold(text, |text, (name, value)| text.replace(&format!("@{name}@"), value));
    match unknown(&filled) {
        Some(name) => bail!("{} asks for something unknown: {name}", template.display()),
        None => Ok(filled),
    }
}

/// Returns the first `NAME` between two `@` that is left.
fn unknown(text: &str) -> Option<&str> {
    let is_name = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let (_, after) = text.split_once('@')?;
    // What comes after the last one is between no two.
    let (between, _) = after.rsplit_once('@')?;
    between.split('@').find(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_value_is_found_and_an_address_is_none() {
        assert_eq!(unknown("Version: @VERSION@\n"), Some("VERSION"));
        assert_eq!(unknown("a <b@localhost>, c <d@localhost>, @KIB@"), Some("KIB"));
        assert_eq!(unknown("a <b@localhost>"), None);
    }
}
