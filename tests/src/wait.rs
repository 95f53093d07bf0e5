//! Waiting for a condition: the only way in which a test lets time pass.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take that should hold soon: far beyond what a loaded machine needs.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `find` finds something, and gives it.
///
/// # Panics
/// With `what` if nothing was found before [`DEADLINE`].
#[track_caller]
pub fn eventually<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < DEADLINE, "did not happen within {DEADLINE:?}: {what}");
        thread::sleep(PAUSE);
    }
}

/// Sees to it that `holds` is true for all of `time`.
///
/// # Panics
/// With `what` at the first moment at which it is not.
#[track_caller]
pub fn stays(what: &str, time: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        assert!(
            holds(),
            "did not stay so for {time:?}, but for {:?}: {what}",
            begun.elapsed()
        );
        thread::sleep(PAUSE);
    }
}

const PAUSE: Duration = Duration::from_millis(20);
