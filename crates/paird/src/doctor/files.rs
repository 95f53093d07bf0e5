//! The key, and the directory for what a restart must not forget.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use pair_wire::control::Examined;
use rustix::fs::statvfs;

use super::chart::found;
use crate::config::{KeyFile, Security};
use crate::problems::{critical, degraded};

/// A secret of 32 random bytes has fewer different ones in it once in 10^15 times or less; a typed or repeated one has.
const DIFFERENT_BYTES_MIN: usize = 16;

/// What an agent may come to keep of all addresses together: a journal of 32 MiB.
const JOURNAL_MIB: u64 = 32;

/// And of each: eight records and the start, of half a MiB each.
const RECORDS_MIB: u64 = 5;

/// Examines the key file: there, readable by few, well-formed and not made up by hand.
pub(super) fn key(security: &Security) -> Examined {
    let path = match security {
        Security::InsecureNoKey => {
            return Examined::Sound {
                seen:
                    "none, as the configuration wants it: whoever can send a datagram here can pretend to be the peer"
                        .to_owned(),
            };
        }
        Security::KeyFile(path) => path,
    };
    let file = match KeyFile::load(path) {
        Ok(file) => file,
        Err(mistakes) => {
            let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            let hint = "make the file with pairctl key generate, mode 0640, the same on both nodes";
            return found(critical("key-unusable", mistakes.join("; "), hint));
        }
    };
    let weak: Vec<String> = file
        .keys()
        .iter()
        .filter(|(_, secret)| is_weak(secret))
        .map(|(id, _)| id.to_string())
        .collect();
    if !weak.is_empty() {
        return found(degraded(
            "key-weak",
            format!("{}: key {} is not random", path.display(), weak.join(" and ")),
            "make another with pairctl key generate, and change it on one node after the other",
        ));
    }
    let ids: Vec<String> = file.keys().iter().map(|(id, _)| id.to_string()).collect();
    let accepted = ids
        .get(1)
        .map_or_else(String::new, |id| format!(", key {id} is accepted"));
    Examined::Sound {
        seen: format!("{}: key {} signs{accepted}", path.display(), ids[0]),
    }
}

/// Examines the state directory of an agent with so many addresses by writing a file to it and removing it again.
pub(super) fn state_directory(folder: &Path, addresses: usize) -> Examined {
    let name = folder.display();
    if !folder.exists() {
        return Examined::Sound {
            seen: format!("{name} is made when the agent starts"),
        };
    }
    let hint = "make room on the disk, and see that state.directory is the daemon's own";
    if let Err(error) = write_trial(folder) {
        let text = format!("{name} cannot be written to: {error}");
        return found(degraded("state-unusable", text, hint));
    }
    match statvfs(folder) {
        Ok(disk) => {
            let room = disk.f_bavail.saturating_mul(disk.f_frsize);
            let mib = room / (1024 * 1024);
            let needed = JOURNAL_MIB + RECORDS_MIB.saturating_mul(addresses as u64);
            if mib < needed {
                let text = format!("{name} has {mib} MiB left, and an agent may need {needed}");
                return found(degraded("state-unusable", text, hint));
            }
            Examined::Sound {
                seen: format!("{name} can be written to, {mib} MiB are left"),
            }
        }
        Err(error) => found(degraded("state-unusable", format!("{name}: {error}"), hint)),
    }
}

fn write_trial(folder: &Path) -> io::Result<()> {
    // An agent may be at it twice at a time: by itself, and because somebody asks.
    static TRIALS: AtomicU64 = AtomicU64::new(0);
    let number = TRIALS.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("doctor-{}-{number}.trial", std::process::id()));
    let written = File::create(&path).and_then(|mut file| {
        // A page: a disk without room may still have it for a name.
        file.write_all(&[0; 4096])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    written.and(removed)
}

fn is_weak(secret: &[u8; 32]) -> bool {
    secret.iter().collect::<BTreeSet<_>>().len() < DIFFERENT_BYTES_MIN
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key_file(text: &str, mode: u32) -> Examined {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        key(&Security::KeyFile(path))
    }

    fn id(examined: &Examined) -> &str {
        match examined {
            Examined::Found { findings } => &findings[0].id,
            Examined::Sound { .. } => "sound",
            Examined::Skipped { .. } => "skipped",
        }
    }

    #[test]
    fn a_key_of_few_different_bytes_is_weak_and_none_is_shown() {
        let random = "00112233445566778899aabbccddeeff0123456789abcdeff0e1d2c3b4a59687";
        let repeated = "deadbeef".repeat(8);
        assert_eq!(id(&key_file(&format!("1 {random}\n"), 0o640)), "sound");
        let weak = key_file(&format!("1 {random}\n2 {repeated}\n"), 0o640);
        assert_eq!(id(&weak), "key-weak");
        assert!(!format!("{weak:?}").contains("deadbeef"));
        assert_eq!(id(&key_file(&format!("1 {random}\n"), 0o644)), "key-unusable");
        assert_eq!(id(&key_file("", 0o640)), "key-unusable");
    }

    #[test]
    fn a_directory_that_takes_a_file_is_sound_and_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(id(&state_directory(folder.path(), 1)), "sound");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(id(&state_directory(&folder.path().join("not-yet"), 1)), "sound");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(id(&state_directory(&file, 1)), "state-unusable");
    }
}
