//! Why a command failed, what to do about it, and with which code that ends.

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use pair_wire::control::{CONTROL_VERSION, DIAGNOSIS_VERSION, LineError, STATUS_VERSION, WHY_VERSION};
use pair_wire::key::KeyFileError;
use pair_wire::trace::TraceError;
use thiserror::Error;

use crate::Exit;

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("there is no control socket at {}", path.display())]
    NoSocket { path: PathBuf },
    #[error("nobody listens at {}: the daemon is dead", path.display())]
    NobodyListens { path: PathBuf },
    #[error("this user may not use {}", path.display())]
    NotAllowed { path: PathBuf },
    #[error("cannot connect to {}", path.display())]
    Connect {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("the daemon did not answer within {}", humantime::format_duration(*timeout))]
    NoAnswer { timeout: Duration, ordered: bool },
    #[error("the daemon hung up without an answer")]
    HungUp { ordered: bool },
    #[error("the daemon's answer cannot be used")]
    Exchange(#[source] LineError),
    #[error("the daemon answered another question")]
    OtherAnswer,
    #[error("the daemon speaks version {theirs} of the control protocol, this pairctl version {CONTROL_VERSION}")]
    Version { theirs: u32 },
    #[error("the daemon's status document has version {theirs}, this pairctl reads version {STATUS_VERSION}")]
    StatusVersion { theirs: u32 },
    #[error("the daemon's account has version {theirs}, this pairctl reads version {WHY_VERSION}")]
    WhyVersion { theirs: u32 },
    #[error("the daemon's diagnosis has version {theirs}, this pairctl reads version {DIAGNOSIS_VERSION}")]
    DiagnosisVersion { theirs: u32 },
    #[error("the daemon's record cannot be used")]
    Record(#[source] TraceError),
    #[error("{}", path.display())]
    Trace {
        path: PathBuf,
        #[source]
        error: TraceError,
    },
    #[error("{}: recorded by {theirs}, and not by {wanted}", path.display())]
    NotThePeers {
        path: PathBuf,
        theirs: String,
        wanted: String,
    },
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("{} is no key", path.display())]
    NoKey {
        path: PathBuf,
        #[source]
        error: KeyFileError,
    },
    #[error("cannot write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("the daemon is stuck: its event loop last turned {loop_age_ms} ms ago, so its status says nothing")]
    Stale { loop_age_ms: u64 },
    #[error("it did not come to pass within {} that {wanted}: {missing}", humantime::format_duration(*patience))]
    TimeOver {
        patience: Duration,
        wanted: &'static str,
        missing: String,
    },
    #[error("the drill has ended {when}, and the address is at {holder}: {why}")]
    Drill {
        when: &'static str,
        why: String,
        holder: String,
    },
    #[error("the operating system does not pass signals on")]
    Signals(#[source] io::Error),
    #[error("refused: {reason}")]
    Refused { reason: String, hint: Option<String> },
    #[error("{message}")]
    Daemon { message: String },
    #[error("cannot run {}", program.display())]
    Paird {
        program: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("`paird` was ended by a signal")]
    PairdKilled,
    #[error("the operating system gives no random bytes: {0}")]
    Randomness(getrandom::Error),
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    #[error("{}", .0.render())]
    Usage(clap::Error),
}

impl Failure {
    /// Prints the failure with its causes, and what to do about it.
    pub(crate) fn report(&self, err: &mut dyn Write) -> io::Result<()> {
        if let Self::Usage(usage) = self {
            return write!(err, "{}", usage.render());
        }
        writeln!(err, "pairctl: {}", self.line())?;
        if let Some(hint) = self.hint() {
            writeln!(err, "hint: {hint}")?;
        }
        Ok(())
    }

    /// The failure and its causes in one line.
    pub(crate) fn line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            line.push_str(&format!(": {error}"));
            cause = error.source();
        }
        line
    }

    /// The code to exit with.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::NoSocket { .. }
            | Self::NobodyListens { .. }
            | Self::NotAllowed { .. }
            | Self::Connect { .. }
            | Self::NoAnswer { .. }
            | Self::HungUp { .. }
            | Self::Exchange(_)
            | Self::OtherAnswer
            | Self::Version { .. }
            | Self::StatusVersion { .. }
            | Self::WhyVersion { .. }
            | Self::DiagnosisVersion { .. }
            | Self::Record(_)
            | Self::Stale { .. } => Exit::Unreachable,
            Self::Refused { .. } => Exit::Refused,
            Self::Daemon { .. }
            | Self::Trace { .. }
            | Self::NotThePeers { .. }
            | Self::Drill { .. }
            | Self::Read { .. }
            | Self::NoKey { .. }
            | Self::Write { .. }
            | Self::Paird { .. }
            | Self::PairdKilled
            | Self::Randomness(_)
            | Self::Signals(_)
            | Self::Output(_) => Exit::Failed,
            Self::TimeOver { .. } => Exit::TimeOver,
            Self::Usage(_) => Exit::Usage,
        }
    }

    fn hint(&self) -> Option<&str> {
        match self {
            Self::NoSocket { .. } => Some("is paird running? `systemctl status paird`; another socket: --socket PATH"),
            Self::NobodyListens { .. } => Some("`systemctl status paird` and `journalctl -u paird` say why"),
            Self::NotAllowed { .. } => Some("become root, or a member of the group that owns the socket"),
            Self::NoAnswer { ordered: true, .. } | Self::HungUp { ordered: true } => {
                Some("the order may be carried out all the same: see `pairctl status`, and `journalctl -u paird`")
            }
            Self::NoAnswer { ordered: false, .. } | Self::HungUp { ordered: false } => {
                Some("is it stuck or just restarting? `systemctl status paird` and `journalctl -u paird`")
            }
            Self::Exchange(_) | Self::OtherAnswer => Some("is --socket the control socket of paird?"),
            Self::Version { .. }
            | Self::StatusVersion { .. }
            | Self::WhyVersion { .. }
            | Self::DiagnosisVersion { .. }
            | Self::Record(_) => Some("paird and pairctl come in one package: restart paird after an upgrade"),
            Self::Stale { .. } => Some("its watchdog should restart it; `journalctl -u paird` says what it did last"),
            Self::Refused { hint, .. } => hint.as_deref(),
            Self::TimeOver { .. } => Some("`pairctl status` says more; --timeout waits for longer"),
            Self::Drill { .. } => {
                Some("`pairctl status` on both nodes; `pairctl failover` brings it back once all is well")
            }
            Self::Paird { .. } => Some("paird is looked for beside pairctl, then along PATH"),
            Self::Trace { .. } => Some("`pairctl why --export FILE` on the other node makes one"),
            Self::NotThePeers { .. } => Some("--with takes what `pairctl why --export FILE` wrote on the other node"),
            Self::NoKey { .. } => {
                Some("it is the line that `pairctl key rotate` has added to the key file of the other node")
            }
            Self::Connect { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Daemon { .. }
            | Self::PairdKilled
            | Self::Randomness(_)
            | Self::Signals(_)
            | Self::Output(_)
            | Self::Usage(_) => None,
        }
    }
}
