//! The settings of the modelled pair: its interval is a tick, and everything that can be set is a few of them.
//!
//! A tick of five seconds makes the fixed times of the core short, too: a fact is fresh for one tick, a reply is trusted for
//! two, a claim left unanswered is told for twelve.

use std::time::Duration;

use pair_core::Witnessing;

use super::bound::Bound;
use crate::Settings;

/// The time between two moments at which something happens.
pub(crate) const TICK: Duration = Duration::from_secs(5);

pub(super) const INTERVAL: Duration = TICK;
/// Four ticks, so that a peer is suspect for one of them: after three its silence is longer than two and a quarter.
pub(super) const HOLDTIME: Duration = TICK.saturating_mul(4);
pub(super) const LOST_CONTACT: Duration = TICK.saturating_mul(6);
pub(super) const UNFIT_DELAY: Duration = TICK;
pub(super) const REFIT: Duration = TICK;
pub(super) const CALL_TIMEOUT: Duration = TICK;
/// Longer than the holdtime, so that it makes a difference.
pub(super) const RESTART_GRACE: Duration = TICK.saturating_mul(6);

/// Longer than the holdtime, so that it makes a difference.
pub(super) const ISOLATION_GRACE: Duration = TICK.saturating_mul(6);

/// How long an operator's hold lasts.
pub(super) const HOLD: Duration = TICK.saturating_mul(8);

/// The settings of both nodes.
pub(super) fn settings(bound: &Bound) -> Settings {
    Settings {
        is_found: bound.found,
        witnesses: Witnessing {
            count: u8::from(bound.witness),
            isolation_grace: ISOLATION_GRACE,
            required: false,
        },
        interval: INTERVAL,
        holdtime: HOLDTIME,
        probe_timeout: bound.probes.then_some(TICK),
        lost_contact_takeover: LOST_CONTACT,
        unfit_delay: UNFIT_DELAY,
        refit: REFIT,
        call_timeout: CALL_TIMEOUT,
        preempt_delay: None,
        restart_grace: RESTART_GRACE,
        ..Settings::default()
    }
}
