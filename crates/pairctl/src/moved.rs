//! A move that an operator ordered, in words.

use pair_wire::control::{HolderName, Moved, Outage, Times};

use crate::text::seconds;

/// What has moved, and how long what took.
pub(crate) fn text(moved: &Moved) -> String {
    let from = match &moved.from {
        HolderName::Node(name) => format!("from {name} "),
        HolderName::Nobody | HolderName::Stranger | HolderName::Former | HolderName::Misplaced => String::new(),
    };
    let forced = if moved.forced {
        ", whose readiness was not asked for"
    } else {
        ""
    };
    format!(
        "the address has moved {from}to {}{forced}, in {}\n    {}",
        moved.to,
        seconds(moved.took_ms),
        times(moved)
    )
}

/// The times of a move in one line.
pub(crate) fn times(moved: &Moved) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(Times {
        detect_ms,
        api_ms,
        verify_ms,
        ..
    }) = moved.times
    {
        parts.extend(detect_ms.map(|ms| format!("detect {}", seconds(ms))));
        parts.push(format!("api {}", seconds(api_ms)));
        parts.extend(verify_ms.map(|ms| format!("verify {}", seconds(ms))));
    } else {
        parts.push(format!("api and verify are told by `pairctl why` on {}", moved.to));
    }
    parts.push(match moved.outage {
        None => "outage not measured: the Elastic IP is not reached from this node".to_owned(),
        Some(Outage { failed: 0, tried, .. }) => format!("no outage seen by {tried} connections"),
        Some(Outage {
            longest_ms,
            tried,
            failed,
        }) => format!("outage {}, {failed} of {tried} connections failed", seconds(longest_ms)),
    });
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved() -> Moved {
        Moved {
            from: HolderName::Node("a".to_owned()),
            to: "b".to_owned(),
            took_ms: 420,
            times: Some(Times {
                detect_ms: None,
                api_ms: 310,
                verify_ms: Some(110),
                attempts: 1,
            }),
            outage: Some(Outage {
                longest_ms: 40,
                tried: 21,
                failed: 2,
            }),
            forced: false,
        }
    }

    #[test]
    fn a_move_is_told_with_its_times() {
        assert_eq!(
            text(&moved()),
            "the address has moved from a to b, in 0.42 s\n    \
             api 0.31 s, verify 0.11 s, outage 0.04 s, 2 of 21 connections failed"
        );
    }

    #[test]
    fn what_is_not_known_is_not_told_as_zero() {
        let told = text(&Moved {
            from: HolderName::Nobody,
            times: None,
            outage: None,
            forced: true,
            ..moved()
        });
        assert_eq!(
            told,
            "the address has moved to b, whose readiness was not asked for, in 0.42 s\n    \
             api and verify are told by `pairctl why` on b, outage not measured: the Elastic IP is not reached from this node"
        );
    }
}
