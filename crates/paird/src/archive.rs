//! Records on disk: a bounded number of files in the state directory, each replaced as a whole.
//!
//! The event loop only hands records over, and the newest wins: a disk that is full, slow or gone delays nothing but the
//! record. What could not be written is told, counted, and forgotten.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::config::AddressIndex;
use crate::news::{AddressNews, News};
use crate::recorder::Record;

/// The folder in the state directory.
const FOLDER: &str = "records";

/// How many files are kept; with two segments each, and one that is being written, that is 4.5 MiB and a little.
pub const FILES: usize = 8;

/// How the name of each ends.
const EXTENSION: &str = "trace";

/// The file that becomes the next one.
const BESIDE: &str = "next";

/// The same at the end of the daemon, while the thread may still be busy with the one before.
const BESIDE_AT_END: &str = "last";

/// Puts the newest record on disk, on whatever runtime it is polled.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    newest: watch::Sender<Option<Arc<Filed>>>,
}

/// A record and its name.
#[derive(Debug)]
struct Filed {
    name: String,
    record: Record,
}

impl Archive {
    /// An archive in a state directory; nothing is written before there is something to write.
    #[must_use]
    pub fn new(state_directory: &Path) -> Self {
        Self {
            folder: state_directory.join(FOLDER),
            newest: watch::Sender::new(None),
        }
    }

    /// Wants this record to be on disk soon, in place of the one that has its name.
    pub fn keep(&self, name: String, record: Record) {
        self.newest.send_replace(Some(Arc::new(Filed { name, record })));
    }

    /// Writes this record, at the end of the daemon, when nothing is left to be delayed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&self, name: String, record: Record) -> io::Result<()> {
        write(&self.folder, BESIDE_AT_END, &Filed { name, record })
    }

    /// Writes what is wanted, each time that it changes, and tells how it went; ends with the archive.
    ///
    /// The writing has a thread of its own: a disk that hangs must not keep EC2 calls waiting.
    pub fn write_on(
        &self,
        address: AddressIndex,
        tell: mpsc::Sender<News>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (folder, mut newest) = (self.folder.clone(), self.newest.subscribe());
        async move {
            while newest.changed().await.is_ok() {
                let Some(filed) = newest.borrow_and_update().clone() else {
                    continue;
                };
                let place = folder.clone();
                let written = tokio::task::spawn_blocking(move || write(&place, BESIDE, &filed)).await;
                let outcome = written
                    .unwrap_or_else(|error| Err(io::Error::other(error)))
                    .map_err(|error| format!("{}: {error}", folder.display()));
                if tell.send(AddressNews::Recorded(outcome).about(address)).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
impl Archive {
    /// Takes what is wanted away, and says how it is called.
    pub(crate) fn take(&self) -> Option<String> {
        self.newest.send_replace(None).map(|filed| filed.name.clone())
    }
}

/// Writes a record, and drops the oldest ones beyond the bound.
fn write(folder: &Path, beside: &str, filed: &Filed) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = folder.join(beside);
    let file = folder.join(format!("{}.{EXTENSION}", filed.name));
    let written = write_beside(&beside, &filed.record).and_then(|()| fs::rename(&beside, &file));
    if let Err(error) = written {
        // Half a record is of no use, and a full disk needs the room. The error is the one that led here.
        let _ = File::create(&beside);
        return Err(error);
    }
    prune(folder, &file)
}

fn write_beside(beside: &Path, record: &Record) -> io::Result<()> {
    let mut file = File::create(beside)?;
    record.write_to(&mut file)?;
    file.sync_all()
}

/// Removes the oldest files until the bound holds, but never the one that was just written: its name is a time of a clock
/// that may have been set back.
fn prune(folder: &Path, newest: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && path != newest {
            files.push(path);
        }
    }
    files.sort_unstable();
    let surplus = (files.len() + 1).saturating_sub(FILES);
    files.iter().take(surplus).try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use pair_core::{Config, Instant, Member, Node};

    use super::*;
    use crate::recorder::Recorder;

    #[test]
    fn a_record_is_written_as_a_whole_and_replaced_by_the_next_of_its_name() {
        let state = tempfile::tempdir().unwrap();
        let archive = Archive::new(state.path());
        for seed in [1, 2] {
            archive.finish("now".to_owned(), record(seed)).unwrap();
            let mut expected = Vec::new();
            record(seed).write_to(&mut expected).unwrap();
            let file = state.path().join("records/now.trace");
            assert_eq!(fs::read(file).unwrap(), expected);
        }
        assert_eq!(names(state.path()), ["now.trace"]);
    }

    #[test]
    fn the_oldest_files_go_and_the_newest_stays_even_if_the_clock_was_set_back() {
        let state = tempfile::tempdir().unwrap();
        let archive = Archive::new(state.path());
        for number in 10..30 {
            archive.finish(number.to_string(), record(1)).unwrap();
        }
        let expected: Vec<String> = (22..30).map(|number| format!("{number}.trace")).collect();
        assert_eq!(names(state.path()), expected);
        fs::write(state.path().join("records/README"), "not a record").unwrap();
        archive.finish("00".to_owned(), record(1)).unwrap();
        let left = names(state.path());
        assert_eq!(left.len(), FILES + 1, "{left:?}");
        assert_eq!((left[0].as_str(), left[8].as_str()), ("00.trace", "README"));
    }

    #[test]
    fn a_full_disk_leaves_the_old_records_whole_and_takes_no_room() {
        let state = tempfile::tempdir().unwrap();
        let archive = Archive::new(state.path());
        archive.finish("old".to_owned(), record(1)).unwrap();
        let before = fs::read(state.path().join("records/old.trace")).unwrap();
        let beside = state.path().join(FOLDER).join(BESIDE_AT_END);
        symlink("/dev/full", &beside).unwrap();
        let error = archive.finish("old".to_owned(), record(2)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(state.path().join("records/old.trace")).unwrap(), before);
    }

    #[tokio::test]
    async fn the_newest_is_written_and_a_failure_is_told_with_its_place() {
        let state = tempfile::tempdir().unwrap();
        let (tell, mut told) = mpsc::channel(4);
        let archive = Archive::new(state.path());
        let writer = tokio::spawn(archive.write_on(AddressIndex(0), tell));
        archive.keep("x".to_owned(), record(1));
        assert_eq!(recorded(&mut told).await, Ok(()));
        fs::remove_dir_all(state.path().join(FOLDER)).unwrap();
        fs::write(state.path().join(FOLDER), "in the way").unwrap();
        archive.keep("y".to_owned(), record(1));
        let error = recorded(&mut told).await.unwrap_err();
        assert!(error.contains("/records: "), "{error}");
        drop(archive);
        writer.await.unwrap();
    }

    async fn recorded(told: &mut mpsc::Receiver<News>) -> Result<(), String> {
        match told.recv().await {
            Some(News::Address(AddressIndex(0), news)) => match *news {
                AddressNews::Recorded(outcome) => outcome,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn names(state: &Path) -> Vec<String> {
        let entries = fs::read_dir(state.join(FOLDER)).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn record(seed: u64) -> Record {
        let second = Duration::from_secs(1);
        let config = Config {
            me: Member::Second,
            preferred: Member::First,
            private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
            interval: second / 5,
            holdtime: second,
            probe_timeout: None,
            lost_contact_takeover: second * 60,
            unfit_delay: second,
            refit: second * 60,
            call_timeout: second * 2,
            preempt_delay: None,
            strict: false,
            restart_grace: second * 10,
            witnesses: pair_core::Witnessing::default(),
            version: pair_core::Version::cut("0.1.0"),
        };
        let node = Node::new(config, seed, Instant::ZERO);
        Recorder::new(1024, Instant::ZERO, &node).record(Instant::ZERO, &node, &[])
    }
}
