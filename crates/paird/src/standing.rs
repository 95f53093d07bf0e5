//! What operators have ordered, kept on disk over restarts of agent and host (F-13, F-14).
//!
//! One small file, replaced as a whole. A hold is counted down while nobody runs: on the boot clock while the host stays up,
//! on the wall clock over a reboot. A leave that was ordered because the host went down is over once the
//! host is up again, which the id of the boot tells; that is kept beside the core's orders, for the core knows nothing of hosts.
//! Losing the file loses the orders and nothing else.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pair_core::Standing;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use crate::clock::{boot_time, millis, unix_ms};
use crate::config::AddressIndex;
use crate::news::{AddressNews, News};

/// The file in the state directory.
const FILE: &str = "standing.json";

/// The version of the file.
const VERSION: u32 = 1;

/// No sound file is longer.
const LONGEST: u64 = 4096;

/// Keeps the newest orders on disk, on whatever thread it is polled.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    newest: watch::Sender<Wanted>,
}

/// What is to be on disk.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// `None` until there is something to keep.
    standing: Option<Standing>,
    leave_ends: LeaveEnds,
}

/// When a leave ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeaveEnds {
    /// When an operator says so.
    #[default]
    AtJoin,
    /// When the host has booted anew, too: it was ordered because the host went down.
    AtBoot,
}

/// The file as it stands on disk.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    standing: Standing,
    /// Files of versions that knew one kind of leave only do not have it.
    #[serde(default)]
    leave_ends: LeaveEnds,
    boot_id: String,
    boot_ms: u64,
    unix_ms: u64,
}

/// A moment on both clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moment {
    boot_id: String,
    boot_ms: u64,
    unix_ms: u64,
}

impl Keeper {
    /// A keeper of a state directory; nothing is written before there is something to keep.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            newest: watch::Sender::new(Wanted {
                standing: None,
                leave_ends: LeaveEnds::AtJoin,
            }),
        }
    }

    /// Wants this to be on disk soon, in place of whatever was wanted before.
    pub fn keep(&self, standing: Standing) {
        self.newest.send_modify(|wanted| wanted.standing = Some(standing));
    }

    /// Says when a leave ends, that in force or the one that is to come.
    pub fn let_leave_end(&self, leave_ends: LeaveEnds) {
        self.newest.send_modify(|wanted| wanted.leave_ends = leave_ends);
    }

    /// When a leave ends that is in force.
    #[must_use]
    pub fn leave_ends(&self) -> LeaveEnds {
        self.newest.borrow().leave_ends
    }

    /// Writes what is wanted, each time that it changes, and tells how it went; ends with the keeper.
    pub fn write_on(
        &self,
        address: AddressIndex,
        tell: mpsc::Sender<News>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (folder, mut newest) = (self.folder.clone(), self.newest.subscribe());
        async move {
            while newest.changed().await.is_ok() {
                let wanted = *newest.borrow_and_update();
                let Some(standing) = wanted.standing else { continue };
                let written = write(&folder, standing, wanted.leave_ends, &Moment::now());
                let outcome = written.map_err(|error| format!("{}: {error}", folder.join(FILE).display()));
                if tell.send(AddressNews::Kept(outcome).about(address)).await.is_err() {
                    return;
                }
            }
        }
    }

    /// What was kept, as it stands by now; `None` if nothing was. From then on it is wanted.
    ///
    /// # Errors
    /// If there is a file that cannot be read or understood.
    pub fn restore(&self) -> Result<Option<Standing>, String> {
        let file = self.folder.join(FILE);
        let kept = read(&file, &Moment::now()).map_err(|error| format!("{}: {error}", file.display()))?;
        let Some((standing, leave_ends)) = kept else {
            return Ok(None);
        };
        self.newest.send_replace(Wanted {
            standing: Some(standing),
            leave_ends,
        });
        Ok(Some(standing))
    }

    /// Writes what is wanted, at the end of the daemon, when nothing is left to be delayed.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn flush(&self) -> io::Result<()> {
        let wanted = *self.newest.borrow();
        wanted.standing.map_or(Ok(()), |standing| {
            write(&self.folder, standing, wanted.leave_ends, &Moment::now())
        })
    }
}

impl Moment {
    fn now() -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            boot_id: boot_id.trim().to_owned(),
            boot_ms: millis(boot_time()),
            unix_ms: unix_ms(),
        }
    }
}

fn write(folder: &Path, standing: Standing, leave_ends: LeaveEnds, now: &Moment) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let kept = Kept {
        version: VERSION,
        standing,
        leave_ends,
        boot_id: now.boot_id.clone(),
        boot_ms: now.boot_ms,
        unix_ms: now.unix_ms,
    };
    let text = serde_json::to_string(&kept).map_err(io::Error::other)?;
    // Beside it and then in its place: a crash or a full disk leaves the old one whole.
    let beside = folder.join(format!("{FILE}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

fn read(file: &Path, now: &Moment) -> io::Result<Option<(Standing, LeaveEnds)>> {
    match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(found) if found.len() > LONGEST => return Err(io::Error::other("too long to be a file of paird")),
        Ok(_) => {}
    }
    let kept: Kept = serde_json::from_str(&fs::read_to_string(file)?).map_err(io::Error::other)?;
    if kept.version != VERSION {
        return Err(io::Error::other(format!("of version {}, not {VERSION}", kept.version)));
    }
    let leave_ends = kept.leave_ends;
    Ok(Some((kept.by(now), leave_ends)))
}

impl Kept {
    /// The orders as they stand by `now`.
    fn by(self, now: &Moment) -> Standing {
        let same_boot = !self.boot_id.is_empty() && self.boot_id == now.boot_id;
        let (then, now) = if same_boot {
            (self.boot_ms, now.boot_ms)
        } else {
            (self.unix_ms, now.unix_ms)
        };
        let elapsed = Duration::from_millis(now.saturating_sub(then));
        let mut standing = self.standing;
        if let Some(hold) = &mut standing.hold {
            hold.remaining = hold.remaining.saturating_sub(elapsed);
        }
        if self.leave_ends == LeaveEnds::AtBoot && !same_boot {
            standing.is_leaving = false;
        }
        standing
    }
}

#[cfg(test)]
mod tests {
    use pair_core::{Hold, HoldVersion, Member};

    use super::*;

    fn held(minutes: u64) -> Standing {
        let version = HoldVersion {
            number: 7,
            by: Member::Second,
        };
        let remaining = Duration::from_secs(minutes * 60);
        Standing {
            hold: Some(Hold { version, remaining }),
            is_leaving: true,
        }
    }

    fn moment(boot: &str, boot_minute: u64, wall_minute: u64) -> Moment {
        Moment {
            boot_id: boot.to_owned(),
            boot_ms: boot_minute * 60_000,
            unix_ms: wall_minute * 60_000,
        }
    }

    fn after(then: &Moment, now: &Moment) -> Option<Standing> {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), held(60), LeaveEnds::AtJoin, then).unwrap();
        read(&folder.path().join(FILE), now)
            .unwrap()
            .map(|(standing, _)| standing)
    }

    /// Whether a node is still away that left at boot `x`.
    fn is_away(leave_ends: LeaveEnds, boot: &str) -> bool {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), held(60), leave_ends, &moment("x", 100, 1_000)).unwrap();
        let read = read(&folder.path().join(FILE), &moment(boot, 101, 1_001)).unwrap();
        read.unwrap().0.is_leaving
    }

    #[test]
    fn who_left_until_the_next_boot_is_back_after_it_and_nobody_else() {
        assert!(is_away(LeaveEnds::AtBoot, "x"), "a restart of the agent is no boot");
        assert!(!is_away(LeaveEnds::AtBoot, "y"));
        assert!(is_away(LeaveEnds::AtJoin, "y"), "what an operator ordered lasts");
    }

    #[test]
    fn when_a_leave_ends_outlives_a_restart_of_the_agent() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(folder.path().to_owned());
        keeper.let_leave_end(LeaveEnds::AtBoot);
        keeper.keep(held(60));
        keeper.flush().unwrap();
        let next = Keeper::new(folder.path().to_owned());
        assert_eq!(next.leave_ends(), LeaveEnds::AtJoin);
        assert!(next.restore().unwrap().is_some_and(|standing| standing.is_leaving));
        assert_eq!(next.leave_ends(), LeaveEnds::AtBoot);
    }

    #[test]
    fn a_file_of_a_version_that_knew_one_kind_of_leave_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let text = r#"{"version":1,"standing":{"hold":null,"is_leaving":true},"boot_id":"x","boot_ms":1,"unix_ms":1}"#;
        fs::write(&file, text).unwrap();
        let (standing, leave_ends) = read(&file, &moment("y", 1, 1)).unwrap().unwrap();
        assert!(standing.is_leaving);
        assert_eq!(leave_ends, LeaveEnds::AtJoin);
    }

    #[test]
    fn nothing_was_kept_at_first() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Keeper::new(folder.path().to_owned()).restore(), Ok(None));
    }

    #[test]
    fn a_restart_counts_on_the_boot_clock_whatever_the_wall_clock_says() {
        let then = moment("x", 100, 1_000);
        assert_eq!(after(&then, &moment("x", 110, 9)), Some(held(50)));
        assert_eq!(after(&then, &moment("x", 110, 99_999)), Some(held(50)));
    }

    #[test]
    fn a_reboot_counts_on_the_wall_clock() {
        let then = moment("x", 100, 1_000);
        assert_eq!(after(&then, &moment("y", 1, 1_020)), Some(held(40)));
        assert_eq!(after(&then, &moment("y", 1, 2_000)), Some(held(0)));
        assert_eq!(
            after(&then, &moment("y", 1, 900)),
            Some(held(60)),
            "never longer than asked"
        );
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(folder.path().to_owned());
        for text in ["", "{", "{\"version\":1}", &" ".repeat(5_000)] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let error = keeper.restore().unwrap_err();
            assert!(error.contains("standing.json: "), "{error}");
        }
    }

    #[test]
    fn what_is_wanted_last_is_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = Keeper::new(folder.path().join("made"));
        keeper.keep(held(5));
        keeper.keep(held(6));
        keeper.flush().unwrap();
        let restored = keeper.restore().unwrap().unwrap();
        assert!(restored.hold.unwrap().remaining > Duration::from_secs(5 * 60));
    }
}
