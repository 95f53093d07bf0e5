//! A wall clock that is wrong, for one process: libfaketime.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// The library that makes it so.
#[derive(Clone, Debug)]
pub struct FakeClock(PathBuf);

impl FakeClock {
    /// Finds the library, if it is installed.
    #[must_use]
    pub fn find() -> Option<Self> {
        // Beside the libraries of the machine's architecture, whatever its name.
        let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
        folders
            .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
            .find(|library| library.is_file())
            .map(Self)
    }

    /// Gives the environment of a process whose wall clock is off, such as `-1h`, and whose monotonic clock is not.
    #[must_use]
    pub fn env(&self, off: &str) -> [(&'static str, OsString); 3] {
        [
            ("LD_PRELOAD", self.0.clone().into()),
            ("FAKETIME", off.into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]
    }
}
