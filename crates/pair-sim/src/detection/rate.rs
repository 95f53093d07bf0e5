//! How often something rare happened.

/// So many needless claims in so many days of watching.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// How often the living peer was presumed dead.
    pub claims: u64,
    /// For how long it was watched.
    pub days: f64,
}

impl Rate {
    /// Needless claims per day, as counted.
    #[must_use]
    pub fn per_day(self) -> f64 {
        self.claims as f64 / self.days
    }

    /// The most that the rate is with 95 % confidence when nothing was counted: three in the days watched (Hanley and
    /// Lippman-Hand, "If nothing goes wrong, is everything all right?", 1983), since e⁻³ is 0.05.
    #[must_use]
    pub fn bound(self) -> Option<f64> {
        (self.claims == 0).then(|| 3.0 / self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_four_hundred_days_is_less_than_one_in_a_hundred() {
        let rate = Rate { claims: 0, days: 400.0 };
        assert_eq!((rate.per_day(), rate.bound()), (0.0, Some(0.0075)));
    }

    #[test]
    fn what_was_counted_needs_no_bound() {
        let rate = Rate { claims: 10, days: 20.0 };
        assert_eq!((rate.per_day(), rate.bound()), (0.5, None));
    }
}
