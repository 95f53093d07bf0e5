//! What a storm must be like.

use std::fmt;

use super::Figures;

/// How much worse than the optimum a storm may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The last address moves within so many times the optimum.
    pub ratio: f64,
    /// So many claims are made per address, those that were throttled included.
    pub claims_per_address: f64,
}

/// A goal that was missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missed {
    /// The last address took so many times the optimum.
    Time(f64),
    /// So many claims were made per address.
    Claims(f64),
    /// So many addresses were never moved.
    Starved(u32),
}

impl Goal {
    /// What paird promises.
    pub const PROMISED: Self = Self {
        ratio: 1.25,
        claims_per_address: 2.5,
    };

    /// What of it these figures miss.
    #[must_use]
    pub fn missed(&self, figures: &Figures) -> Vec<Missed> {
        let (ratio, claims) = (figures.ratio(), figures.per_address(figures.claims));
        [
            (figures.starved > 0).then_some(Missed::Starved(figures.starved)),
            (ratio > self.ratio).then_some(Missed::Time(ratio)),
            (claims > self.claims_per_address).then_some(Missed::Claims(claims)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(ratio) => write!(f, "the last address took {ratio:.2} times the optimum"),
            Self::Claims(claims) => write!(f, "{claims:.2} claims were made per address"),
            Self::Starved(pairs) => write!(f, "{pairs} addresses were not moved"),
        }
    }
}
