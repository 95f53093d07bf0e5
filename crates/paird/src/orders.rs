//! Control clients that wait for the end of what they have ordered.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use pair_core::{HoldVersion, Instant, OrderId, OrderOutcome, Takeover};
use pair_wire::control::{Answer, HolderName, Moved, Outcome, Response, Times};
use tokio::sync::oneshot;

use crate::asker::Asker;
use crate::clock::millis;
use crate::names::Names;
use crate::outage::Ended;
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
    ordered: Ordered,
}

/// An order as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// In words, such as `failover to "b"`.
    pub order: String,
    /// Who gave it.
    pub by: Asker,
    /// When.
    pub at: Instant,
}

/// What was ordered.
#[derive(Debug)]
pub enum Kind {
    /// To move the address.
    Failover(Failover),
    /// To leave the pair.
    Leave,
}

/// A move as it was ordered.
#[derive(Debug)]
pub struct Failover {
    /// Who held the address.
    pub from: HolderName,
    /// Who shall hold it.
    pub to: String,
    /// Whether that node need not be ready.
    pub forced: bool,
    /// Where the watch over new connections waits for the end, if there is one: it answers then.
    pub outage: Option<oneshot::Sender<Ended>>,
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
    pub fn wait(&mut self, kind: Kind, ordered: Ordered, answer: oneshot::Sender<Response>) -> OrderId {
        let id = OrderId(self.next);
        self.next += 1;
        let waiting = Waiting { answer, kind, ordered };
        self.moves.insert(id, waiting);
        id
    }

    /// Which order is under way, if any: there is one at a time.
    #[must_use]
    pub fn under_way(&self, now: Instant) -> Option<String> {
        let Waiting { ordered, .. } = self.moves.values().next()?;
        let Ordered { order, by, at } = ordered;
        let pid = by.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        let ago = now.since(*at).as_secs();
        Some(format!(
            "another order is under way: {order}, given by user {}{pid}, {ago} s ago",
            by.uid
        ))
    }

    /// Tells the client of an order how it ended, and says so in words. `takeover` is the last one of this node.
    pub fn end(
        &mut self,
        id: OrderId,
        outcome: OrderOutcome,
        now: Instant,
        takeover: Option<&Takeover>,
    ) -> Option<String> {
        let Waiting { answer, kind, ordered } = self.moves.remove(&id)?;
        let took = now.since(ordered.at);
        let how = match outcome {
            OrderOutcome::Done => format!("done in {} ms", millis(took)),
            OrderOutcome::AlreadyThere => "the address was there already".to_owned(),
            OrderOutcome::Refused(refusal) => format!("refused, {}", text::refusal(refusal).0),
            OrderOutcome::Expired => "expired, the address did not move within 30 s".to_owned(),
        };
        match (kind, outcome) {
            (Kind::Failover(failover), OrderOutcome::Done) => {
                let own = takeover.filter(|takeover| takeover.decided_at >= ordered.at);
                answer_move(answer, failover, took, own.map(times));
            }
            (kind, outcome) => {
                // A client that hung up does not wait for the answer.
                let _ = answer.send(response(&kind, outcome));
            }
        }
        Some(format!("{}: {how}", ordered.order))
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

/// Answers who has ordered a move that is done, at once or when the watch over new connections has seen enough.
fn answer_move(answer: oneshot::Sender<Response>, failover: Failover, took: Duration, times: Option<Times>) {
    let Failover {
        from,
        to,
        forced,
        outage,
    } = failover;
    let moved = Moved {
        from,
        to,
        took_ms: millis(took),
        times,
        outage: None,
        forced,
    };
    let unwatched = match outage {
        Some(watch) => watch.send(Ended { answer, moved }).err(),
        None => Some(Ended { answer, moved }),
    };
    if let Some(Ended { answer, moved }) = unwatched {
        let _ = answer.send(Response::new(Outcome::Ok(Answer::Moved(Box::new(moved)))));
    }
}

fn times(takeover: &Takeover) -> Times {
    Times {
        detect_ms: takeover.detect.map(millis),
        api_ms: millis(takeover.api),
        verify_ms: takeover.verify.map(millis),
        attempts: takeover.attempts,
    }
}

fn response(kind: &Kind, outcome: OrderOutcome) -> Response {
    match (outcome, kind) {
        (OrderOutcome::Done, Kind::Failover(_)) => Response::done("the address has moved"),
        (OrderOutcome::Done, Kind::Leave) => {
            Response::done("this node has left the pair, and does not hold the address")
        }
        (OrderOutcome::AlreadyThere, _) => Response::done("the address is there already"),
        (OrderOutcome::Refused(refusal), _) => {
            let (reason, hint) = text::refusal(refusal);
            Response::refused(reason, Some(hint.to_owned()))
        }
        (OrderOutcome::Expired, Kind::Failover(_)) => Response::refused(
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

    fn ordered(order: &str, seconds: u64) -> Ordered {
        Ordered {
            order: order.to_owned(),
            by: Asker {
                uid: 1000,
                pid: Some(4242),
                is_trusted: true,
            },
            at: at(seconds),
        }
    }

    fn failover(outage: Option<oneshot::Sender<Ended>>) -> Kind {
        Kind::Failover(Failover {
            from: HolderName::Node("a".to_owned()),
            to: "b".to_owned(),
            forced: false,
            outage,
        })
    }

    fn takeover(decided: u64) -> Takeover {
        Takeover {
            rule: pair_core::Rule::F6e,
            from: pair_core::Holder::Member(Member::First),
            association: None,
            decided_at: at(decided),
            detect: None,
            api: Duration::from_millis(310),
            verify: Some(Duration::from_millis(110)),
            attempts: 1,
        }
    }

    #[test]
    fn each_order_has_its_own_id_and_is_answered_once() {
        let mut orders = Orders::default();
        let (first, mut first_told) = oneshot::channel();
        let (second, mut second_told) = oneshot::channel();
        let ids = [
            orders.wait(failover(None), ordered("failover", 1), first),
            orders.wait(Kind::Leave, ordered("leave", 1), second),
        ];
        assert_ne!(ids[0], ids[1]);
        let how = orders.end(ids[1], OrderOutcome::Done, at(2), None);
        assert_eq!(how.as_deref(), Some("leave: done in 1000 ms"));
        assert_eq!(orders.end(ids[1], OrderOutcome::Expired, at(3), None), None);
        assert!(first_told.try_recv().is_err());
        assert!(told(&mut second_told).unwrap().starts_with("this node has left"));
    }

    #[test]
    fn who_comes_second_is_told_what_is_under_way_and_by_whom() {
        let mut orders = Orders::default();
        assert_eq!(orders.under_way(at(1)), None);
        let (answer, _told) = oneshot::channel();
        let id = orders.wait(failover(None), ordered("failover to \"b\"", 1), answer);
        assert_eq!(
            orders.under_way(at(4)).as_deref(),
            Some("another order is under way: failover to \"b\", given by user 1000, process 4242, 3 s ago")
        );
        orders.end(id, OrderOutcome::Expired, at(31), None);
        assert_eq!(orders.under_way(at(32)), None);
    }

    #[test]
    fn a_move_is_told_with_the_times_of_the_takeover_that_it_was() {
        let moved = |last: Option<Takeover>| {
            let mut orders = Orders::default();
            let (answer, mut told) = oneshot::channel();
            let id = orders.wait(failover(None), ordered("failover", 10), answer);
            orders.end(id, OrderOutcome::Done, at(11), last.as_ref());
            match told.try_recv().unwrap().outcome {
                Outcome::Ok(Answer::Moved(moved)) => moved,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((moved(None).took_ms, moved(None).times), (1000, None));
        assert_eq!(moved(Some(takeover(9))).times, None, "that was an earlier one");
        let own = moved(Some(takeover(10)));
        assert_eq!(
            own.times.map(|times| (times.api_ms, times.verify_ms)),
            Some((310, Some(110)))
        );
    }

    #[test]
    fn the_watch_over_connections_answers_in_the_place_of_the_order() {
        let mut orders = Orders::default();
        let (answer, mut told) = oneshot::channel();
        let (watch, mut ended) = oneshot::channel();
        let id = orders.wait(failover(Some(watch)), ordered("failover", 1), answer);
        orders.end(id, OrderOutcome::Done, at(2), None);
        assert!(told.try_recv().is_err());
        let Ended { answer, moved } = ended.try_recv().unwrap();
        assert_eq!(moved.to, "b");
        answer.send(Response::done("seen")).unwrap();
        assert!(told.try_recv().is_ok());
    }
}
