//! How new connections to the Elastic IP fare while an operator moves it, as this node sees it.
//!
//! One connection each 20 ms, from the order until one is served after its end. Where this node cannot reach the Elastic IP at all,
//! nothing is said: whether a holder can reach its own address is not known of every network.

use std::net::SocketAddr;
use std::time::Duration;

use pair_wire::control::{Answer, Moved, Outage, Outcome, Response};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::clock::millis;
use crate::config::Probe;
use crate::probe::{Outcome as Probed, probe};

/// Between two connections: what an outage is measured in.
const GAP: Duration = Duration::from_millis(20);

/// How long one connection may take to be served.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long after the end of the order a connection that is served is waited for.
const AFTERMATH: Duration = Duration::from_secs(2);

/// How many connections are under way at a time at most: those of one patience, all of them unanswered.
const UNDER_WAY: usize = 50;

/// The end of an order that is watched.
#[derive(Debug)]
pub struct Ended {
    /// Who waits for the answer.
    pub answer: oneshot::Sender<Response>,
    /// What it is, but for the outage.
    pub moved: Moved,
}

/// One connection: when it began, and whether it was served.
type Visit = (Instant, bool);

/// Watches until the order has ended, and then answers who gave it. An order that ends otherwise is dropped.
pub async fn watch(settings: Probe, target: SocketAddr, mut ended: oneshot::Receiver<Ended>) {
    let mut visits: Vec<Visit> = Vec::new();
    let mut under_way = JoinSet::new();
    let mut ticks = interval(GAP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end: Option<(Instant, Ended)> = None;
    loop {
        let until = end.as_ref().map(|(at, _)| *at + AFTERMATH);
        tokio::select! {
            biased;
            told = &mut ended, if end.is_none() => match told {
                Ok(told) => end = Some((Instant::now(), told)),
                Err(_) => return,
            },
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => break,
            Some(visit) = under_way.join_next(), if !under_way.is_empty() => {
                visits.extend(visit);
                let is_served_after = |(at, _): &(Instant, Ended)| {
                    visits.iter().any(|(begun, served)| *served && begun >= at)
                };
                if end.as_ref().is_some_and(is_served_after) {
                    break;
                }
            },
            _ = ticks.tick() => if under_way.len() < UNDER_WAY {
                under_way.spawn(visit(settings.clone(), target));
            },
        }
    }
    let Some((_, Ended { answer, moved })) = end else {
        return;
    };
    let outage = seen(visits);
    let moved = Box::new(Moved { outage, ..moved });
    let _ = answer.send(Response::new(Outcome::Ok(Answer::Moved(moved))));
}

async fn visit(settings: Probe, target: SocketAddr) -> Visit {
    let begun = Instant::now();
    let probed = probe(target, &settings.path, settings.expect, PATIENCE).await;
    (begun, matches!(probed, Probed::Served { .. }))
}

/// What the connections show; nothing if none was served before the first that was not, or at all.
fn seen(mut visits: Vec<Visit>) -> Option<Outage> {
    visits.sort_unstable();
    let is_seen = visits.first().is_some_and(|(_, served)| *served);
    if !is_seen {
        return None;
    }
    let (mut longest, mut since) = (Duration::ZERO, None);
    for (begun, served) in &visits {
        let began = if *served {
            since.take()
        } else {
            Some(*since.get_or_insert(*begun))
        };
        if let Some(began) = began {
            longest = longest.max(begun.duration_since(began));
        }
    }
    Some(Outage {
        longest_ms: millis(longest),
        tried: visits.len() as u64,
        failed: visits.iter().filter(|(_, served)| !served).count() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visits(served: &[bool]) -> Vec<Visit> {
        let start = Instant::now();
        let at = |place: usize| start + GAP * u32::try_from(place).unwrap();
        served
            .iter()
            .enumerate()
            .map(|(place, served)| (at(place), *served))
            .collect()
    }

    fn outage(longest_ms: u64, tried: u64, failed: u64) -> Option<Outage> {
        Some(Outage {
            longest_ms,
            tried,
            failed,
        })
    }

    #[test]
    fn an_outage_lasts_from_the_first_that_fails_to_the_next_that_is_served() {
        assert_eq!(seen(visits(&[true, true, true])), outage(0, 3, 0));
        assert_eq!(seen(visits(&[true, false, false, true])), outage(40, 4, 2));
        assert_eq!(
            seen(visits(&[true, false, true, false, false, false, true])),
            outage(60, 7, 4)
        );
        assert_eq!(seen(visits(&[true, false, false])), outage(20, 3, 2));
    }

    #[test]
    fn the_order_in_which_they_end_does_not_matter() {
        let mut shuffled = visits(&[true, false, false, true]);
        shuffled.reverse();
        assert_eq!(seen(shuffled), outage(40, 4, 2));
    }

    #[test]
    fn who_never_reached_the_address_says_nothing() {
        assert_eq!(seen(Vec::new()), None);
        assert_eq!(seen(visits(&[false, false, true])), None);
    }
}
