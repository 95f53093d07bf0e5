//! Transitions as people read them, a paragraph each, the newest last.
//!
//! ```text
//! 2026-01-02T03:04:05.678Z  b  decision  claim: take the address, by rule F-6a
//!     before: wait: the peer is suspect
//!     holder a; link presumed-dead, silent for 1003 ms; own service ok; testimony: …
//! 2026-01-02T03:04:06.102Z  b  takeover  the address came from a and is verified here, by rule F-6a
//!     detect 1.00 s, api 0.31 s, verify 0.11 s, 1 attempt
//! ```

use jiff::Timestamp;
use pair_wire::control::{Clock, Times, Transition, TransitionKind, Why};

use crate::text::seconds;

/// The transitions as text, each line with its line feed.
pub(crate) fn text(why: &Why) -> String {
    let mut lines: Vec<String> = why.clock.iter().map(clock).collect();
    if why.transitions.is_empty() {
        lines.push("nothing has changed since the daemon started".to_owned());
    }
    for transition in &why.transitions {
        lines.extend(paragraph(transition));
    }
    lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// A transition by a clock that is `ahead_ms` behind the one that told it.
pub(crate) fn shifted(transition: Transition, ahead_ms: i64) -> Transition {
    let unix_ms = transition.unix_ms.saturating_add_signed(ahead_ms.saturating_neg());
    let at = i64::try_from(unix_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| transition.at.clone(), |at| format!("{at:.3}"));
    Transition {
        unix_ms,
        at,
        ..transition
    }
}

/// How far the clocks are apart, and how sure that is.
fn clock(clock: &Clock) -> String {
    let Clock { node, .. } = clock;
    let ms = |us: i64| format!("{}.{:03} ms", us.abs() / 1000, us.abs() % 1000);
    match (clock.ahead_least_us, clock.ahead_most_us) {
        (Some(least), Some(most)) if least > 0 => format!(
            "the clock of {node} is {} to {} ahead, by the heartbeats in both recordings, and is set right here",
            ms(least),
            ms(most)
        ),
        (Some(least), Some(most)) if most < 0 => format!(
            "the clock of {node} is {} to {} behind, by the heartbeats in both recordings, and is set right here",
            ms(most),
            ms(least)
        ),
        (Some(least), Some(most)) => format!(
            "both clocks agree within {}, by the heartbeats in both recordings",
            ms(least.abs().max(most.abs()))
        ),
        (None, _) | (_, None) => {
            format!("how far the clock of {node} is off is not known: the recordings share too few heartbeats")
        }
    }
}

/// One transition, line by line.
pub(crate) fn paragraph(transition: &Transition) -> Vec<String> {
    let Transition {
        node,
        at,
        kind,
        text,
        address,
        ..
    } = transition;
    let about = address.as_ref().map(|id| format!("  {id}")).unwrap_or_default();
    let by_rule = transition
        .rule
        .as_ref()
        .map(|rule| format!(", by rule {rule}"))
        .unwrap_or_default();
    let mut lines = vec![format!("{at}  {node}{about}  {}  {text}{by_rule}", kind.word())];
    lines.extend(transition.before.as_ref().map(|before| format!("    before: {before}")));
    if !transition.evidence.is_empty() {
        lines.push(format!("    {}", transition.evidence.join("; ")));
    } else if let (TransitionKind::Link, Some(ms)) = (kind, transition.silence_ms) {
        lines.push(format!("    silent for {}", seconds(ms)));
    }
    lines.extend(
        transition
            .times
            .as_ref()
            .map(|times| format!("    {}", times_of(times))),
    );
    lines
}

fn times_of(times: &Times) -> String {
    let named = [
        ("detect", times.detect_ms),
        ("api", Some(times.api_ms)),
        ("verify", times.verify_ms),
    ];
    let attempts = match times.attempts {
        1 => "1 attempt".to_owned(),
        several => format!("{several} attempts"),
    };
    named
        .into_iter()
        .filter_map(|(name, ms)| ms.map(|ms| format!("{name} {}", seconds(ms))))
        .chain([attempts])
        .collect::<Vec<_>>()
        .join(", ")
}
