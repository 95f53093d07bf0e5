//! A scenario and the stages it is played on.

use std::any;
use std::env;
use std::process::{Command, Stdio};

use crate::backend::{Backend, moto_program};
use crate::namespace;
use crate::setup::Setup;
use crate::turn::Turn;

/// Where a scenario is played: which EC2, and which service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The emulated EC2, and the built-in HTTP service of `pair-lab`.
    Emulator,
    /// moto, and the built-in service.
    Moto,
    /// The emulated EC2, and the real HAProxy.
    Haproxy,
    /// The emulated EC2 and the built-in service, in a network namespace, with nobody else on the machine's cores: for what
    /// a test sends by raw sockets.
    Namespace,
}

impl Stage {
    /// The EC2 of this stage.
    #[must_use]
    pub const fn backend(self) -> Backend {
        match self {
            Self::Emulator | Self::Haproxy | Self::Namespace => Backend::Emulator,
            Self::Moto => Backend::Moto,
        }
    }

    /// The service of this stage, for people.
    #[must_use]
    pub const fn service(self) -> &'static str {
        match self {
            Self::Emulator | Self::Moto | Self::Namespace => "built-in service",
            Self::Haproxy => "haproxy",
        }
    }

    /// Why it cannot be played here.
    fn obstacle(self) -> Option<&'static str> {
        match self {
            Self::Emulator => None,
            Self::Moto => moto_program()
                .is_none()
                .then_some("PAIRD_MOTO does not say where moto_server is"),
            Self::Haproxy => (!has_haproxy()).then_some("haproxy is not installed"),
            Self::Namespace => namespace::obstacle(),
        }
    }
}

/// Plays a scenario on a stage, or says that it cannot be played here: which is a failure if `PAIRD_NO_SKIP` is `1`.
///
/// # Panics
/// If the scenario does, or must not be skipped and cannot be played.
pub fn run<S: FnOnce(Setup) + Send>(stage: Stage, scenario: S) {
    let path = any::type_name::<S>();
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    println!("e2e {}, {}: {name}", stage.backend(), stage.service());
    if is_skipped(&format!("{name} on {stage:?}"), stage.obstacle()) {
        return;
    }
    match stage {
        Stage::Emulator | Stage::Moto | Stage::Haproxy => {
            let _turn = Turn::take();
            scenario(Setup::new(stage, name));
        }
        Stage::Namespace => {
            let _turn = Turn::take_alone();
            namespace::within(|| scenario(Setup::new(stage, name)));
        }
    }
}

/// Says that a test cannot be played here, if there is an obstacle: which is a failure if `PAIRD_NO_SKIP` is `1`.
///
/// # Panics
/// If it must not be skipped.
#[must_use]
pub fn is_skipped(name: &str, obstacle: Option<&str>) -> bool {
    let Some(obstacle) = obstacle else { return false };
    assert!(
        env::var_os("PAIRD_NO_SKIP").is_none_or(|value| value != "1"),
        "{obstacle}"
    );
    println!("SKIPPED: {name}: {obstacle}");
    true
}

fn has_haproxy() -> bool {
    let asked = Command::new("haproxy")
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
