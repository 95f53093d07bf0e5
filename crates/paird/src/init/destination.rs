//! Where a first configuration goes: in whole or not at all, and never over another one unasked.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};

/// Nothing in it is secret, and the daemon's user has to read it.
const MODE: u32 = 0o644;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The file was written.
    Written,
    /// It was there, with this very text.
    Unchanged,
}

/// Writes the text, unless another one is there and may not be replaced. What is there is replaced in one step, and stays if
/// that fails.
///
/// # Errors
/// If another one is there, or the file cannot be written.
pub(super) fn place(file: &Path, text: &str, may_replace: bool) -> anyhow::Result<Placed> {
    let shown = file.display();
    match fs::read(file) {
        Ok(present) if present == text.as_bytes() => return Ok(Placed::Unchanged),
        Ok(_) if !may_replace => bail!("{shown} is there already: --force replaces it, --print shows what it would be"),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot look at {shown}")),
    }
    let mut draft = file.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    // Left over from a run that was interrupted.
    let _ = fs::remove_file(draft);
    let written = write(draft, text).and_then(|()| {
        if may_replace {
            return fs::rename(draft, file);
        }
        // Fails if somebody was quicker, where a rename would replace theirs.
        fs::hard_link(draft, file)
    });
    let _ = fs::remove_file(draft);
    written.with_context(|| format!("cannot write {shown}"))?;
    Ok(Placed::Written)
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(MODE).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_stays_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("paird.toml");
        assert_eq!(place(&file, "one", false).unwrap(), Placed::Written);
        assert_eq!(place(&file, "one", false).unwrap(), Placed::Unchanged);
        let refused = place(&file, "two", false).unwrap_err().to_string();
        assert!(
            refused.ends_with("is there already: --force replaces it, --print shows what it would be"),
            "{refused}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        assert_eq!(place(&file, "two", true).unwrap(), Placed::Written);
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no draft is left behind"
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let refused = place(Path::new("/nonexistent/paird.toml"), "one", false).unwrap_err();
        assert_eq!(
            format!("{refused:#}"),
            "cannot write /nonexistent/paird.toml: No such file or directory (os error 2)"
        );
    }
}
