//! How far two nodes' wall clocks are apart, as far as their recordings can tell.
//!
//! ```text
//!  other  ──heard n────(age)────sent m──────────────────
//!                                   ╲
//!  own    ───────────────────────────╲──heard m─────────
//! ```
//!
//! A heartbeat `m` names the newest datagram `n` that its sender had heard, and how long before. The other recording says by
//! the other clock when `n` was heard, so `m` was sent by that clock at a known time, and it was heard later than that: a
//! bound on the distance of the clocks, too loose by the time that the datagram was under way. Heartbeats the other way give
//! the other bound.

use std::collections::BTreeMap;

use pair_core::{Heartbeat, Incarnation, Input, Sequence};

use super::{Trace, What};

/// How far the other node's wall clock is ahead of the own one, in microseconds; behind, if negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset {
    /// At least so far; `None` if no heartbeat of the other tells.
    pub least_us: Option<i64>,
    /// At most so far; `None` if no own heartbeat tells.
    pub most_us: Option<i64>,
}

impl Offset {
    /// Compares the clocks of two recordings of one pair.
    #[must_use]
    pub fn between(own: &Trace, other: &Trace) -> Self {
        Self {
            least_us: sent_before_heard(own, other).max(),
            most_us: sent_before_heard(other, own).map(i64::saturating_neg).min(),
        }
    }

    /// What sets the other clock right: the middle of what is possible, and nothing if the clocks may agree or too little is
    /// known.
    #[must_use]
    pub fn correction_us(self) -> i64 {
        match (self.least_us, self.most_us) {
            (Some(least), Some(most)) if least > 0 || most < 0 => least.midpoint(most),
            (_, _) => 0,
        }
    }
}

/// For each heartbeat that `hearer` heard and that echoes one which `sayer` heard: by how much the sayer's clock, when it
/// sent, was ahead of the hearer's clock when it heard.
fn sent_before_heard<'a>(hearer: &'a Trace, sayer: &Trace) -> impl Iterator<Item = i64> + use<'a> {
    let heard_by_sayer: BTreeMap<(Incarnation, Sequence), u64> = heard(sayer)
        .map(|(us, heartbeat)| ((heartbeat.prefix.incarnation, heartbeat.prefix.sequence), us))
        .collect();
    heard(hearer).filter_map(move |(heard_us, heartbeat)| {
        let echo = heartbeat.prefix.echo?;
        let echoed_us = heard_by_sayer.get(&(echo.incarnation, echo.sequence))?;
        let sent_us = echoed_us.saturating_add(u64::from(echo.age_us));
        Some(signed(sent_us).saturating_sub(signed(heard_us)))
    })
}

/// The heartbeats that a node heard, and when by its wall clock.
fn heard(trace: &Trace) -> impl Iterator<Item = (u64, &Heartbeat)> {
    trace.entries.iter().filter_map(|entry| match &entry.what {
        What::Input(Input::Heartbeat(heartbeat)) => Some((trace.header.unix_us(entry.at), heartbeat)),
        What::Input(_) | What::Output(_) | What::Snapshot(_) => None,
    })
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}
