//! What a test chooses before its pair starts.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::backend::{Addresses, World};
use crate::config::{self, Config, PAIR_NAME, PORT};
use crate::node::{Node, Place};
use crate::pair::Pair;
use crate::quarter::Quarter;
use crate::scenario::Stage;
use crate::witness::{WITNESS_KEY, WITNESS_PORT};

/// What the hosts are called; the third one exists only where members are found.
const NAMES: [&str; 3] = ["a", "b", "c"];

/// A pair that has everything but its processes.
#[derive(Debug)]
pub struct Setup {
    stage: Stage,
    scenario: String,
    folder: TempDir,
    quarter: Quarter,
    configs: Vec<Config>,
    redirected: bool,
    addresses: Addresses,
    is_found: bool,
}

impl Setup {
    /// Chooses what is usual: both nodes with the same key, settings at their defaults.
    pub(crate) fn new(stage: Stage, scenario: &str) -> Self {
        let quarter = Quarter::take();
        // Made with mode 0700; its path is short enough for unix sockets.
        let folder = tempfile::Builder::new()
            .prefix("e2e-")
            .tempdir()
            .expect("a temporary folder can be made");
        let key_file = folder.path().join("key");
        config::new_key(&key_file);
        let configs = NAMES.map(|node| Config {
            pair: PAIR_NAME.to_owned(),
            check: match stage {
                Stage::Emulator | Stage::Moto | Stage::Namespace => format!("http = {{ port = {PORT} }}"),
                Stage::Haproxy => {
                    let socket = folder.path().join(format!("{node}.haproxy"));
                    format!("haproxy = {{ socket = \"{}\" }}", socket.display())
                }
            },
            probe: format!("http = {{ port = {PORT}, path = \"/\" }}"),
            key_file: key_file.clone(),
            control_socket: folder.path().join(format!("{node}.sock")),
            endpoints: None,
            more_ends: Default::default(),
            more: String::new(),
            is_found: false,
        });
        Self {
            stage,
            scenario: scenario.to_owned(),
            folder,
            quarter,
            configs: configs.into_iter().take(2).collect(),
            redirected: false,
            addresses: Addresses::One,
            is_found: false,
        }
    }

    /// Gives the pair a second Elastic IP, called `second`, which prefers the second node: each is the other's backup. Only the
    /// emulator knows more than one private IP of an interface.
    #[must_use]
    pub fn with_two_addresses(mut self) -> Self {
        self.addresses = Addresses::Two;
        self
    }

    /// Gives the pair a witness, and no probe, so that nothing but the witness can tell a living peer from a dead one. The third
    /// host does not run yet. `more` is added to the table.
    #[must_use]
    pub fn with_a_witness(mut self, more: &str) -> Self {
        let key_file = self.folder.path().join(WITNESS_KEY);
        config::new_key(&key_file);
        let witness = format!(
            "[witness]\naddresses = [\"{}:{WITNESS_PORT}\"]\nkey_file = \"{}\"\n{more}\n",
            self.quarter.witness_ip(),
            key_file.display()
        );
        for config in &mut self.configs {
            "none = true".clone_into(&mut config.probe);
        }
        self.with(&witness)
    }

    /// Lets environment variables lead the nodes to EC2 and IMDS, and not their configurations.
    #[must_use]
    pub fn redirected_by_the_environment(mut self) -> Self {
        self.redirected = true;
        self
    }

    /// Gives the nodes a second path, whose ends are 127.N.1.12 and 127.N.2.12.
    #[must_use]
    pub fn with_two_paths(self) -> Self {
        let ends = [0, 1].map(|index| IpAddr::V4(self.quarter.second_end(index)));
        self.with_another_path(ends)
    }

    /// Gives the nodes one more path, with an end at each of them.
    #[must_use]
    pub fn with_another_path(mut self, ends: [IpAddr; 2]) -> Self {
        for config in &mut self.configs {
            for (known, end) in config.more_ends.iter_mut().zip(ends) {
                known.push(end);
            }
        }
        self
    }

    /// Lets the nodes and their address be found by [`TAG`], which nodes and address bear from the start on, and adds a host `c` in the
    /// zone of `b`, which does not bear it yet.
    #[must_use]
    pub fn that_finds_its_members(mut self) -> Self {
        let mut third = self.configs[1].clone();
        third.control_socket = self.folder.path().join("c.sock");
        self.configs.push(third);
        for config in &mut self.configs {
            config.is_found = true;
        }
        self.is_found = true;
        self
    }

    /// Gives the second node a key of its own, under the same key id.
    #[must_use]
    pub fn with_another_key_on_b(mut self) -> Self {
        let key_file = self.folder.path().join("other-key");
        config::new_key(&key_file);
        self.configs[1].key_file = key_file;
        self
    }

    /// Gives the second node a key file of its own, with the same key.
    ///
    /// # Panics
    /// If a temporary file cannot be copied.
    #[must_use]
    pub fn with_a_key_file_each(mut self) -> Self {
        let key_file = self.folder.path().join("b-key");
        fs::copy(&self.configs[1].key_file, &key_file).expect("a file can be copied within a folder");
        self.configs[1].key_file = key_file;
        self
    }

    /// Gives the second node another pair name.
    #[must_use]
    pub fn with_another_pair_name_on_b(mut self) -> Self {
        "foreign".clone_into(&mut self.configs[1].pair);
        self
    }

    /// Adds tables to the second node's configuration only.
    #[must_use]
    pub fn with_on_b(mut self, tables: &str) -> Self {
        self.configs[1].more.push_str(tables);
        self
    }

    /// Gives the second node one more key, which it accepts.
    ///
    /// # Panics
    /// If the key cannot be written.
    #[must_use]
    pub fn with_one_more_key_on_b(mut self) -> Self {
        let key_file = self.folder.path().join("two-keys");
        config::new_key(&key_file);
        let first = fs::read_to_string(&self.configs[1].key_file).expect("it was written before");
        let second = fs::read_to_string(&key_file).expect("it was written before");
        let second = second.replacen('1', "2", 1);
        fs::write(&key_file, first + &second).expect("a file can be written to a temporary folder");
        self.configs[1].key_file = key_file;
        self
    }

    /// Adds tables to both configurations, such as `[takeover]` with its keys.
    #[must_use]
    pub fn with(mut self, tables: &str) -> Self {
        for config in &mut self.configs {
            config.more.push_str(tables);
        }
        self
    }

    /// Makes a world with this pair in it, nobody holding the address and no process running.
    ///
    /// # Panics
    /// If something around the daemon does not start.
    #[must_use]
    pub fn pair(self) -> Pair {
        let Self {
            stage,
            scenario,
            folder,
            quarter,
            configs,
            redirected,
            addresses,
            is_found,
        } = self;
        let world = World::start(stage.backend(), &quarter, addresses, is_found);
        let allocation_id = world.lab.allocation_id().to_owned();
        let second = (addresses == Addresses::Two).then(|| {
            let allocated = world.lab.allocate_address(quarter.second_public_ip());
            allocated.expect("the emulator allocates addresses")
        });
        let mut nodes = Vec::new();
        for ((mut config, name), index) in configs.into_iter().zip(NAMES).zip(0..) {
            let endpoints = [world.lab.ec2_endpoint_of(name), world.lab.imds_endpoint(name)]
                .map(|endpoint| endpoint.expect("the lab has both nodes"));
            config.endpoints = (!redirected).then(|| endpoints.clone());
            let file = |kind: &str| -> PathBuf { folder.path().join(format!("{name}.{kind}")) };
            if let Some(second) = &second {
                config.more.push_str(&config::second_address(&quarter, second));
            }
            config.write(index, &quarter, &allocation_id, &file("toml"));
            let place = Place {
                name,
                private_ip: quarter.private_ip(index),
                folder: folder.path().to_owned(),
                control_socket: config.control_socket.clone(),
                key_file: config.key_file.clone(),
                redirected: redirected.then_some(endpoints),
                is_haproxy: stage == Stage::Haproxy,
                second_private_ip: second.is_some().then(|| quarter.second_private_ip(index)),
                is_found,
            };
            nodes.push(Node::new(place));
        }
        Pair::new(scenario, world, nodes, quarter, folder, second)
    }
}
