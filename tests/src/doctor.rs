//! An examination of a node: `paird doctor` with whatever a test changes for it, and what was found.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use pair_wire::control::Diagnosis;

use crate::binaries::{Ran, binary, ran};
use crate::node::Place;
use crate::user::User;

/// An examination that is about to be made.
#[derive(Debug)]
pub struct Doctor<'p> {
    place: &'p Place,
    config: PathBuf,
    env: Vec<(OsString, OsString)>,
    user: Option<User>,
}

/// What was found, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosed {
    /// The ids, in the order of the examinations.
    pub ids: Vec<String>,
    /// The exit code.
    pub code: i32,
    /// All that was said.
    pub said: Diagnosis,
}

impl<'p> Doctor<'p> {
    pub(crate) fn new(place: &'p Place) -> Self {
        let env = place.redirection().into_iter();
        Self {
            place,
            config: place.file("toml"),
            env: env.map(|(name, value)| (name.into(), value.into())).collect(),
            user: None,
        }
    }

    /// Replaces text in the configuration, for this examination only.
    ///
    /// # Panics
    /// If the text is not in it.
    #[must_use]
    pub fn with(mut self, text: &str, other: &str) -> Self {
        let config = fs::read_to_string(&self.config).expect("the harness wrote it");
        assert!(config.contains(text), "{text:?} is not in {config}");
        self.config = self.place.file("other.toml");
        fs::write(&self.config, config.replace(text, other)).expect("a file can be written to a temporary folder");
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Lets another user examine, to whom the key then belongs.
    ///
    /// # Panics
    /// If there is a [`User::obstacle`].
    #[must_use]
    pub fn by(mut self, user: User) -> Self {
        std::os::unix::fs::chown(&self.place.key_file, Some(user.uid), None).expect("root may give a file away");
        self.user = Some(user);
        self
    }

    /// Examines.
    ///
    /// # Panics
    /// If what it says is no diagnosis.
    #[must_use]
    #[track_caller]
    pub fn run(self) -> Diagnosed {
        let mut paird = match self.user {
            Some(user) => user.command(&self.place.folder, "paird"),
            None => binary("paird"),
        };
        paird
            .args(["doctor", "--json", "--node", self.place.name, "--config"])
            .arg(self.config)
            .envs(self.env);
        Diagnosed::of(&ran(&mut paird))
    }
}

impl Diagnosed {
    /// Reads what a command said.
    #[track_caller]
    pub(crate) fn of(ran: &Ran) -> Self {
        let said: Diagnosis = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        Self {
            ids: said.findings().map(|finding| finding.id.clone()).collect(),
            code: ran.code.expect("no signal ended it"),
            said,
        }
    }

    /// Sees to it that exactly this was found.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn is(&self, ids: &[&str], code: i32) {
        let found: Vec<&str> = self.ids.iter().map(String::as_str).collect();
        assert_eq!((&found[..], self.code), (ids, code), "{}", self.said);
    }
}
