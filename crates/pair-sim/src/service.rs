//! The service under care, as its own host checks it and as the peer probes it.

use pair_core::{Fitness, ProbeOutcome, Unfitness};

/// How a service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// It serves.
    Serving,
    /// It serves, and is at its connection limit.
    Saturated,
    /// It runs and answers with the wrong status, so its check fails.
    Failing,
    /// It runs and answers nothing; the kernel still accepts connections.
    Hung,
    /// Its process is gone; the kernel refuses connections.
    Gone,
}

impl Service {
    /// What the host's own checks say.
    #[must_use]
    pub const fn fitness(self) -> Fitness {
        match self {
            Self::Serving | Self::Saturated => Fitness::Fit,
            Self::Failing | Self::Hung => Fitness::Unfit(Unfitness::CheckFailed),
            Self::Gone => Fitness::Unfit(Unfitness::ServiceGone),
        }
    }

    /// Whether the service says that it is at its limit.
    #[must_use]
    pub const fn is_saturated(self) -> bool {
        matches!(self, Self::Saturated)
    }

    /// What a probe gets that reaches the host.
    #[must_use]
    pub const fn probed(self) -> ProbeOutcome {
        match self {
            Self::Serving => ProbeOutcome::Served,
            Self::Failing => ProbeOutcome::WrongStatus,
            Self::Saturated | Self::Hung | Self::Gone => ProbeOutcome::KernelOnly,
        }
    }

    /// Whether the prober has to wait for its timeout to know.
    #[must_use]
    pub const fn keeps_prober_waiting(self) -> bool {
        matches!(self, Self::Saturated | Self::Hung)
    }
}
