//! Whether a figure keeps within its limit.

use serde::Serialize;

/// Whether a limit held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Verdict {
    /// Of whom, or under what, the figure is.
    of: &'static str,
    figure: &'static str,
    value: f64,
    at_least: Option<f64>,
    at_most: Option<f64>,
    pub(super) holds: bool,
}

impl Verdict {
    pub(super) fn at_most(of: &'static str, figure: &'static str, value: f64, at_most: f64) -> Self {
        Self {
            of,
            figure,
            value,
            at_least: None,
            at_most: Some(at_most),
            holds: value <= at_most,
        }
    }

    pub(super) fn at_least(of: &'static str, figure: &'static str, value: f64, at_least: f64) -> Self {
        Self {
            of,
            figure,
            value,
            at_least: Some(at_least),
            at_most: None,
            holds: value >= at_least,
        }
    }

    /// Says it in words.
    pub(super) fn words(&self) -> String {
        let Self {
            of,
            figure,
            value,
            at_least,
            at_most,
            holds,
        } = self;
        let bound = |word: &str, bound: &Option<f64>| bound.map(|bound| format!(", {word} {bound:.2}"));
        let bounds = [bound("at least", at_least), bound("at most", at_most)].map(Option::unwrap_or_default);
        let sign = if *holds { "held" } else { "BROKEN" };
        format!("{of}, {figure}: {value:.2}{}: {sign}", bounds.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_just_reached_holds_and_is_told_with_its_bound() {
        let at_most = Verdict::at_most("node", "MiB", 12.0, 12.0);
        assert!(at_most.holds);
        assert_eq!(at_most.words(), "node, MiB: 12.00, at most 12.00: held");
        let at_least = Verdict::at_least("node", "beats", 49.0, 50.0);
        assert!(!at_least.holds);
        assert_eq!(at_least.words(), "node, beats: 49.00, at least 50.00: BROKEN");
    }
}
