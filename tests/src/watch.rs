//! Whether `pairctl status` tells the truth: read on both nodes all the time, compared with who really held the address.
//!
//! ```text
//! really    a a a a a a a a b b b b b b b b b      (the lab's register)
//! node b    a a a a a a a a a a b b b b b b b      (what its status said)
//!                           └───┘ disagreement: from the change to the first status that knows of it
//! ```
//!
//! A status that says nothing yet, because its daemon has just started, is no disagreement, and neither is a daemon that
//! cannot be reached or says itself that it is stuck. What a status said while the address moved may be either.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pair_lab::{Clock, Holder, Ownership};
use pair_wire::control::{HolderName, Status};

use crate::turn::Turn;

/// Two threads that read, one for each node.
#[derive(Debug)]
pub struct Watch {
    ended: Arc<AtomicBool>,
    readers: Vec<(&'static str, JoinHandle<Vec<Sample>>)>,
}

/// What was found in the statuses of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many statuses were read.
    pub looks: usize,
    /// The longest time for which one told a wrong holder, if there was any.
    pub longest: Option<Disagreement>,
}

/// A time for which a status told a wrong holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Whose status.
    pub node: String,
    /// From when, in milliseconds on the lab's clock.
    pub from_ms: u64,
    /// Until when, in milliseconds on the lab's clock.
    pub to_ms: u64,
    /// Whom it named last.
    pub said: String,
}

/// One look at a status.
#[derive(Clone, Debug)]
struct Sample {
    asked_ms: u64,
    answered_ms: u64,
    /// The daemon's process id and whom it named; `None` if it did not answer.
    told: Option<(u32, Option<HolderName>)>,
}

impl Watch {
    /// How long a status may tell a wrong holder.
    pub const BOUND: Duration = Duration::from_secs(2);

    /// Begins to read the statuses behind these control sockets.
    pub(crate) fn begin(clock: Clock, sockets: Vec<(&'static str, PathBuf)>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let readers = sockets
            .into_iter()
            .map(|(node, socket)| {
                let ended = Arc::clone(&ended);
                (
                    node,
                    thread::spawn(move || read_until(&ended, clock, &socket.display().to_string())),
                )
            })
            .collect();
        Self { ended, readers }
    }

    /// Stops reading, and compares with who really held the address when.
    pub(crate) fn end(self, history: &[Ownership]) -> Findings {
        self.ended.store(true, Ordering::Relaxed);
        let mut findings = Findings::default();
        for (node, reader) in self.readers {
            let samples = reader.join().expect("a reader does not panic");
            findings.looks += samples.iter().filter(|sample| sample.told.is_some()).count();
            let found = disagreements(node, &samples, history).into_iter();
            findings.longest = found.chain(findings.longest).max_by_key(Disagreement::ms);
        }
        findings
    }
}

impl Findings {
    /// Whether no status told a wrong holder for longer than [`Watch::BOUND`].
    #[must_use]
    pub fn are_within_the_bound(&self) -> bool {
        self.longest
            .as_ref()
            .is_none_or(|longest| Duration::from_millis(longest.ms()) <= Watch::BOUND)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.longest {
            Some(longest) => write!(f, "{longest}")?,
            None => f.write_str("none")?,
        }
        write!(f, "; {} statuses read", self.looks)
    }
}

impl Disagreement {
    /// How long it lasted, in milliseconds.
    #[must_use]
    pub const fn ms(&self) -> u64 {
        self.to_ms - self.from_ms
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            node, from_ms, said, ..
        } = self;
        write!(
            f,
            "{} ms on node {node}, which said {said} from {from_ms} ms on",
            self.ms()
        )
    }
}

/// Remembers what was found in a scenario.
pub(crate) fn remember(scenario: &str, findings: Findings) {
    ALL.lock()
        .expect("no code panics while it remembers")
        .push((scenario.to_owned(), findings));
}

/// Waits until no pair is left, and gives what was found in all scenarios so far: the name of the worst one, the longest
/// disagreement of all, and how many scenarios there were.
///
/// # Panics
/// Never: nobody panics with the records in hand.
#[must_use]
pub fn worst_of_all() -> (String, Findings, usize) {
    Turn::wait_for_the_last();
    let all = ALL.lock().expect("no code panics while it remembers");
    let worst = all
        .iter()
        .max_by_key(|(_, found)| found.longest.as_ref().map(Disagreement::ms));
    let (name, longest) = worst
        .cloned()
        .map_or_else(Default::default, |(name, found)| (name, found.longest));
    let looks = all.iter().map(|(_, found)| found.looks).sum();
    (name, Findings { looks, longest }, all.len())
}

fn read_until(ended: &AtomicBool, clock: Clock, socket: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let asked_ms = clock.ms();
        let told = status(socket).ok().map(|status| {
            let holder = status.addresses.first().and_then(|address| address.holder.clone());
            (status.agent.pid, holder)
        });
        samples.push(Sample {
            asked_ms,
            answered_ms: clock.ms(),
            told,
        });
        thread::sleep(EVERY);
    }
    samples
}

/// Reads what `pairctl status --json` prints, by pairctl's own code; the error is what it says instead, with its exit code.
pub(crate) fn status(socket: &str) -> Result<Status, (u8, String)> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = ["pairctl", "--timeout", PATIENCE, "--socket", socket, "status", "--json"];
    let code = pairctl::run(args, &mut out, &mut err);
    if out.is_empty() {
        return Err((code, String::from_utf8_lossy(&err).into_owned()));
    }
    Ok(serde_json::from_slice(&out).expect("pairctl prints a status document"))
}

fn disagreements(node: &str, samples: &[Sample], history: &[Ownership]) -> Vec<Disagreement> {
    let mut found: Vec<Disagreement> = Vec::new();
    let mut open: Option<Disagreement> = None;
    // The process that has told a holder, and when it was last asked and agreed.
    let mut knows: Option<u32> = None;
    let mut agreed_ms = None;
    for sample in samples {
        let Some((pid, holder)) = &sample.told else {
            found.extend(open.take());
            agreed_ms = None;
            continue;
        };
        if knows != Some(*pid) {
            found.extend(open.take());
            agreed_ms = None;
            knows = holder.as_ref().map(|_| *pid);
            if holder.is_none() {
                continue;
            }
        }
        let is_true = really(history, sample.asked_ms, sample.answered_ms).any(|name| Some(name) == *holder);
        if is_true {
            found.extend(open.take().map(|open| Disagreement {
                to_ms: sample.answered_ms,
                ..open
            }));
            agreed_ms = Some(sample.asked_ms);
            continue;
        }
        let said = holder.clone().map_or_else(|| "nothing".to_owned(), String::from);
        let last_change = history.iter().map(|held| held.ms).rfind(|ms| *ms <= sample.answered_ms);
        let from_ms = match (&open, agreed_ms, last_change) {
            (Some(open), _, _) => open.from_ms,
            (None, Some(agreed), Some(change)) => agreed.max(change).min(sample.answered_ms),
            (None, Some(agreed), None) => agreed,
            (None, None, _) => sample.asked_ms,
        };
        open = Some(Disagreement {
            node: node.to_owned(),
            from_ms,
            to_ms: sample.answered_ms,
            said,
        });
    }
    found.extend(open);
    found
}

/// Lists who held the address at some moment between the two, as a status names them.
fn really(history: &[Ownership], from_ms: u64, to_ms: u64) -> impl Iterator<Item = HolderName> {
    history.iter().enumerate().filter_map(move |(at, held)| {
        let until_ms = history.get(at + 1).map_or(u64::MAX, |next| next.ms);
        let is_then = held.ms <= to_ms && until_ms >= from_ms;
        is_then.then(|| match &held.holder {
            Some(Holder::Node(node)) => HolderName::Node(node.clone()),
            Some(Holder::Outside(_)) => HolderName::Stranger,
            None => HolderName::Nobody,
        })
    })
}

const EVERY: Duration = Duration::from_millis(50);
/// A daemon that lives answers within milliseconds; one that is stopped must not keep the reader from the next look.
const PATIENCE: &str = "500ms";
static ALL: Mutex<Vec<(String, Findings)>> = Mutex::new(Vec::new());

#[cfg(test)]
mod tests {
    use super::*;

    fn held(ms: u64, node: &str) -> Ownership {
        let holder = Some(Holder::Node(node.to_owned()));
        Ownership {
            ms,
            holder,
            association_id: None,
        }
    }

    fn told(ms: u64, pid: u32, node: &str) -> Sample {
        let holder = (!node.is_empty()).then(|| HolderName::from(node.to_owned()));
        Sample {
            asked_ms: ms,
            answered_ms: ms + 2,
            told: Some((pid, holder)),
        }
    }

    fn longest_of(samples: &[Sample]) -> Option<(u64, u64)> {
        let history = [held(0, "a"), held(1_000, "b")];
        let longest = disagreements("a", samples, &history)
            .into_iter()
            .max_by_key(Disagreement::ms)?;
        Some((longest.from_ms, longest.to_ms))
    }

    #[test]
    fn it_lasts_from_the_change_to_the_first_status_that_knows() {
        assert_eq!(
            longest_of(&[told(980, 1, "a"), told(1_030, 1, "a"), told(1_080, 1, "b")]),
            Some((1_000, 1_082))
        );
    }

    #[test]
    fn a_holder_that_is_no_longer_known_is_a_disagreement_and_one_not_yet_known_is_none() {
        assert_eq!(
            longest_of(&[told(100, 1, ""), told(150, 1, ""), told(200, 1, "a")]),
            None
        );
        assert_eq!(
            longest_of(&[told(100, 1, "a"), told(150, 1, ""), told(200, 1, "a")]),
            Some((100, 202))
        );
        assert_eq!(
            longest_of(&[told(100, 1, "a"), told(150, 2, ""), told(200, 2, "a")]),
            None
        );
    }

    #[test]
    fn one_that_never_ends_lasts_to_the_last_look() {
        assert_eq!(
            longest_of(&[told(980, 1, "a"), told(1_500, 1, "a"), told(9_000, 1, "a")]),
            Some((1_000, 9_002))
        );
    }

    #[test]
    fn a_daemon_that_does_not_answer_says_nothing_wrong() {
        let silent = Sample {
            asked_ms: 1_010,
            answered_ms: 8_000,
            told: None,
        };
        assert_eq!(
            longest_of(&[told(980, 1, "a"), silent, told(8_050, 1, "a"), told(8_100, 1, "b")]),
            Some((8_050, 8_102))
        );
    }
}
