//! Control clients that wait for the end of what they have ordered.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use pair_core::{HoldVersion, Instant, OrderId, OrderOutcome};
use pair_wire::control::Response;
use tokio::sync::oneshot;

use crate::names::Names;
use crate::text;

/// What waits for an answer.
#[derive(Debug, Default)]
pub struct Orders {
    next: u64,
    moves: BTreeMap<OrderId, Waiting>,
    holds: Vec<Spreading>,
}

/// A client that waits for a move of the address.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Response>,
    kind: Kind,
}

/// What was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To move the address.
    Failover,
    /// To leave the pair.
    Leave,
}

/// A hold, or the end of one, that the peer has not heard of yet.
#[derive(Debug)]
struct Spreading {
    answer: oneshot::Sender<Response>,
    version: HoldVersion,
    length: Duration,
    until: Instant,
}

impl Orders {
    /// Takes in a client whose order ends with an [`OrderOutcome`], and names the order.
    pub fn wait(&mut self, kind: Kind, answer: oneshot::Sender<Response>) -> OrderId {
        let id = OrderId(self.next);
        self.next += 1;
        self.moves.insert(id, Waiting { answer, kind });
        id
    }

    /// Tells the client of an order how it ended.
    pub fn end(&mut self, id: OrderId, outcome: OrderOutcome) {
        if let Some(Waiting { answer, kind }) = self.moves.remove(&id) {
            // A client that hung up does not wait for the answer.
            let _ = answer.send(response(kind, outcome));
        }
    }

    /// Takes in a client whose hold the peer should hear of until then; a length of zero ended one.
    pub fn wait_for_peer(
        &mut self,
        version: HoldVersion,
        length: Duration,
        until: Instant,
        answer: oneshot::Sender<Response>,
    ) {
        self.holds.push(Spreading {
            answer,
            version,
            length,
            until,
        });
    }

    /// Tells the clients of holds which nodes they bind, once the peer has said the version or its time is over.
    pub fn follow_peer(&mut self, now: Instant, peers: Option<HoldVersion>, names: &Names) {
        for hold in mem::take(&mut self.holds) {
            let is_known = peers.is_some_and(|version| version >= hold.version);
            if is_known || now >= hold.until {
                let _ = hold.answer.send(Response::done(bound(hold.length, is_known, names)));
            } else {
                self.holds.push(hold);
            }
        }
    }

    /// When somebody must be told at the latest.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        self.holds.iter().map(|hold| hold.until).min()
    }
}

/// Which nodes a hold binds, or its end frees.
fn bound(length: Duration, is_known: bool, names: &Names) -> String {
    let (me, peer) = (names.me(), names.peer());
    let what = if length.is_zero() {
        "no hold is in force".to_owned()
    } else {
        format!(
            "the address stays where it is for {}",
            humantime::format_duration(length)
        )
    };
    if is_known {
        format!("{what}: {me} and {peer} know")
    } else {
        format!("{what}, as far as {me} knows: {peer} has not heard of it, and is told when it hears this node")
    }
}

fn response(kind: Kind, outcome: OrderOutcome) -> Response {
    match (outcome, kind) {
        (OrderOutcome::Done, Kind::Failover) => Response::done("the address has moved"),
        (OrderOutcome::Done, Kind::Leave) => {
            Response::done("this node has left the pair, and does not hold the address")
        }
        (OrderOutcome::AlreadyThere, _) => Response::done("the address is there already"),
        (OrderOutcome::Refused(refusal), _) => {
            let (reason, hint) = text::refusal(refusal);
            Response::refused(reason, Some(hint.to_owned()))
        }
        (OrderOutcome::Expired, Kind::Failover) => Response::refused(
            "the address did not move within 30 s, and the order is over",
            Some("see pairctl status on both nodes".to_owned()),
        ),
        (OrderOutcome::Expired, Kind::Leave) => Response::refused(
            "the address did not move within 30 s; this node goes on giving it away",
            Some("see pairctl status on both nodes; pairctl join ends it".to_owned()),
        ),
    }
}

#[cfg(test)]
mod tests {
    use pair_core::Member;
    use pair_wire::control::{Answer, Outcome};

    use super::*;

    fn version(number: u64) -> HoldVersion {
        HoldVersion {
            number,
            by: Member::First,
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    fn told(answered: &mut oneshot::Receiver<Response>) -> Option<String> {
        match answered.try_recv().ok()?.outcome {
            Outcome::Ok(Answer::Done { text }) => Some(text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_hold_is_told_once_the_peer_knows_it_or_its_time_is_over() {
        let names = Names::new(["a".to_owned(), "b".to_owned()], Member::First);
        for (peers, now, expected) in [
            (None, 1, None),
            (Some(version(2)), 1, None),
            (
                Some(version(3)),
                1,
                Some("the address stays where it is for 1m: a and b know"),
            ),
            (
                None,
                2,
                Some(
                    "the address stays where it is for 1m, as far as a knows: b has not heard of it, and is told when it \
                     hears this node",
                ),
            ),
        ] {
            let (answer, mut answered) = oneshot::channel();
            let mut orders = Orders::default();
            orders.wait_for_peer(version(3), Duration::from_secs(60), at(2), answer);
            assert_eq!(orders.next_at(), Some(at(2)));
            orders.follow_peer(at(now), peers, &names);
            assert_eq!(told(&mut answered).as_deref(), expected);
        }
    }

    #[test]
    fn each_order_has_its_own_id_and_is_answered_once() {
        let mut orders = Orders::default();
        let (first, mut first_told) = oneshot::channel();
        let (second, mut second_told) = oneshot::channel();
        let ids = [orders.wait(Kind::Failover, first), orders.wait(Kind::Leave, second)];
        assert_ne!(ids[0], ids[1]);
        orders.end(ids[1], OrderOutcome::Done);
        orders.end(ids[1], OrderOutcome::Expired);
        assert!(first_told.try_recv().is_err());
        assert!(told(&mut second_told).unwrap().starts_with("this node has left"));
    }
}
