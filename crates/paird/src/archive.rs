//! Records on disk: a bounded number of files in the state directory, each replaced as a whole.
//!
//! The event loop only hands records over, and the newest wins: a disk that is full, slow or gone delays nothing but the
//! record. What could not be written is told, counted, and forgotten.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::news::News;
use crate::recorder::Record;

/// The folder in the state directory.
const FOLDER: &str = "records";

/// How many files are kept; with two segments each, that is at most 16 MiB and a little.
pub const FILES: usize = 8;

/// How the name of each ends.
const EXTENSION: &str = "trace";

/// The file that becomes the next one.
const BESIDE: &str = "next";

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
        write(&self.folder, &Filed { name, record })
    }

    /// Writes what is wanted, each time that it changes, and tells how it went; ends with the archive.
    ///
    /// The writing has a thread of its own: a disk that hangs must not keep EC2 calls waiting.
    pub fn write_on(&self, tell: mpsc::Sender<News>) -> impl Future<Output = ()> + Send + 'static {
        let (folder, mut newest) = (self.folder.clone(), self.newest.subscribe());
        async move {
            while newest.changed().await.is_ok() {
                let Some(filed) = newest.borrow_and_update().clone() else {
                    continue;
                };
                let place = folder.clone();
                let written = tokio::task::spawn_blocking(move || write(&place, &filed)).await;
                let outcome = written
                    .unwrap_or_else(|error| Err(io::Error::other(error)))
                    .map_err(|error| format!("{}: {error}", folder.display()));
                if tell.send(News::Recorded(outcome)).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Writes a record, and drops the oldest ones beyond the bound.
fn write(folder: &Path, filed: &Filed) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = folder.join(BESIDE);
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
