//! What AWS tells a node of the end of its host, by the node's metadata service, in the forms that AWS's guides show.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Something that AWS tells a node. One of each kind stands at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// A spot instance is interrupted after this time.
    SpotInterruption(Duration),
    /// A spot instance is more likely to be interrupted than others.
    Rebalance,
    /// Maintenance is scheduled.
    Maintenance {
        /// What is done, such as `system-reboot`.
        code: String,
        /// How long from here on it does not begin.
        begins_in: Duration,
        /// `active`, `completed` or `canceled`.
        state: String,
    },
    /// The autoscaling group brings the instance into this state, such as `InService` or `Terminated`.
    AutoscalingTarget(String),
}

/// What stands, by node and path.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    texts: Mutex<BTreeMap<(String, &'static str), String>>,
}

impl Announcement {
    /// The path below `/latest/meta-data/`.
    const fn path(&self) -> &'static str {
        match self {
            Self::SpotInterruption(_) => "spot/instance-action",
            Self::Rebalance => "events/recommendations/rebalance",
            Self::Maintenance { .. } => "events/maintenance/scheduled",
            Self::AutoscalingTarget(_) => "autoscaling/target-lifecycle-state",
        }
    }

    /// Whether AWS tells it to no other than spot instances.
    pub(crate) const fn is_for_spot(&self) -> bool {
        match self {
            Self::SpotInterruption(_) | Self::Rebalance => true,
            Self::Maintenance { .. } | Self::AutoscalingTarget(_) => false,
        }
    }

    fn text(&self, now: SystemTime) -> String {
        match self {
            Self::SpotInterruption(left) => {
                let time = format!("{:.0}", timestamp(now + *left));
                serde_json::json!({ "action": "terminate", "time": time }).to_string()
            }
            Self::Rebalance => serde_json::json!({ "noticeTime": format!("{:.0}", timestamp(now)) }).to_string(),
            Self::Maintenance { code, begins_in, state } => {
                let time = |after: Duration| timestamp(now + after).strftime("%d %b %Y %H:%M:%S GMT").to_string();
                serde_json::json!([{
                    "NotBefore": time(*begins_in),
                    "Code": code,
                    "Description": "scheduled by the lab",
                    "EventId": "instance-event-0d59937288b749b32",
                    "NotAfter": time(*begins_in + LASTS),
                    "State": state,
                }])
                .to_string()
            }
            Self::AutoscalingTarget(state) => state.clone(),
        }
    }
}

impl Announcements {
    /// Tells a node something from here on, in the place of what stood of the kind.
    pub(crate) fn give(&self, node: &str, announcement: &Announcement) {
        let text = announcement.text(SystemTime::now());
        self.lock().insert((node.to_owned(), announcement.path()), text);
    }

    /// Tells a node nothing any more.
    pub(crate) fn clear(&self, node: &str) {
        self.lock().retain(|(told, _), _| told != node);
    }

    /// What stands at a path below `/latest/meta-data/`; `None` is a 404.
    pub(crate) fn read(&self, node: &str, path: &[&str]) -> Option<String> {
        let path = path.join("/");
        self.lock()
            .iter()
            .find(|((told, at), _)| told == node && *at == path)
            .map(|(_, text)| text.clone())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, &'static str), String>> {
        self.texts
            .lock()
            .expect("no code panics while it holds the announcements")
    }
}

fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::MAX)
}

/// How long maintenance may take, as far as the lab says.
const LASTS: Duration = Duration::from_secs(7_200);
