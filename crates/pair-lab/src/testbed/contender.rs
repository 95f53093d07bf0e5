//! Who watches over the address: paird in one of its profiles, or what people run today.

use std::fmt;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;

use super::bed::Testbed;
use super::keepalived::{self, Flavour};
use super::node::Node;
use super::paird;

/// An agent with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    Paird(Profile),
    Keepalived(Flavour),
}

/// A profile of paird.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Profile {
    Default,
    Fast,
    Calm,
}

impl Contender {
    /// Everybody, in the order of the tables.
    pub(crate) const ALL: [Self; 5] = [
        Self::Paird(Profile::Default),
        Self::Paird(Profile::Fast),
        Self::Paird(Profile::Calm),
        Self::Keepalived(Flavour::Standard),
        Self::Keepalived(Flavour::Fast),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Paird(Profile::Default) => "paird-default",
            Self::Paird(Profile::Fast) => "paird-fast",
            Self::Paird(Profile::Calm) => "paird-calm",
            Self::Keepalived(Flavour::Standard) => "keepalived-std",
            Self::Keepalived(Flavour::Fast) => "keepalived-fast",
        }
    }

    /// How long it waits for a silent peer; the limits of paird's scenarios count in it.
    pub(crate) fn holdtime(self) -> Duration {
        match self {
            Self::Paird(profile) => profile.holdtime(),
            Self::Keepalived(flavour) => flavour.down_interval(),
        }
    }

    /// Why it cannot run here, if so.
    pub(crate) fn obstacle(self) -> Option<&'static str> {
        match self {
            Self::Paird(_) => None,
            Self::Keepalived(_) => keepalived::obstacle(),
        }
    }

    /// Writes what its agents read.
    pub(crate) fn prepare(self, bed: &Testbed) -> Result<()> {
        match self {
            Self::Paird(profile) => paird::prepare(bed, profile),
            Self::Keepalived(flavour) => keepalived::prepare(bed, flavour),
        }
    }

    /// The agent of a node.
    pub(crate) fn command(self, bed: &Testbed, node: &Node) -> Result<Command> {
        match self {
            Self::Paird(_) => paird::command(bed, node),
            Self::Keepalived(_) => keepalived::command(),
        }
    }

    /// Whether the agent of a node is so far that the other may start.
    pub(crate) fn is_ready_for_peer(self, node: &Node) -> bool {
        match self {
            Self::Paird(_) => true,
            Self::Keepalived(_) => keepalived::is_ready_for_peer(node),
        }
    }

    /// Whether both agents are content, and agree with EC2 about who holds the address.
    pub(crate) fn is_settled(self, bed: &Testbed) -> bool {
        match self {
            Self::Paird(_) => paird::is_settled(bed),
            Self::Keepalived(_) => keepalived::is_settled(bed),
        }
    }
}

impl Profile {
    /// Its name in a configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fast => "fast",
            Self::Calm => "calm",
        }
    }

    /// Between two heartbeats.
    pub(crate) fn interval(self) -> Duration {
        Duration::from_millis(match self {
            Self::Default => 200,
            Self::Fast => 50,
            Self::Calm => 500,
        })
    }

    fn holdtime(self) -> Duration {
        Duration::from_millis(match self {
            Self::Default => 1000,
            Self::Fast => 300,
            Self::Calm => 3000,
        })
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Contender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|contender| contender.name() == text)
            .ok_or_else(|| format!("nobody is called {text:?}; there are {}", known()))
    }
}
