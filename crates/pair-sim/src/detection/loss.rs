//! What a path does to datagrams.

use std::{fmt, time::Duration};

/// How a path loses datagrams, each direction on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Each datagram is lost with the same chance, whatever happened to the one before.
    Independent {
        /// The share that is lost.
        percent: u8,
    },
    /// The path is bad for a while and then good for a while, and loses everything while it is bad (Gilbert, "Capacity of a
    /// burst-noise channel", 1960, in continuous time).
    ///
    /// Bursts are a matter of time and not of datagrams: who asks more often during a bad while is not answered more often.
    Bursts {
        /// The share of time in which the path is bad.
        percent: u8,
        /// How long a bad while lasts on average; its length is exponentially distributed.
        mean: Duration,
    },
}

impl Loss {
    /// The loss at which the default profile promises less than one needless claim in a hundred days.
    pub const PROMISED: Self = Self::Independent { percent: 30 };

    /// The losses of the curve: independent ones, then bursts by their length.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let independent = [0, 10, 20, 30, 40, 50].map(|percent| Self::Independent { percent });
        let bursts = BURSTS.map(|mean| [5, 10, 20, 30].map(|percent| Self::Bursts { percent, mean }));
        independent.into_iter().chain(bursts.into_iter().flatten()).collect()
    }

    /// The share of datagrams that are lost in the long run.
    #[must_use]
    pub fn share(self) -> f64 {
        match self {
            Self::Independent { percent } | Self::Bursts { percent, .. } => f64::from(percent) / 100.0,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Independent { percent } => write!(f, "{percent} %"),
            Self::Bursts { percent, mean } => write!(f, "{percent} % in bursts of {} ms", mean.as_millis()),
        }
    }
}

/// How long the bursts of the curve last on average: well below and at the shortest holdtime.
pub const BURSTS: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(300)];
