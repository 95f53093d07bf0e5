//! The journal of events on disk: a line of JSON for each transition and order, over all runs of the daemon.
//!
//! ```text
//!  events.jsonl ──full──► events.1.jsonl ──► events.2.jsonl ──► events.3.jsonl ──► gone        8 MiB each
//! ```
//!
//! The event loop only hands lines over, to a queue with a bound: a disk that is full, slow or gone costs lines, which are counted
//! and told as a problem, and never a beat. A line that a crash has torn is ended by the next start and skipped by readers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use pair_wire::control::{Entry, Events, Transition};
use tokio::sync::mpsc;

use crate::news::News;

/// The folder in the state directory.
const FOLDER: &str = "journal";

/// How long one file becomes.
const FILE_MAX: u64 = 8 * 1024 * 1024;

/// How many files there are, the one that grows included.
const FILES: usize = 4;

/// Lines that may wait for the disk: those of many takeovers.
const WAITING: usize = 256;

/// How much of the entries goes into one answer, in bytes of their lines: it fits into a response with all its quotation marks.
const ANSWER: usize = 24 * 1024;

/// A line is shorter than that: the texts of a transition are bounded.
const LINE_MAX: u64 = 16 * 1024;

/// Hands lines to the disk.
#[derive(Debug)]
pub struct Logbook {
    folder: PathBuf,
    newest: u64,
    lines: mpsc::Sender<Entry>,
    waiting: Option<mpsc::Receiver<Entry>>,
    lost: u64,
}

impl Logbook {
    /// The journal in a state directory, continued where the run before has ended.
    #[must_use]
    pub fn open(state_directory: &Path) -> Self {
        let folder = state_directory.join(FOLDER);
        let (lines, waiting) = mpsc::channel(WAITING);
        Self {
            newest: newest_in(&folder),
            folder,
            lines,
            waiting: Some(waiting),
            lost: 0,
        }
    }

    /// Wants this to be in the journal soon.
    pub fn write(&mut self, uptime_ms: u64, transition: Transition) {
        self.newest += 1;
        let entry = Entry {
            number: self.newest,
            uptime_ms,
            transition,
        };
        if self.lines.try_send(entry).is_err() {
            self.lost += 1;
        }
    }

    /// How many lines found no place to wait for the disk.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The number of the newest entry.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// Where the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes what is wanted and tells how it went; ends with the journal. A second call writes nothing.
    ///
    /// The writing has a thread of its own: a disk that hangs must not keep EC2 calls waiting.
    pub fn write_on(&mut self, tell: mpsc::Sender<News>) -> impl Future<Output = ()> + Send + 'static {
        let (folder, waiting) = (self.folder.clone(), self.waiting.take());
        async move {
            let Some(mut waiting) = waiting else { return };
            while let Some(first) = waiting.recv().await {
                let mut entries = vec![first];
                while let Ok(next) = waiting.try_recv() {
                    entries.push(next);
                }
                let (place, count) = (folder.clone(), entries.len() as u64);
                let written = tokio::task::spawn_blocking(move || append(&place, &entries)).await;
                let outcome = written
                    .unwrap_or_else(|error| Err(io::Error::other(error)))
                    .map_err(|error| (count, format!("{}: {error}", folder.display())));
                if tell.send(News::Journalled(outcome)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those behind this number.
    pub after: u64,
    /// Those that happened at this time or later, in milliseconds of Unix time.
    pub since_ms: u64,
    /// Those about the address of this allocation id; `None` for all.
    pub address: Option<String>,
}

impl Wanted {
    fn has(&self, entry: &Entry) -> bool {
        let Transition { unix_ms, address, .. } = &entry.transition;
        entry.number > self.after
            && *unix_ms >= self.since_ms
            && (self.address.is_none() || address.is_none() || self.address == *address)
    }
}

/// The oldest entries that are wanted, as many as fit into an answer.
///
/// # Errors
/// If a file is there and cannot be read.
pub fn read(folder: &Path, wanted: &Wanted, newest: u64) -> io::Result<Events> {
    let mut entries = Vec::new();
    let mut room = ANSWER;
    for place in (0..FILES).rev() {
        let file = match File::open(path(folder, place)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        while lines.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? > 0 {
            let found = serde_json::from_slice::<Entry>(&line).ok();
            if let Some(entry) = found.filter(|entry| wanted.has(entry)) {
                if line.len() > room && !entries.is_empty() {
                    return Ok(Events { entries, newest });
                }
                room = room.saturating_sub(line.len());
                entries.push(entry);
            }
            line.clear();
        }
    }
    // All there is: what is counted and not on disk yet, or lost, is not waited for.
    let newest = entries.last().map_or(wanted.after, |entry| entry.number);
    Ok(Events { entries, newest })
}

fn append(folder: &Path, entries: &[Entry]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let current = path(folder, 0);
    let mut lines = Vec::new();
    if is_torn(&current)? {
        lines.push(b'\n');
    }
    for entry in entries {
        serde_json::to_writer(&mut lines, entry)?;
        lines.push(b'\n');
    }
    let length = fs::metadata(&current).map_or(0, |found| found.len());
    if length > 0 && length + lines.len() as u64 > FILE_MAX {
        turn_over(folder)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).open(&current)?;
    let before = file.metadata()?.len();
    if let Err(error) = file.write_all(&lines).and_then(|()| file.sync_data()) {
        // Half a line is of no use, and a full disk needs the room. The error is the one that led here.
        let _ = file.set_len(before);
        return Err(error);
    }
    Ok(())
}

/// Each file takes the place of the one before it, and the oldest goes.
fn turn_over(folder: &Path) -> io::Result<()> {
    for place in (0..FILES - 1).rev() {
        match fs::rename(path(folder, place), path(folder, place + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether the file ends within a line.
fn is_torn(file: &Path) -> io::Result<bool> {
    let mut file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// The number of the last entry on disk; zero if there is none that can be read: numbers then begin anew.
fn newest_in(folder: &Path) -> u64 {
    let last_of = |place| {
        let mut file = File::open(path(folder, place)).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(2 * LINE_MAX))).ok()?;
        let mut end = Vec::new();
        file.take(2 * LINE_MAX).read_to_end(&mut end).ok()?;
        let lines = end.split(|byte| *byte == b'\n').rev();
        lines
            .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
            .map(|entry| entry.number)
            .next()
    };
    (0..FILES).find_map(last_of).unwrap_or(0)
}

fn path(folder: &Path, place: usize) -> PathBuf {
    match place {
        0 => folder.join("events.jsonl"),
        place => folder.join(format!("events.{place}.jsonl")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use pair_wire::control::{Answer, Outcome, Response, TransitionKind, encode_line};

    use super::*;

    fn entry(number: u64, text: &str) -> Entry {
        Entry {
            number,
            uptime_ms: number * 10,
            transition: transition(number, text),
        }
    }

    fn wanted(after: u64, since_ms: u64) -> Wanted {
        Wanted {
            after,
            since_ms,
            address: None,
        }
    }

    #[test]
    fn what_is_about_another_address_is_not_wanted_and_what_is_about_the_node_is() {
        let wanted = Wanted {
            address: Some("eipalloc-1".to_owned()),
            ..Wanted::default()
        };
        for (address, expected) in [(Some("eipalloc-1"), true), (Some("eipalloc-2"), false), (None, true)] {
            let entry = Entry {
                number: 1,
                uptime_ms: 0,
                transition: Transition {
                    address: address.map(str::to_owned),
                    ..transition(1, "x")
                },
            };
            assert_eq!(wanted.has(&entry), expected, "{address:?}");
        }
    }

    fn transition(unix_ms: u64, text: &str) -> Transition {
        Transition {
            node: "b".to_owned(),
            unix_ms,
            at: "2026-01-02T03:04:05.678Z".to_owned(),
            kind: TransitionKind::Order,
            text: text.to_owned(),
            before: None,
            rule: None,
            evidence: Vec::new(),
            silence_ms: None,
            times: None,
            address: None,
        }
    }

    fn numbers(events: &Events) -> Vec<u64> {
        events.entries.iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn numbers_go_on_after_a_restart_and_after_a_torn_line() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join(FOLDER);
        assert_eq!(Logbook::open(state.path()).newest(), 0);
        append(&folder, &[entry(1, "x"), entry(2, "y")]).unwrap();
        OpenOptions::new()
            .append(true)
            .open(path(&folder, 0))
            .and_then(|mut file| file.write_all(b"{\"number\":3,\"upt"))
            .unwrap();
        assert_eq!(Logbook::open(state.path()).newest(), 2);
        append(&folder, &[entry(3, "z")]).unwrap();
        let all = read(&folder, &wanted(0, 0), 3).unwrap();
        assert_eq!(numbers(&all), [1, 2, 3]);
        assert_eq!(numbers(&read(&folder, &wanted(2, 0), 3).unwrap()), [3]);
        assert_eq!(numbers(&read(&folder, &wanted(0, 2), 3).unwrap()), [2, 3]);
    }

    #[test]
    fn four_files_are_kept_and_no_more() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join(FOLDER);
        let long = "x".repeat(8_000);
        let mut number = 0;
        let mut turns = 0;
        while turns < 6 {
            let batch: Vec<Entry> = (0..512).map(|more| entry(number + more + 1, &long)).collect();
            number += 512;
            let before = fs::metadata(path(&folder, 0)).map_or(0, |found| found.len());
            append(&folder, &batch).unwrap();
            turns += usize::from(fs::metadata(path(&folder, 0)).unwrap().len() < before);
        }
        let lengths: Vec<u64> = fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(lengths.len(), FILES);
        assert!(lengths.iter().all(|length| *length <= FILE_MAX), "{lengths:?}");
        let oldest = numbers(&read(&folder, &wanted(0, 0), number).unwrap())[0];
        assert!(oldest > 1 && oldest < number, "{oldest}");
    }

    #[test]
    fn an_answer_fits_into_a_response_and_says_that_there_is_more() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join(FOLDER);
        let quoted = "\"".repeat(1_000);
        let entries: Vec<Entry> = (1..=50).map(|number| entry(number, &quoted)).collect();
        append(&folder, &entries).unwrap();
        let (mut after, mut seen) = (0, 0);
        loop {
            let events = read(&folder, &wanted(after, 0), 50).unwrap();
            seen += events.entries.len();
            after = *numbers(&events).last().unwrap();
            let is_more = events.newest > after;
            let response = Response::new(Outcome::Ok(Answer::Events(events)));
            assert!(encode_line(&response).is_ok());
            if !is_more {
                break;
            }
        }
        assert_eq!(seen, 50);
    }

    #[test]
    fn a_full_disk_is_told_and_leaves_the_old_lines_whole() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        symlink("/dev/full", path(&folder, 0)).unwrap();
        assert!(append(&folder, &[entry(1, "x")]).is_err());
        fs::remove_file(path(&folder, 0)).unwrap();
        append(&folder, &[entry(2, "y")]).unwrap();
        assert_eq!(numbers(&read(&folder, &wanted(0, 0), 2).unwrap()), [2]);
    }

    #[tokio::test]
    async fn lines_wait_for_the_disk_in_a_bounded_queue_and_the_rest_is_counted() {
        let state = tempfile::tempdir().unwrap();
        let mut logbook = Logbook::open(state.path());
        let surplus = 7;
        for _ in 0..WAITING + surplus {
            logbook.write(1, transition(1, "x"));
        }
        assert_eq!(logbook.lost(), surplus as u64);
        let (tell, mut told) = mpsc::channel(4);
        let writer = tokio::spawn(logbook.write_on(tell));
        assert!(matches!(told.recv().await, Some(News::Journalled(Ok(())))));
        let folder = logbook.folder().to_owned();
        drop(logbook);
        writer.await.unwrap();
        let last = newest_in(&folder);
        assert_eq!(last, WAITING as u64);
    }
}
