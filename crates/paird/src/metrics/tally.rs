//! What the event loop counts as it goes, since it started.

use std::collections::BTreeMap;
use std::time::Duration;

use pair_core::{Call, CallFault, CallId, CallRequest, Event, Instant, Rule, Takeover};

use super::histogram::Histogram;
use crate::check;
use crate::hooks::Outcome;
use crate::text;

/// Upper bounds for the phases of a takeover, in seconds: close together around the second that is the goal.
const TAKEOVER_BOUNDS: &[f64] = &[0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0];

/// Upper bounds for lateness, in seconds: from what a timer's resolution costs up to a holdtime.
const LATE_BOUNDS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];

/// What a counter is called by when nothing went wrong.
const OK: &str = "ok";

/// Counters of the event loop about this node as a whole. Labels come from enums, so their number is bounded.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Verdicts of the checks, by result.
    pub(super) checks: BTreeMap<&'static str, u64>,
    /// Hooks that had something to be told, by result.
    pub(super) hooks: BTreeMap<&'static str, u64>,
    pub(super) late: Histogram,
}

/// Counters of the socket for witnesses (F-20).
#[derive(Clone, Debug, Default)]
pub struct WitnessTally {
    /// How the questions of this node ended, by witness and outcome.
    pub questions: Vec<(String, &'static str, u64)>,
    /// What was done for others, by what it was.
    pub served: Vec<(&'static str, u64)>,
    /// What was dropped, by cause.
    pub drops: BTreeMap<String, u64>,
}

/// Counters about one address.
#[derive(Clone, Debug)]
pub struct AddressTally {
    /// Requests of claims, by rule and result.
    pub(super) claims: BTreeMap<(&'static str, &'static str), u64>,
    /// EC2 calls, by action and result.
    pub(super) calls: BTreeMap<(&'static str, &'static str), u64>,
    pub(super) detect: Histogram,
    pub(super) api: Histogram,
    pub(super) verify: Histogram,
    /// Calls without a result yet: each gets one, since each has a timeout.
    under_way: BTreeMap<CallId, &'static str>,
    claiming: Option<Rule>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            checks: BTreeMap::new(),
            hooks: BTreeMap::new(),
            late: Histogram::new(LATE_BOUNDS),
        }
    }
}

impl Tally {
    /// Counts how late the loop woke up for what was due then; an earlier wake-up had another reason, and counts for nothing.
    pub fn woke(&mut self, now: Instant, due: Instant) {
        if now >= due {
            self.late.observe(now.since(due));
        }
    }

    /// Counts a verdict of the checks.
    pub fn checked(&mut self, state: &check::State) {
        let result = match state {
            check::State::Healthy => OK,
            check::State::Unhealthy { .. } => "failed",
            check::State::Unknown => "unknown",
        };
        count(&mut self.checks, result);
    }

    /// Counts what became of a hook.
    pub fn hooked(&mut self, outcome: &Outcome) {
        count(&mut self.hooks, outcome.label());
    }
}

impl Default for AddressTally {
    fn default() -> Self {
        let takeover = || Histogram::new(TAKEOVER_BOUNDS);
        Self {
            claims: BTreeMap::new(),
            calls: BTreeMap::new(),
            detect: takeover(),
            api: takeover(),
            verify: takeover(),
            under_way: BTreeMap::new(),
            claiming: None,
        }
    }
}

impl AddressTally {
    /// Remembers a call that goes out.
    pub fn called(&mut self, request: &CallRequest) {
        self.under_way.insert(request.id, action(&request.call));
    }

    /// Counts the result of a call.
    pub fn answered(&mut self, id: CallId, fault: Option<CallFault>) {
        if let Some(action) = self.under_way.remove(&id) {
            count(&mut self.calls, (action, result(fault)));
        }
    }

    /// Counts a rehearsal, whose calls are one in this respect.
    pub fn rehearsed(&mut self, fault: Option<CallFault>) {
        count(&mut self.calls, ("rehearsal", result(fault)));
    }

    /// Counts what the core tells.
    pub fn happened(&mut self, event: &Event) {
        match event {
            Event::Releasing { rule, .. } | Event::Claiming { rule, .. } => self.claiming = Some(*rule),
            Event::ClaimFailed { fault, .. } => self.claimed(Some(*fault)),
            Event::Claimed(_) => self.claimed(None),
            Event::TookOver(takeover) => self.took_over(takeover),
            Event::LinkChanged { .. }
            | Event::PeerIncarnation(_)
            | Event::HolderChanged { .. }
            | Event::Decided(_)
            | Event::Released(_)
            | Event::Paused { .. }
            | Event::HoldChanged { .. }
            | Event::Witness { .. }
            | Event::Leaving(_)
            | Event::HostEnds(_)
            | Event::SilenceStartsAnew => {}
        }
    }

    fn claimed(&mut self, fault: Option<CallFault>) {
        if let Some(rule) = self.claiming {
            count(&mut self.claims, (rule.id(), result(fault)));
        }
    }

    fn took_over(&mut self, takeover: &Takeover) {
        let phases: [(&mut Histogram, Option<Duration>); 3] = [
            (&mut self.detect, takeover.detect),
            (&mut self.api, Some(takeover.api)),
            (&mut self.verify, takeover.verify),
        ];
        for (histogram, duration) in phases {
            if let Some(duration) = duration {
                histogram.observe(duration);
            }
        }
    }
}

fn count<K: Ord>(counters: &mut BTreeMap<K, u64>, key: K) {
    *counters.entry(key).or_default() += 1;
}

fn result(fault: Option<CallFault>) -> &'static str {
    fault.map_or(OK, text::fault_label)
}

const fn action(call: &Call) -> &'static str {
    match call {
        Call::ReadAddress => "DescribeAddresses",
        Call::ReadInstance(_) => "DescribeInstanceStatus",
        Call::Release(_) => "DisassociateAddress",
        Call::Associate { .. } => "AssociateAddress",
    }
}

#[cfg(test)]
mod tests {
    use pair_core::AssociationId;

    use super::*;

    #[test]
    fn a_claim_is_counted_by_the_rule_that_began_it_and_by_each_result() {
        let mut tally = AddressTally::default();
        tally.happened(&Event::Claiming {
            rule: Rule::F6a,
            attempt: 1,
        });
        tally.happened(&Event::ClaimFailed {
            attempt: 1,
            fault: CallFault::Throttled,
            pause: Duration::ZERO,
        });
        tally.happened(&Event::Claimed(AssociationId::of("eipassoc-b")));
        assert_eq!(
            tally.claims,
            BTreeMap::from([(("F-6a", "ok"), 1), (("F-6a", "throttled"), 1)])
        );
    }

    #[test]
    fn a_wake_up_before_its_time_is_not_late() {
        let mut tally = Tally::default();
        let due = Instant::from_nanos(1_000_000_000);
        tally.woke(due - Duration::from_millis(1), due);
        assert_eq!(tally.late.count(), 0);
        tally.woke(due + Duration::from_millis(3), due);
        assert_eq!((tally.late.count(), tally.late.sum()), (1, 0.003));
    }
}
