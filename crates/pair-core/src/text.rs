//! Short texts as values: what two nodes tell each other in words.
//!
//! An id that EC2 gives, the name of a zone and a version are short, and end up in the peer's log and on its terminal. So a
//! [`Text`] has room for as many bytes as its kind needs and nothing in it but visible ASCII. It lies where its owner lies, as a
//! number does: a heartbeat is made, opened and kept without a word to the allocator.

use core::{fmt, ops::Deref, str};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text of at most `N` bytes of visible ASCII (`!` to `~`).
///
/// Behind its end it is zeros, which no text has in it: so the bytes are equal when the texts are, and are in the same order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize>([u8; N]);

/// The name of an availability zone. Those of wavelength zones are the longest: `ap-northeast-1-wl1-kix-wlz-1` has 28 bytes.
pub type Zone = Text<48>;

/// The version of an agent, as `pairctl version` prints it.
pub type Version = Text<32>;

impl<const N: usize> Text<N> {
    /// The longest beginning of `text` that a text can be: the rest is cut off, at the limit or before the first character that is
    /// not a visible one.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let mut bytes = [0; N];
        let visible = text.bytes().take_while(u8::is_ascii_graphic);
        for (to, from) in bytes.iter_mut().zip(visible) {
            *to = from;
        }
        Self(bytes)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(N);
        str::from_utf8(&self.0[..end]).expect("`cut` lets nothing in but ASCII")
    }
}

impl<const N: usize> Default for Text<N> {
    /// The empty text.
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

impl<const N: usize> Serialize for Text<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

/// Takes a text as it is written, and nothing that would have to be cut: who writes one has cut it.
impl<'de, const N: usize> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Reader)
    }
}

struct Reader<const N: usize>;

impl<const N: usize> de::Visitor<'_> for Reader<N> {
    type Value = Text<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} characters of visible ASCII")
    }

    fn visit_str<E: de::Error>(self, written: &str) -> Result<Text<N>, E> {
        let text = Text::cut(written);
        if text.as_str() == written {
            Ok(text)
        } else {
            Err(E::invalid_value(de::Unexpected::Str(written), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    type Four = Text<4>;

    #[test]
    fn a_text_is_cut_at_its_limit_and_before_what_is_not_visible() {
        assert_eq!(Four::cut("").as_str(), "");
        assert_eq!(Four::cut("i-01").as_str(), "i-01");
        assert_eq!(Four::cut("i-012").as_str(), "i-01");
        assert_eq!(Four::cut("a b").as_str(), "a");
        assert_eq!(Four::cut("0\u{1b}[2J").as_str(), "0");
        assert_eq!(Four::cut("xü").as_str(), "x");
        assert_eq!(Four::cut("x\0y").as_str(), "x");
    }

    #[test]
    fn texts_are_in_the_order_of_their_characters() {
        let ordered = ["", "!", "a", "aa", "ab", "abcd", "b"];
        assert!(ordered.windows(2).all(|two| Four::cut(two[0]) < Four::cut(two[1])));
        assert_eq!(Four::default(), Four::cut(""));
    }

    #[test]
    fn a_text_is_shown_as_any_other() {
        let text = Four::cut("a\"b");
        assert_eq!(
            (format!("{text:?}"), text.to_string()),
            (format!("{:?}", "a\"b"), "a\"b".into())
        );
    }
}
