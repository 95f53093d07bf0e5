//! What a mistyped name was probably meant to be.

/// How alike two names must be, by Jaro–Winkler, to be offered; a guess, checked on the typing mistakes in the tests.
const LIKENESS_MIN: f64 = 0.8;

/// The name most like `typed`, if any is like it at all.
pub(super) fn nearest<'n>(typed: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    names
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_name_and_a_stranger_finds_none() {
        let names = ["interval", "holdtime", "profile", "port"];
        for (typed, meant) in [
            ("intervall", Some("interval")),
            ("inteval", Some("interval")),
            ("hold_time", Some("holdtime")),
            ("holdTime", Some("holdtime")),
            ("prot", Some("port")),
            ("weight", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names.into_iter()), meant, "{typed}");
        }
    }
}
