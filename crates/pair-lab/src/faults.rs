//! What goes wrong, for whom, on purpose.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;

use crate::action::Action;
use crate::bucket::{Bucket, Limit};
use crate::clock::Clock;

/// Whose calls a fault is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everybody's.
    All,
    /// Those of one machine, by its credentials; `other` is whoever is no machine of the lab.
    Node(String),
}

/// Something that goes wrong with a call, until it is cleared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The call is carried out and answered only after this time. A caller that hangs up first has changed nothing.
    Latency(Duration),
    /// The call is carried out after this time even if the caller has long hung up. Dry runs are answered at once.
    LandLate(Duration),
    /// The call is answered `RequestLimitExceeded` (503), whatever the limit.
    Throttle,
    /// The call is answered `UnauthorizedOperation` (403), dry run or not. Set for [`Action::Imds`], the instance has no role:
    /// there are no credentials (404).
    Deny,
    /// The call is answered `InternalError` (500).
    ServerError,
    /// The call is taken and neither carried out nor answered.
    BlackHole,
    /// The next so many calls are carried out, and the connection closes without an answer. Dry runs do not count.
    LoseReply(u32),
    /// Reads answer the state of this long ago: `DescribeAddresses`, or the associations that IMDS lists.
    Stale(Duration),
    /// Nobody listens. Set for [`Action::Any`] or [`Action::Imds`], connecting to the node's own endpoint is refused
    /// and its open connections end; else the connection ends when the request has been read.
    Refuse,
}

/// The faults of a lab and the request limits of its account, both changeable while it runs.
#[derive(Debug, Clone)]
pub struct Faults {
    clock: Clock,
    state: Arc<Mutex<State>>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    set: BTreeMap<(Scope, Action), Vec<Fault>>,
    buckets: BTreeMap<Action, Bucket>,
}

/// All that goes wrong with one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) latency: Option<Duration>,
    pub(crate) land_late: Option<Duration>,
    pub(crate) is_throttled: bool,
    pub(crate) is_denied: bool,
    pub(crate) is_server_error: bool,
    pub(crate) is_black_hole: bool,
    pub(crate) is_refused: bool,
    pub(crate) stale: Option<Duration>,
}

impl Faults {
    /// Makes a lab where nothing goes wrong, with default limits.
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Arc::default(),
            changes: watch::Sender::new(()),
        }
    }

    /// Sets a fault beside those that are set; one of the same kind for the same calls is replaced.
    pub fn set(&self, scope: Scope, action: Action, fault: Fault) {
        {
            let mut state = self.lock();
            let faults = state.set.entry((scope, action)).or_default();
            faults.retain(|set| core::mem::discriminant(set) != core::mem::discriminant(&fault));
            faults.push(fault);
        }
        self.changes.send_replace(());
    }

    /// Ends every fault that was set for exactly this scope and action.
    pub fn clear(&self, scope: Scope, action: Action) {
        self.lock().set.remove(&(scope, action));
        self.changes.send_replace(());
    }

    /// Ends every fault. Limits stay.
    pub fn clear_all(&self) {
        self.lock().set.clear();
        self.changes.send_replace(());
    }

    /// Gives an action another limit, with a full bucket.
    pub fn limit(&self, action: Action, limit: Limit) {
        let bucket = Bucket::new(limit, self.clock.ms());
        self.lock().buckets.insert(action, bucket);
    }

    /// Collects what goes wrong with a call.
    pub(crate) fn plan(&self, node: &str, action: Option<Action>) -> Plan {
        let state = self.lock();
        let mut plan = Plan::default();
        for fault in keys(node, action).iter().filter_map(|key| state.set.get(key)).flatten() {
            match fault {
                Fault::Latency(time) => plan.latency = plan.latency.max(Some(*time)),
                Fault::LandLate(time) => plan.land_late = plan.land_late.max(Some(*time)),
                Fault::Throttle => plan.is_throttled = true,
                Fault::Deny => plan.is_denied = true,
                Fault::ServerError => plan.is_server_error = true,
                Fault::BlackHole => plan.is_black_hole = true,
                Fault::LoseReply(_) => {}
                Fault::Stale(age) => plan.stale = plan.stale.max(Some(*age)),
                Fault::Refuse => plan.is_refused = true,
            }
        }
        plan
    }

    /// Takes a call from the account's limit; `false` means it is over it.
    pub(crate) fn take_token(&self, action: Action) -> bool {
        let now_ms = self.clock.ms();
        let mut state = self.lock();
        let bucket = state
            .buckets
            .entry(action)
            .or_insert_with(|| Bucket::new(Limit::default_of(action), now_ms));
        bucket.take(now_ms)
    }

    /// Uses up one lost reply, if there is one for this call.
    pub(crate) fn takes_reply(&self, node: &str, action: Option<Action>) -> bool {
        let mut state = self.lock();
        keys(node, action).iter().any(|key| {
            state.set.get_mut(key).into_iter().flatten().any(|fault| match fault {
                Fault::LoseReply(left) if *left > 0 => {
                    *left -= 1;
                    true
                }
                _ => false,
            })
        })
    }

    /// Whether nobody listens for this node's calls of this kind ([`Action::Any`] or [`Action::Imds`]); `None` is the
    /// endpoint that all nodes share.
    pub(crate) fn is_shut(&self, node: Option<&str>, action: Action) -> bool {
        let state = self.lock();
        let is_shut = |scope| {
            state
                .set
                .get(&(scope, action))
                .is_some_and(|faults| faults.contains(&Fault::Refuse))
        };
        is_shut(Scope::All) || node.is_some_and(|node| is_shut(Scope::Node(node.to_owned())))
    }

    /// Tells when a fault is set or cleared.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the faults")
    }
}

/// Lists where faults for a call may be set.
fn keys(node: &str, action: Option<Action>) -> Vec<(Scope, Action)> {
    // IMDS is no EC2 action, so what is set for any of those is not for it.
    let any = if action == Some(Action::Imds) {
        None
    } else {
        Some(Action::Any)
    };
    any.into_iter()
        .chain(action)
        .flat_map(|action| [(Scope::All, action), (Scope::Node(node.to_owned()), action)])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn faults() -> Faults {
        Faults::new(Clock::new(Instant::now()))
    }

    fn node(name: &str) -> Scope {
        Scope::Node(name.to_owned())
    }

    #[test]
    fn a_fault_hits_its_scope_and_action_only() {
        let faults = faults();
        faults.set(node("a"), Action::AssociateAddress, Fault::Deny);
        assert!(faults.plan("a", Some(Action::AssociateAddress)).is_denied);
        assert_eq!(faults.plan("b", Some(Action::AssociateAddress)), Plan::default());
        assert_eq!(faults.plan("a", Some(Action::DescribeAddresses)), Plan::default());
    }

    #[test]
    fn any_action_means_ec2_and_not_imds() {
        let faults = faults();
        faults.set(Scope::All, Action::Any, Fault::BlackHole);
        assert!(faults.plan("a", None).is_black_hole);
        assert!(faults.plan("a", Some(Action::DescribeAddresses)).is_black_hole);
        assert!(!faults.plan("a", Some(Action::Imds)).is_black_hole);
    }

    #[test]
    fn kinds_add_up_and_the_same_kind_is_replaced() {
        let faults = faults();
        faults.set(Scope::All, Action::Any, Fault::Latency(Duration::from_secs(9)));
        faults.set(Scope::All, Action::Any, Fault::Latency(Duration::from_secs(1)));
        faults.set(Scope::All, Action::Any, Fault::Deny);
        let plan = faults.plan("a", None);
        assert_eq!(plan.latency, Some(Duration::from_secs(1)));
        assert!(plan.is_denied);
        faults.clear(Scope::All, Action::Any);
        assert_eq!(faults.plan("a", None), Plan::default());
    }

    #[test]
    fn lost_replies_are_counted_down() {
        let faults = faults();
        faults.set(node("a"), Action::AssociateAddress, Fault::LoseReply(2));
        let lost = [0; 3].map(|_| faults.takes_reply("a", Some(Action::AssociateAddress)));
        assert_eq!(lost, [true, true, false]);
    }

    #[test]
    fn only_any_and_imds_shut_an_endpoint() {
        let faults = faults();
        faults.set(node("a"), Action::AssociateAddress, Fault::Refuse);
        assert!(!faults.is_shut(Some("a"), Action::Any));
        faults.set(node("a"), Action::Any, Fault::Refuse);
        assert!(faults.is_shut(Some("a"), Action::Any));
        assert!(!faults.is_shut(Some("b"), Action::Any));
        assert!(!faults.is_shut(None, Action::Any));
        assert!(!faults.is_shut(Some("a"), Action::Imds));
    }
}
