//! Another user of the same host, who runs `pairctl`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;

use crate::binaries::{Ran, binary, ran};

/// A user, by number, as no name is needed to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub uid: u32,
    /// The first group.
    pub gid: u32,
    /// Another group.
    pub group: Option<u32>,
}

impl User {
    /// Says why nobody can become another user here.
    #[must_use]
    pub fn obstacle() -> Option<&'static str> {
        if !geteuid().is_root() {
            return Some("only root can run a program as another user");
        }
        let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
        (!has_setpriv).then_some("setpriv is not installed")
    }

    /// Runs `pairctl`, from a copy in a folder that this opens to everybody: programs may have been built in a home.
    pub(crate) fn run(self, folder: &Path, socket: &Path, args: &[&str]) -> Ran {
        ran(self.command(folder, "pairctl").arg("--socket").arg(socket).args(args))
    }

    /// Gives a command that runs one of the binaries, as [`User::run`] does.
    pub(crate) fn command(self, folder: &Path, name: &str) -> Command {
        let program = folder.join(name);
        let built = binary(name).get_program().to_owned();
        fs::copy(built, &program).expect("a program can be copied to a temporary folder");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("the folder is this user's");
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--reuid", &self.uid.to_string(), "--regid", &self.gid.to_string()]);
        match self.group {
            Some(group) => setpriv.args(["--groups", &group.to_string()]),
            None => setpriv.arg("--clear-groups"),
        };
        setpriv.arg(program);
        setpriv
    }
}
