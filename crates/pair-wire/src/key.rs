//! The secrets that the two nodes of a pair share, and the file that holds them.
//!
//! ```text
//! # /etc/paird/key: the first key signs, both are accepted
//! 2 5f0c…64 hexadecimal digits…
//! 1 9a41…64 hexadecimal digits…
//! ```
//!
//! Two keys are enough to change keys without a gap: add the new one second on both nodes, swap the lines on both, drop
//! the old one.

use std::fmt;

use thiserror::Error;

/// How many bytes a secret has: as many as the HMAC-SHA256 tag that it makes.
pub const SECRET_LEN: usize = 32;

/// One shared secret and the number that names it in a datagram.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: u8,
    secret: [u8; SECRET_LEN],
}

/// The keys that a node knows: the first signs, either verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRing {
    first: Key,
    second: Option<Key>,
}

/// What is wrong with a key file.
///
/// No variant carries any part of a secret. Each is a mistake of whoever wrote the file; reading again cannot help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// The file has no key.
    #[error("the key file has no key")]
    Empty,
    /// A line is not an id, one space or more, and a secret.
    #[error("line {line} of the key file is not `<key-id> <64 hexadecimal digits>`")]
    Shape {
        /// Which line, from 1.
        line: usize,
    },
    /// An id is not a number from 0 to 255.
    #[error("line {line} of the key file: the key id is not a number from 0 to 255")]
    Id {
        /// Which line, from 1.
        line: usize,
    },
    /// A secret is not 64 hexadecimal digits.
    #[error("line {line} of the key file: the secret is not 64 hexadecimal digits")]
    Secret {
        /// Which line, from 1.
        line: usize,
    },
    /// Two keys have the same id, so a datagram could not say which one signed it.
    #[error("line {line} of the key file: key id {id} is there already")]
    SameId {
        /// Which line, from 1.
        line: usize,
        /// The id.
        id: u8,
    },
    /// There are more than two keys.
    #[error("line {line} of the key file is a third key; there can be two")]
    TooMany {
        /// Which line, from 1.
        line: usize,
    },
}

impl Key {
    /// Makes a key of a secret.
    #[must_use]
    pub const fn new(id: u8, secret: [u8; SECRET_LEN]) -> Self {
        Self { id, secret }
    }

    /// Reads `<key-id> <64 hexadecimal digits>`; `line` is only named in the error.
    fn parse(line: usize, text: &str) -> Result<Self, KeyFileError> {
        let mut words = text.split_ascii_whitespace();
        let (Some(id), Some(secret), None) = (words.next(), words.next(), words.next()) else {
            return Err(KeyFileError::Shape { line });
        };
        // `u8::from_str` also takes "+7", which would be a second spelling of the same id.
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(KeyFileError::Id { line });
        }
        let id = id.parse().map_err(|_| KeyFileError::Id { line })?;
        let secret = secret_from_hex(secret).ok_or(KeyFileError::Secret { line })?;
        Ok(Self { id, secret })
    }

    /// The number that names the key in a datagram.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// The key's line in a key file, without the line's end. It shows the secret.
    #[must_use]
    pub fn line(&self) -> String {
        use fmt::Write as _;

        let mut line = format!("{} ", self.id);
        for byte in self.secret {
            write!(line, "{byte:02x}").expect("a String takes every write");
        }
        line
    }

    pub(crate) const fn secret(&self) -> &[u8; SECRET_LEN] {
        &self.secret
    }
}

/// Shows the id and hides the secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// The ring of a node without a key: **no authentication**. Its one secret is public, so whoever can send a datagram
    /// to the node can pretend to be its peer. It keeps damaged and foreign datagrams away, nothing else.
    #[must_use]
    pub const fn insecure() -> Self {
        Self::single(Key::new(0, *INSECURE_SECRET))
    }

    /// A ring with one key, which signs and verifies.
    #[must_use]
    pub const fn single(key: Key) -> Self {
        Self {
            first: key,
            second: None,
        }
    }

    /// A ring with two keys: `first` signs and verifies, `second` only verifies. `None` if both have the same id.
    #[must_use]
    pub fn pair(first: Key, second: Key) -> Option<Self> {
        (first.id != second.id).then_some(Self {
            first,
            second: Some(second),
        })
    }

    /// Reads a key file: one or two lines `<key-id> <64 hexadecimal digits>`, blank lines, and comments that begin with `#`.
    ///
    /// # Errors
    /// The first mistake in the file, by its line.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let lines = (1..)
            .zip(text.lines().map(str::trim))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut ring: Option<Self> = None;
        for (line, text) in lines {
            let key = Key::parse(line, text)?;
            ring = Some(match ring {
                None => Self::single(key),
                Some(Self { second: Some(_), .. }) => return Err(KeyFileError::TooMany { line }),
                Some(Self { first, second: None }) => {
                    let id = key.id;
                    Self::pair(first, key).ok_or(KeyFileError::SameId { line, id })?
                }
            });
        }
        ring.ok_or(KeyFileError::Empty)
    }

    /// Whether datagrams made with this ring prove who sent them: not so for [`KeyRing::insecure`].
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        self.keys().all(|key| key.secret != *INSECURE_SECRET)
    }

    /// The key that signs.
    #[must_use]
    pub const fn signer(&self) -> &Key {
        &self.first
    }

    /// Every key that verifies, the signing one first.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        [Some(&self.first), self.second.as_ref()].into_iter().flatten()
    }
}

fn secret_from_hex(text: &str) -> Option<[u8; SECRET_LEN]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * SECRET_LEN {
        return None;
    }
    let mut secret = [0; SECRET_LEN];
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(secret)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The secret of a node that has none: public on purpose, and readable as what it is.
const INSECURE_SECRET: &[u8; SECRET_LEN] = b"paird: no key, no authentication";

#[cfg(test)]
mod tests {
    use super::*;

    const ONES: &str = "1111111111111111111111111111111111111111111111111111111111111111";
    const MIXED: &str = "00ff102030405060708090a0b0c0d0e0F0AAbbCCddEEff000102030405060708";

    #[test]
    fn the_first_key_of_a_file_signs_and_both_verify() {
        let ring = KeyRing::parse(&format!("# new\n\n  7 {MIXED}  \r\n255\t{ONES}\n")).unwrap();
        assert_eq!(ring.signer().id(), 7);
        assert_eq!(ring.keys().map(Key::id).collect::<Vec<_>>(), [7, 255]);
        assert!(ring.is_authentic());
    }

    #[test]
    fn a_key_is_read_back_from_its_own_line() {
        let key = Key::new(3, [0xa5; SECRET_LEN]);
        let line = "3 a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5";
        assert_eq!(key.line(), line);
        assert_eq!(KeyRing::parse(line), Ok(KeyRing::single(key)));
    }

    #[test]
    fn every_mistake_in_a_key_file_names_its_line() {
        let cases = [
            (String::new(), KeyFileError::Empty),
            ("# nothing\n".to_owned(), KeyFileError::Empty),
            (format!("\n{ONES}"), KeyFileError::Shape { line: 2 }),
            (format!("1 {ONES} x"), KeyFileError::Shape { line: 1 }),
            (format!("256 {ONES}"), KeyFileError::Id { line: 1 }),
            (format!("+1 {ONES}"), KeyFileError::Id { line: 1 }),
            (format!("1 {}", &ONES[1..]), KeyFileError::Secret { line: 1 }),
            (format!("1 {}g", &ONES[1..]), KeyFileError::Secret { line: 1 }),
            (format!("1 {}é", &ONES[2..]), KeyFileError::Secret { line: 1 }),
            (format!("1 {ONES}\n1 {MIXED}"), KeyFileError::SameId { line: 2, id: 1 }),
            (
                format!("1 {ONES}\n2 {MIXED}\n3 {ONES}"),
                KeyFileError::TooMany { line: 3 },
            ),
        ];
        for (text, error) in cases {
            assert_eq!(KeyRing::parse(&text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_secret() {
        let ring = KeyRing::parse(&format!("1 {ONES}")).unwrap();
        assert_eq!(
            format!("{ring:?}"),
            "KeyRing { first: Key { id: 1, .. }, second: None }"
        );
        let error = KeyRing::parse("1 deadbeef").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1 of the key file: the secret is not 64 hexadecimal digits"
        );
    }

    #[test]
    fn a_ring_without_a_key_says_so() {
        assert!(!KeyRing::insecure().is_authentic());
        assert!(
            !KeyRing::parse(&KeyRing::insecure().signer().line())
                .unwrap()
                .is_authentic()
        );
    }
}
