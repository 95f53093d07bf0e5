//! The shared key: a text file of one or two lines `ID KEY`.
//!
//! `ID` is a number from 0 to 255 that travels with every datagram, `KEY` is 32 bytes as 64 hexadecimal digits. The first
//! line is the key a node sends with, the second one it accepts as well, so that a key can be changed on one node after
//! the other. Lines that begin with `#` and empty lines do not count.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::finding::{Finding, Findings};
use super::value::Problem;
use super::{read_bounded, unreadable};

/// The longest key file that is read: two keys and some pages of comments.
const FILE_MAX: u64 = 16 * 1024;
/// How many keys a node holds: one to send with, one to accept while keys change.
const KEYS_MAX: usize = 2;
/// Permission bits beyond 0640, none of which a key file may have.
const TOO_OPEN: u32 = 0o777 & !0o640;

/// The keys of a pair.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyFile {
    keys: Vec<(u8, [u8; 32])>,
}

impl KeyFile {
    /// Reads the file and checks that nobody but its owner and group may.
    ///
    /// # Errors
    /// Every mistake at once: unreadable, permissions beyond 0640, and each bad line.
    pub fn load(path: &Path) -> Result<Self, Findings> {
        let name = path.display().to_string();
        let mut findings: Vec<Finding> = check_mode(path)
            .err()
            .map(|problem| unreadable(name.clone(), problem))
            .into_iter()
            .collect();
        match read_bounded(path, FILE_MAX) {
            Ok(text) => match Self::parse(&name, &text) {
                Ok(keys) if findings.is_empty() => return Ok(keys),
                Ok(_) => {}
                Err(mistakes) => findings.extend(mistakes.iter().cloned()),
            },
            Err(problem) => findings.push(unreadable(name, problem)),
        }
        Err(Findings::new(findings))
    }

    /// Reads `text`, which came from the file `name`. No finding repeats any part of a key.
    ///
    /// # Errors
    /// Each bad line, a key id used twice, no key, or more than two.
    pub fn parse(name: &str, text: &str) -> Result<Self, Findings> {
        let mut findings = Vec::new();
        let mut wrong = |line, problem: Problem| {
            findings.push(Finding {
                line,
                ..unreadable(name.to_owned(), problem)
            });
        };
        let mut keys: Vec<(u8, [u8; 32])> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = Some(index + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match parse_line(line) {
                Err(problem) => wrong(line_number, problem),
                Ok((id, _)) if keys.iter().any(|(known, _)| *known == id) => {
                    let problem = format!("key id {id} is used twice");
                    wrong(line_number, Problem::new(problem, "give each key its own id"));
                }
                Ok(_) if keys.len() == KEYS_MAX => {
                    wrong(
                        line_number,
                        Problem::new("more than two keys", "remove those no node sends with"),
                    );
                }
                Ok(key) => keys.push(key),
            }
        }
        if keys.is_empty() && findings.is_empty() {
            let problem = Problem::new("no key", "make one with `pairctl key generate`");
            findings.push(unreadable(name.to_owned(), problem));
        }
        if findings.is_empty() {
            Ok(Self { keys })
        } else {
            Err(Findings::new(findings))
        }
    }

    /// One or two pairs of id and key: the first is the one to send with, each is accepted.
    #[must_use]
    pub fn keys(&self) -> &[(u8, [u8; 32])] {
        &self.keys
    }
}

/// Shows the ids alone, so that no log ever holds a key.
impl fmt::Debug for KeyFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.keys.iter().map(|(id, _)| id);
        out.write_str("KeyFile with ids ")?;
        out.debug_list().entries(ids).finish()
    }
}

/// A file that does not exist has no mode to complain about.
fn check_mode(path: &Path) -> Result<(), Problem> {
    let Ok(metadata) = fs::metadata(path) else {
        return Ok(());
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & TOO_OPEN == 0 {
        return Ok(());
    }
    Err(Problem::new(
        format!("mode {mode:04o} lets others than its owner and group in"),
        format!("run `chmod 0640 {}`", path.display()),
    ))
}

fn parse_line(line: &str) -> Result<(u8, [u8; 32]), Problem> {
    let advice = "write a key id from 0 to 255, a space, and 64 hexadecimal digits";
    let mut words = line.split_ascii_whitespace();
    let (Some(id), Some(digits), None) = (words.next(), words.next(), words.next()) else {
        return Err(Problem::new("not a key id and a key", advice));
    };
    let id = id
        .parse()
        .map_err(|_| Problem::new("the key id is not a number from 0 to 255", advice))?;
    let key = from_hex(digits).ok_or_else(|| {
        Problem::new(
            format!("the key of {} characters is not 64 hexadecimal digits", digits.len()),
            advice,
        )
    })?;
    Ok((id, key))
}

fn from_hex(digits: &str) -> Option<[u8; 32]> {
    let nibbles: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = nibbles
        .chunks(2)
        .filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?))
        .collect();
    bytes.try_into().ok().filter(|_| nibbles.len() == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
    const SECOND: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

    fn mistakes(text: &str) -> String {
        KeyFile::parse("key", text).expect_err("a mistake").to_string()
    }

    #[test]
    fn the_first_key_sends_and_the_second_is_accepted() {
        let file = KeyFile::parse("key", &format!("# lb-1\n\n 7 {FIRST}\n255\t{SECOND}\n")).expect("valid");
        let [(7, first), (255, second)] = file.keys() else {
            panic!("{file:?}")
        };
        assert_eq!(first[..3], [0x00, 0x11, 0x22]);
        assert_eq!(first[31], 0xff);
        assert_eq!(*second, [0xff; 32]);
    }

    #[test]
    fn every_bad_line_is_named_and_no_key_is_repeated() {
        let text = format!(
            "256 {FIRST}\n1 {}\n1 {FIRST}\n1 {SECOND}\n2 {SECOND}\n3 {FIRST}\nx\n",
            &FIRST[1..]
        );
        let cure = "write a key id from 0 to 255, a space, and 64 hexadecimal digits";
        assert_eq!(
            mistakes(&text),
            format!(
                "key:1: the key id is not a number from 0 to 255, {cure}\n\
                 key:2: the key of 63 characters is not 64 hexadecimal digits, {cure}\n\
                 key:4: key id 1 is used twice, give each key its own id\n\
                 key:6: more than two keys, remove those no node sends with\n\
                 key:7: not a key id and a key, {cure}"
            )
        );
        assert_eq!(
            mistakes("# none\n"),
            "key: no key, make one with `pairctl key generate`"
        );
        assert!(mistakes(&format!("1 {}ä", &FIRST[2..])).contains("of 64 characters is not"));
    }

    #[test]
    fn debug_output_holds_no_key() {
        let file = KeyFile::parse("key", &format!("7 {FIRST}")).expect("valid");
        assert_eq!(format!("{file:?}"), "KeyFile with ids [7]");
    }

    #[test]
    fn a_file_others_may_read_is_refused_and_a_stricter_one_is_not() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        fs::write(&path, format!("7 {FIRST}\n")).expect("written");
        let load_with = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode set");
            KeyFile::load(&path)
        };
        for mode in [0o640, 0o600, 0o440, 0o400] {
            assert!(load_with(mode).is_ok(), "{mode:o}");
        }
        for (mode, shown) in [(0o644, "0644"), (0o660, "0660"), (0o750, "0750")] {
            let findings = load_with(mode).expect_err("too open").to_string();
            assert!(findings.contains(&format!("mode {shown}")), "{findings}");
        }
        let missing = KeyFile::load(&folder.path().join("missing")).expect_err("missing");
        assert_eq!(missing.len(), 1, "{missing}");
        assert!(missing.to_string().contains("cannot be read"), "{missing}");
    }
}
