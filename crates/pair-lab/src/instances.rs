//! What EC2 knows of the instances beyond what never changes: where each is in its life, how it was bought, and the tags of everything.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use jiff::Timestamp;

/// The instances that are not simply running and reachable, on demand, since the start of the lab, and all tags.
#[derive(Debug)]
pub(crate) struct Instances {
    began: Timestamp,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    lives: BTreeMap<String, Life>,
    /// The tags of each resource, by its id and their key.
    tags: BTreeMap<String, BTreeMap<String, String>>,
}

/// What EC2 knows of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) stage: Stage,
    pub(crate) is_unreachable: bool,
    pub(crate) market: Market,
    /// When it was last started.
    pub(crate) launched: Timestamp,
}

/// How an instance was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    /// For as long as it is wanted.
    OnDemand,
    /// Cheaper, and AWS may take it back.
    Spot,
}

/// Where an instance is in its life, as far as the lab has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Running,
    Stopped,
    ShuttingDown,
    Terminated,
}

impl Market {
    /// AWS's word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
        }
    }
}

impl Stage {
    /// EC2's number and word.
    pub(crate) const fn wire(self) -> (&'static str, &'static str) {
        match self {
            Self::Running => ("16", "running"),
            Self::Stopped => ("80", "stopped"),
            Self::ShuttingDown => ("32", "shutting-down"),
            Self::Terminated => ("48", "terminated"),
        }
    }
}

impl Instances {
    /// All instances run from now on, without tags.
    pub(crate) fn begin() -> Self {
        Self {
            began: Timestamp::now(),
            books: Mutex::default(),
        }
    }

    /// Changes what EC2 knows of an instance.
    pub(crate) fn change(&self, instance_id: &str, change: impl FnOnce(&mut Life)) {
        let mut books = self.lock();
        let life = books.lives.entry(instance_id.to_owned());
        change(life.or_insert_with(|| self.newborn()));
    }

    pub(crate) fn life(&self, instance_id: &str) -> Life {
        let known = self.lock().lives.get(instance_id).copied();
        known.unwrap_or_else(|| self.newborn())
    }

    /// Gives a resource a tag, in place of one of the same key.
    pub(crate) fn tag(&self, resource_id: &str, key: &str, value: &str) {
        let mut books = self.lock();
        let tags = books.tags.entry(resource_id.to_owned()).or_default();
        tags.insert(key.to_owned(), value.to_owned());
    }

    pub(crate) fn tags(&self, resource_id: &str) -> BTreeMap<String, String> {
        self.lock().tags.get(resource_id).cloned().unwrap_or_default()
    }

    fn newborn(&self) -> Life {
        Life {
            stage: Stage::Running,
            is_unreachable: false,
            market: Market::OnDemand,
            launched: self.began,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("no code panics while it holds the books")
    }
}
