//! The command line of `paird`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::DEFAULT_PATH;

/// Moves a pair's Elastic IP to the node that can serve it.
#[derive(Debug, Parser)]
#[command(name = "paird", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the agent in the foreground, as the service manager does.
    Run(Node),
    /// Check the configuration and the key file, and list everything that is wrong at once.
    Check(Node),
    /// Examine this node: everything that a takeover needs, without an agent, which may run or not.
    Doctor(Doctor),
}

/// Which configuration, and which node of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Node {
    /// The configuration, the same on both nodes.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH)]
    pub config: PathBuf,
    /// The name of this node; by default the node whose address this host has.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
}

/// What to examine, and how to tell.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Which node.
    #[command(flatten)]
    pub node: Node,
    /// Print the versioned JSON document.
    #[arg(long)]
    pub json: bool,
}
