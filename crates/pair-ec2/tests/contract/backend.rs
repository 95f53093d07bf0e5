//! What a case needs of an EC2 beyond the calls under test.

use std::net::Ipv4Addr;
use std::time::Duration;

use pair_ec2::{Address, Association, CallError, Connection, Ec2, Tag, Target};

use crate::emulator::Emulated;
use crate::moto::Moto;

/// Long enough for a first call to moto; no case waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An implementation of EC2.
#[derive(Debug)]
pub(crate) enum Backend {
    /// The one in this repository; each stage is a new one.
    Emulator,
    /// A running moto; stages share it and have their own instances and address.
    Moto(Moto),
}

/// A pair of instances and an address that nobody holds, for one case alone.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) ec2: Ec2,
    pub(crate) allocation_id: String,
    pub(crate) public_ip: Ipv4Addr,
    pub(crate) a: Machine,
    pub(crate) b: Machine,
    pub(crate) ground: Ground,
}

/// What a stage stands on.
#[derive(Debug)]
pub(crate) enum Ground {
    /// The lab, which ends with the stage.
    Emulator(Box<Emulated>),
    /// The server that all stages share.
    Moto,
}

/// An instance with its first interface.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) instance_id: String,
    pub(crate) network_interface_id: String,
    pub(crate) private_ip: Ipv4Addr,
}

impl Backend {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Emulator => "emulator",
            Self::Moto(_) => "moto",
        }
    }

    /// Sets up a stage on which everything is allowed.
    pub(crate) async fn stage(&self) -> Stage {
        match self {
            Self::Emulator => Emulated::stage().await,
            Self::Moto(moto) => moto.stage().await,
        }
    }

    /// Stops an instance, as an operator would.
    pub(crate) async fn stop(&self, stage: &Stage, machine: &Machine) {
        match (self, &stage.ground) {
            (Self::Moto(moto), _) => moto.stop(machine).await,
            (Self::Emulator, Ground::Emulator(emulated)) => emulated.stop(machine).await,
            (Self::Emulator, Ground::Moto) => unreachable!("a backend makes its own stages"),
        }
    }

    /// Terminates an instance, as an operator would.
    pub(crate) async fn terminate(&self, stage: &Stage, machine: &Machine) {
        match (self, &stage.ground) {
            (Self::Moto(moto), _) => moto.terminate(machine).await,
            (Self::Emulator, Ground::Emulator(emulated)) => emulated.terminate(machine),
            (Self::Emulator, Ground::Moto) => unreachable!("a backend makes its own stages"),
        }
    }

    /// Gives an instance or an allocation a tag.
    pub(crate) async fn tag(&self, stage: &Stage, resource_id: &str, tag: &Tag) {
        match (self, &stage.ground) {
            (Self::Moto(moto), _) => moto.tag(resource_id, tag).await,
            (Self::Emulator, Ground::Emulator(emulated)) => emulated.tag(resource_id, tag).await,
            (Self::Emulator, Ground::Moto) => unreachable!("a backend makes its own stages"),
        }
    }

    /// Takes the caller's permissions away.
    pub(crate) async fn deny(&self, stage: &Stage) {
        match (self, &stage.ground) {
            (Self::Moto(moto), _) => moto.deny().await,
            (Self::Emulator, Ground::Emulator(emulated)) => emulated.deny(),
            (Self::Emulator, Ground::Moto) => unreachable!("a backend makes its own stages"),
        }
    }

    /// Gives them back; the next stage has them anyway.
    pub(crate) async fn allow(&self, stage: &Stage) {
        match (self, &stage.ground) {
            (Self::Moto(moto), _) => moto.allow().await,
            (Self::Emulator, Ground::Emulator(emulated)) => emulated.allow(),
            (Self::Emulator, Ground::Moto) => unreachable!("a backend makes its own stages"),
        }
    }
}

impl From<&pair_lab::Machine> for Machine {
    fn from(machine: &pair_lab::Machine) -> Self {
        Self {
            instance_id: machine.instance_id.clone(),
            network_interface_id: machine.network_interface_id.clone(),
            private_ip: machine.private_ip(),
        }
    }
}

impl Stage {
    pub(crate) fn target(&self, machine: &Machine) -> Target {
        Target {
            allocation_id: self.allocation_id.clone(),
            network_interface_id: machine.network_interface_id.clone(),
            private_ip: machine.private_ip,
        }
    }

    pub(crate) async fn associate(&self, machine: &Machine, allow_reassociation: bool) -> Result<String, CallError> {
        let target = self.target(machine);
        self.ec2
            .associate(&target, allow_reassociation, PATIENCE, Connection::Pooled)
            .await
    }

    pub(crate) async fn read(&self) -> Address {
        self.ec2
            .address(&self.allocation_id, PATIENCE, Connection::Fresh)
            .await
            .expect("the address exists")
    }

    pub(crate) async fn holder(&self) -> Association {
        self.read().await.association.expect("somebody holds it")
    }
}
