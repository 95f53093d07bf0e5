//! By which paths a node hears its peer, as it tells it in each datagram: a path that is cut one way is so seen at both ends.

/// By which of its paths a node hears its peer. Paths are numbered from 0, in the order of the configuration; the first eight are told.
///
/// Agents from before this was told send zero here, as does a node that hears nothing by any path, which the missing echo says already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeardPaths(u8);

impl HeardPaths {
    /// Says of each path whether the peer is heard by it.
    #[must_use]
    pub fn of(paths: impl IntoIterator<Item = bool>) -> Self {
        let told = (0..u8::BITS).zip(paths);
        Self(told.fold(0, |bits, (path, is_heard)| bits | (u8::from(is_heard) << path)))
    }

    /// Whether the peer is heard by this path; `None` if nothing is told of it.
    #[must_use]
    pub fn is_heard_by(self, path: usize) -> Option<bool> {
        let bit = u32::try_from(path).ok().and_then(|path| 1_u8.checked_shl(path))?;
        (self.0 != 0).then_some(self.0 & bit != 0)
    }

    pub(super) const fn byte(self) -> u8 {
        self.0
    }

    pub(super) const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }
}
