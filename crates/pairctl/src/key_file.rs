//! The key file, edited line by line: comments stay where they are, and a reader sees the old file or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use pair_wire::key::Key;

use crate::failure::Failure;

/// A key file and what it says.
#[derive(Debug)]
pub(crate) struct KeyFile {
    path: PathBuf,
    text: String,
}

impl KeyFile {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let path = path.to_owned();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text }),
            Err(error) => Err(Failure::Read { path, error }),
        }
    }

    /// Adds a key that is accepted, behind all there is.
    pub(crate) fn add(&self, key: &Key) -> String {
        let end = if self.text.is_empty() || self.text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        format!("{}{end}{}\n", self.text, key.line())
    }

    /// Exchanges the first key, which signs, and the second one.
    pub(crate) fn swapped(&self) -> String {
        let mut lines: Vec<&str> = self.text.lines().collect();
        if let [first, second] = self.key_lines()[..] {
            lines.swap(first, second);
        }
        joined(&lines)
    }

    /// Leaves the first key only.
    pub(crate) fn without_the_second(&self) -> String {
        let mut lines: Vec<&str> = self.text.lines().collect();
        if let [_, second] = self.key_lines()[..] {
            lines.remove(second);
        }
        joined(&lines)
    }

    /// Puts this text in the place of the file, with its owner, group and mode.
    pub(crate) fn replace(&self, text: &str) -> Result<(), Failure> {
        self.try_replace(text).map_err(|error| Failure::Write {
            path: self.path.clone(),
            error,
        })
    }

    /// Puts back what was read.
    pub(crate) fn restore(&self) -> Result<(), Failure> {
        self.replace(&self.text)
    }

    fn try_replace(&self, text: &str) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let before = fs::metadata(&self.path)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(NOBODY_ELSE)
            .open(&beside)?;
        file.set_permissions(fs::Permissions::from_mode(NOBODY_ELSE))?;
        file.write_all(text.as_bytes())?;
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
            chown(&beside, Some(before.uid()), Some(before.gid()))?;
        }
        file.set_permissions(before.permissions())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        File::open(folder)?.sync_all()
    }

    /// Where the keys stand: neither blank lines nor comments.
    fn key_lines(&self) -> Vec<usize> {
        let lines = self.text.lines().map(str::trim).enumerate();
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(place, _)| place)
            .collect()
    }
}

fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What a new file may be until it has the rights of the one that it replaces.
const NOBODY_ELSE: u32 = 0o600;

#[cfg(test)]
mod tests {
    use pair_wire::key::{KeyRing, SECRET_LEN};

    use super::*;

    fn key(id: u8) -> Key {
        Key::new(id, [id; SECRET_LEN])
    }

    fn file_of(text: &str) -> (tempfile::TempDir, KeyFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let file = KeyFile::read(&path).unwrap();
        (folder, file)
    }

    fn ids(text: &str) -> Vec<u8> {
        KeyRing::parse(text).unwrap().keys().map(Key::id).collect()
    }

    #[test]
    fn three_edits_lead_from_one_key_to_the_next_and_comments_stay() {
        let (_folder, file) = file_of(&format!("# lb-1\n\n{}", key(1).line()));
        let both = file.add(&key(2));
        assert_eq!(ids(&both), [1, 2]);
        let (_folder, file) = file_of(&both);
        let swapped = file.swapped();
        assert_eq!(ids(&swapped), [2, 1]);
        let (_folder, file) = file_of(&swapped);
        let last = file.without_the_second();
        assert_eq!(last, format!("# lb-1\n\n{}\n", key(2).line()));
    }

    #[test]
    fn the_file_is_replaced_as_a_whole_with_the_same_mode_and_can_be_put_back() {
        let (folder, file) = file_of(&format!("{}\n", key(1).line()));
        let path = folder.path().join("key");
        file.replace(&file.add(&key(2))).unwrap();
        assert_eq!(ids(&fs::read_to_string(&path).unwrap()), [1, 2]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
        file.restore().unwrap();
        assert_eq!(ids(&fs::read_to_string(&path).unwrap()), [1]);
    }
}
