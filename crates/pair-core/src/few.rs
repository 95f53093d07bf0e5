//! Short lists as values: what a node tells in a report and that is never long.
//!
//! Like a [`Text`](crate::Text), a [`Few`] lies where its owner lies and asks nothing of the allocator.

use core::{array, fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A list of at most `N` items.
///
/// Behind its end it is default items: so the places are equal when the lists are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Few<T, const N: usize> {
    items: [T; N],
    length: usize,
}

impl<T: Default, const N: usize> Default for Few<T, N> {
    /// The empty list.
    fn default() -> Self {
        Self {
            items: array::from_fn(|_| T::default()),
            length: 0,
        }
    }
}

impl<T: Default, const N: usize> FromIterator<T> for Few<T, N> {
    /// The first `N` items; the rest is left out.
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut few = Self::default();
        for (place, item) in few.items.iter_mut().zip(items) {
            *place = item;
            few.length += 1;
        }
        few
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[..self.length]
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Few<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: Serialize, const N: usize> Serialize for Few<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&**self)
    }
}

/// Takes a list as it is written, and none that is too long: who writes one has left out the rest.
impl<'de, T: Default + Deserialize<'de>, const N: usize> Deserialize<'de> for Few<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Reader(Self::default()))
    }
}

/// What has been read so far.
struct Reader<T, const N: usize>(Few<T, N>);

impl<'de, T: Deserialize<'de>, const N: usize> de::Visitor<'de> for Reader<T, N> {
    type Value = Few<T, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} items")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(mut self, mut written: A) -> Result<Few<T, N>, A::Error> {
        while let Some(item) = written.next_element()? {
            let Some(place) = self.0.items.get_mut(self.0.length) else {
                return Err(de::Error::invalid_length(N + 1, &self));
            };
            *place = item;
            self.0.length += 1;
        }
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    type Three = Few<u8, 3>;

    #[test]
    fn what_is_too_much_for_a_list_is_left_out() {
        let lists = [&[][..], &[7], &[7, 0, 9], &[7, 0, 9, 1]];
        let kept = lists.map(|items| items.iter().copied().collect::<Three>());
        assert_eq!(kept.map(|few| few.len()), [0, 1, 3, 3]);
        assert_eq!(*kept[3], [7, 0, 9]);
        assert_eq!(kept[2], kept[3]);
        assert_eq!(kept[0], Three::default());
    }

    #[test]
    fn a_list_that_ends_in_a_default_item_is_not_the_one_without_it() {
        assert_ne!(Three::from_iter([7]), Three::from_iter([7, 0]));
    }

    #[test]
    fn a_list_is_shown_as_any_other() {
        assert_eq!(format!("{:?}", Three::from_iter([7, 0])), "[7, 0]");
    }
}
