//! What a node's core was told, and what it wanted.

use std::path::PathBuf;

use pair_wire::trace::Trace;

use crate::pair::Pair;

impl Pair {
    /// Exports a node's record to a file.
    ///
    /// # Panics
    /// If that fails, or prints anything.
    #[track_caller]
    #[must_use]
    pub fn export(&self, node: &str) -> PathBuf {
        let file = self.folder().join(format!("{node}.exported"));
        let exported = self.pairctl(node, &["why", "--export", &file.display().to_string()]);
        assert_eq!((exported.code, exported.stdout.as_str()), (Some(0), ""), "{exported:?}");
        file
    }

    /// Gives a node's record.
    ///
    /// # Panics
    /// If there is none, or it is no trace.
    #[track_caller]
    #[must_use]
    pub fn record(&self, node: &str) -> Trace {
        let text = std::fs::read_to_string(self.export(node)).expect("it was just written");
        Trace::parse(&text).expect("an agent exports a trace")
    }
}
