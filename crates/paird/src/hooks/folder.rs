//! The folder of hooks: which of its files are run, in which order, and which are not.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tracing::warn;

/// A file of the folder that means to be a hook.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// It is run.
    Usable(PathBuf),
    /// It is not run.
    Refused {
        path: PathBuf,
        /// Why not, and what to do about it.
        why: &'static str,
    },
}

/// The hooks in the order of their names. They are looked up anew each time, so that a file that was put there or taken away
/// counts from the next occasion on.
pub(super) async fn hooks(folder: &Path) -> Vec<Hook> {
    let folder = folder.to_path_buf();
    // A file system may hang, and this thread has other things to do.
    let listed = tokio::task::spawn_blocking(move || list(&folder).map_err(|error| (folder, error))).await;
    match listed {
        Ok(Ok(hooks)) => hooks,
        Ok(Err((folder, error))) => {
            warn!(folder = %folder.display(), %error, "hooks cannot be listed");
            Vec::new()
        }
        // The daemon ends.
        Err(_) => Vec::new(),
    }
}

fn list(folder: &Path) -> io::Result<Vec<Hook>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_name) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths.into_iter().filter_map(look_at).collect())
}

/// Whether a file of this name is meant to be run: not hidden, and no leftover of an editor or of a package.
fn is_name(name: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let is_leftover = LEFTOVERS.iter().any(|end| name.ends_with(end));
    !name.starts_with('.') && name.chars().all(is_plain) && !is_leftover && !name.contains(".dpkg-")
}

/// Looks at a file; a folder or the like is passed over, and so is a file that nobody has made executable.
fn look_at(path: PathBuf) -> Option<Hook> {
    // What a symbolic link leads to is what would be run.
    let Ok(file) = fs::metadata(&path) else {
        let why = "it leads nowhere: remove the symbolic link, or mend it";
        return Some(Hook::Refused { path, why });
    };
    if !file.is_file() || file.mode() & EXECUTABLE == 0 {
        return None;
    }
    if file.mode() & WRITABLE_BY_OTHERS != 0 {
        let why = "others than its owner may change it: chmod go-w";
        return Some(Hook::Refused { path, why });
    }
    if file.uid() != 0 && file.uid() != geteuid().as_raw() {
        let why = "it belongs neither to root nor to the user of the daemon: chown root";
        return Some(Hook::Refused { path, why });
    }
    Some(Hook::Usable(path))
}

/// How the files end that editors and packages leave behind; dpkg's have their name in the middle as well.
const LEFTOVERS: [&str; 5] = ["~", ".bak", ".rpmnew", ".rpmsave", ".rpmorig"];

const EXECUTABLE: u32 = 0o111;

const WRITABLE_BY_OTHERS: u32 = 0o022;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn put(folder: &Path, name: &str, mode: u32) {
        let path = folder.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn executables_are_run_in_the_order_of_their_names_and_leftovers_are_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["20-b.sh", "10-a", "30_c"] {
            put(folder.path(), name, 0o755);
        }
        for name in [".hidden", "40-d~", "50-e.dpkg-old", "60-f.rpmsave", "70 g"] {
            put(folder.path(), name, 0o755);
        }
        put(folder.path(), "README", 0o644);
        fs::create_dir(folder.path().join("80-folder")).unwrap();
        let usable = ["10-a", "20-b.sh", "30_c"].map(|name| Hook::Usable(folder.path().join(name)));
        assert_eq!(list(folder.path()).unwrap(), usable);
    }

    #[test]
    fn what_somebody_else_could_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "10-open", 0o775);
        symlink("/nowhere", folder.path().join("20-link")).unwrap();
        let hooks = list(folder.path()).unwrap();
        let whys = hooks.iter().map(|hook| match hook {
            Hook::Refused { why, .. } => *why,
            Hook::Usable(path) => panic!("{} would be run", path.display()),
        });
        let expected = [
            "others than its owner may change it: chmod go-w",
            "it leads nowhere: remove the symbolic link, or mend it",
        ];
        assert_eq!(whys.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_folder_that_does_not_exist_has_no_hooks() {
        assert_eq!(list(Path::new("/nonexistent/hooks.d")).unwrap(), []);
    }
}
