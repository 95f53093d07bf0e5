//! A picture of one moment, its way to the other thread, and what it says to a load balancer.

use std::sync::Arc;
use std::time::Duration;

use pair_core::Instant;
use pair_wire::control::{Role, Status};
use tokio::sync::watch;

use super::tally::{AddressTally, Tally, WitnessTally};
use crate::clock::Clock;
use crate::hooks;

/// How often a picture is published while nothing happens: a document is written each time, no scraper is faster, and whoever asks for
/// the status asks the event loop itself.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known at one moment.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The moment.
    pub at: Instant,
    /// What `pairctl status` would say.
    pub status: Status,
    /// Whether the own service is fit.
    pub is_fit: bool,
    /// What was counted up to then.
    pub tally: Tally,
    /// What went over the socket for witnesses; nothing if there are none.
    pub witness: WitnessTally,
    /// What was counted about each address, in the order of the file.
    pub addresses: Vec<AddressTally>,
}

/// Publishes pictures.
#[derive(Debug)]
pub struct Publisher {
    pictures: watch::Sender<Option<Arc<Picture>>>,
    due_at: Instant,
}

/// Shows the newest picture.
#[derive(Clone, Debug)]
pub struct Board {
    pictures: watch::Receiver<Option<Arc<Picture>>>,
    clock: Clock,
}

/// A yes or no for a load balancer, with the reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) is_yes: bool,
    pub(super) why: String,
}

/// Connects the event loop to those who ask.
#[must_use]
pub fn channel(clock: Clock) -> (Publisher, Board) {
    let (sender, receiver) = watch::channel(None);
    let publisher = Publisher {
        pictures: sender,
        due_at: Instant::ZERO,
    };
    (
        publisher,
        Board {
            pictures: receiver,
            clock,
        },
    )
}

impl Publisher {
    /// Wants the next picture at once: something happened.
    pub const fn hurry(&mut self) {
        self.due_at = Instant::ZERO;
    }

    /// Whether it is time for a picture.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        now >= self.due_at
    }

    /// Puts a picture in the place of the one before; nobody is waited for but who just takes that one into his hand, and who waits
    /// for one is woken if there is something new on it for hooks.
    pub fn publish(&mut self, picture: Picture) {
        self.due_at = picture.at + PAUSE;
        self.pictures.send_if_modified(|shown| {
            let is_new = shown
                .as_ref()
                .is_none_or(|before| hooks::differ(&before.status, &picture.status));
            *shown = Some(Arc::new(picture));
            is_new
        });
    }
}

impl Board {
    /// Waits for a picture from which hooks learn something, and the first time for any. Returns whether one can come: not once the
    /// event loop has ended.
    pub async fn changed_for_hooks(&mut self) -> bool {
        self.pictures.changed().await.is_ok()
    }

    /// The newest picture and its age; `None` before the first.
    #[must_use]
    pub fn look(&self) -> Option<(Arc<Picture>, Duration)> {
        let picture = self.pictures.borrow().clone()?;
        let age = self.clock.now().since(picture.at);
        Some((picture, age))
    }
}

impl Picture {
    /// Whether the event loop turns.
    pub(super) fn is_alive(&self, age: Duration) -> Word {
        let is_yes = age <= Duration::from_millis(self.status.agent.loop_stale_after_ms);
        let turned = humantime::format_duration(Duration::from_millis(crate::clock::millis(age)));
        word(is_yes, format!("the event loop turned {turned} ago"))
    }

    /// Whether this node serves, or could.
    pub(super) fn is_ready(&self, age: Duration) -> Word {
        let alive = self.is_alive(age);
        if !alive.is_yes {
            return alive;
        }
        if self.is_active(age).is_yes {
            return word(true, "this node holds the address and is fit".to_owned());
        }
        let node = &self.status.node;
        if node.leaving == Some(true) {
            return word(false, "this node has left the pair".to_owned());
        }
        if node.ending.as_ref().is_some_and(|ending| ending.hands_over) {
            return word(false, "AWS takes the host of this node".to_owned());
        }
        if node.ready == Some(true) {
            return word(true, "this node could take the address over".to_owned());
        }
        let reasons = &self.status.ready.reasons;
        let ids: Vec<&str> = reasons.iter().map(|problem| problem.id.as_str()).collect();
        word(false, format!("this node is not ready: {}", ids.join(", ")))
    }

    /// Whether this node holds the address and is fit.
    pub(super) fn is_active(&self, age: Duration) -> Word {
        let alive = self.is_alive(age);
        if !alive.is_yes {
            return alive;
        }
        match (self.status.node.role, self.is_fit) {
            (Role::Active, true) => word(true, "this node holds the address and is fit".to_owned()),
            (Role::Active, false) => word(
                false,
                format!(
                    "this node holds the address and is not fit: {}",
                    self.status.node.service
                ),
            ),
            (Role::Passive, _) => word(false, "this node does not hold the address".to_owned()),
            (Role::Unknown, _) => word(false, "it is not known who holds the address".to_owned()),
        }
    }
}

const fn word(is_yes: bool, why: String) -> Word {
    Word { is_yes, why }
}

#[cfg(test)]
mod tests {
    use pair_wire::control::{Problem, Severity};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_loop_that_stands_still_is_neither_alive_nor_ready_nor_active() {
        let active = picture(&json!("active"), true, true);
        let (young, old) = (Duration::from_secs(2), Duration::from_millis(2_001));
        for look in [Picture::is_alive, Picture::is_ready, Picture::is_active] {
            assert!(look(&active, young).is_yes);
            let why = "the event loop turned 2s 1ms ago".to_owned();
            assert_eq!(look(&active, old), Word { is_yes: false, why });
        }
    }

    #[test]
    fn only_a_fit_holder_is_active() {
        let is_active = |role, is_fit| picture(&json!(role), is_fit, true).is_active(Duration::ZERO).is_yes;
        assert!(is_active("active", true));
        assert!(!is_active("active", false));
        assert!(!is_active("passive", true));
        assert!(!is_active("unknown", true));
    }

    #[test]
    fn ready_is_who_could_take_the_address_or_serves_with_it() {
        let is_ready = |role, is_fit, ready| picture(&json!(role), is_fit, ready).is_ready(Duration::ZERO);
        assert!(is_ready("passive", true, true).is_yes);
        assert!(is_ready("active", true, false).is_yes, "it serves, whatever EC2 says");
        let word = is_ready("passive", true, false);
        assert_eq!(
            (word.is_yes, word.why.as_str()),
            (false, "this node is not ready: ec2-denied")
        );
        let mut left = picture(&json!("passive"), true, true);
        left.status.node.leaving = Some(true);
        assert!(!left.is_ready(Duration::ZERO).is_yes);
    }

    #[test]
    fn a_picture_is_due_each_second_and_at_each_event() {
        let (mut publisher, board) = channel(Clock::start());
        assert!(board.look().is_none());
        let at = Instant::from_nanos(1_000_000_000);
        assert!(publisher.is_due(at));
        publisher.publish(Picture {
            at,
            ..picture(&json!("passive"), true, true)
        });
        assert_eq!(board.look().map(|(picture, _)| picture.at), Some(at));
        assert!(!publisher.is_due(at + Duration::from_millis(999)));
        assert!(publisher.is_due(at + Duration::from_secs(1)));
        publisher.hurry();
        assert!(publisher.is_due(at));
    }

    fn picture(role: &serde_json::Value, is_fit: bool, ready: bool) -> Picture {
        let node = json!({ "name": "b", "role": role, "service": "http ok", "ready": ready, "leaving": false });
        let status = json!({
            "version": 1, "pair": "lb-1", "state": "healthy", "problems": [], "node": node,
            "peer": { "name": "a", "role": "unknown", "service": "unknown", "link": "up" },
            "addresses": [], "ready": { "ready": ready, "reasons": [] },
            "decision": { "verdict": "wait", "evidence": [] }, "drops": {},
            "agent": {
                "version": "0.1.0", "pid": 1, "uptime_ms": 0, "as_of_ms": 0,
                "written_at_loop_age_ms": 0, "loop_stale_after_ms": 2_000,
            },
        });
        let mut status: Status = serde_json::from_value(status).unwrap();
        if !ready {
            status.ready.reasons.push(Problem {
                id: "ec2-denied".to_owned(),
                severity: Severity::Degraded,
                text: "denied".to_owned(),
                hint: None,
                address: None,
            });
        }
        Picture {
            at: Instant::ZERO,
            status,
            is_fit,
            tally: Tally::default(),
            witness: WitnessTally::default(),
            addresses: vec![AddressTally::default()],
        }
    }
}
