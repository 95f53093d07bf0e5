//! What a user of the published address sees: a new connection every few milliseconds, and whether it was answered.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::clock::Clock;
use crate::http;
use crate::service::NODE_HEADER;

/// How the client asks.
#[derive(Debug, Clone, Copy)]
pub struct ClientConfig {
    /// Whom to ask.
    pub target: SocketAddr,
    /// How often a new connection is opened.
    pub interval: Duration,
    /// How long one request may take, connecting included.
    pub timeout: Duration,
    /// How many requests may be under way; at the limit none is started until one ends.
    pub in_flight: usize,
}

/// A client that runs until it is dropped.
#[derive(Debug)]
pub struct Client {
    records: Records,
    is_resting: Arc<AtomicBool>,
    task: AbortHandle,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// When the connection was begun, in milliseconds on the client's clock.
    pub started_ms: u64,
    /// When the answer was complete or given up, in milliseconds on the client's clock.
    pub ended_ms: u64,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An answer of status 200, from the node that named itself in `X-Node`, if one did.
    Good(Option<String>),
    /// An answer of another status.
    Status(u16),
    /// No answer: refused, closed or cut off.
    Failed,
    /// No answer in time.
    TimedOut,
}

/// A time without good answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// When the last good answer before it came, in milliseconds on the client's clock.
    pub from_ms: u64,
    /// When the first good answer after it came, in milliseconds on the client's clock.
    pub to_ms: u64,
    /// Who gave the last good answer before it.
    pub from_node: Option<String>,
    /// Who gave the first good answer after it.
    pub to_node: Option<String>,
}

type Records = Arc<Mutex<VecDeque<Record>>>;

impl ClientConfig {
    /// Describes a client that opens a connection every 10 ms and waits 250 ms for each answer.
    pub fn new(target: SocketAddr) -> Self {
        Self {
            target,
            interval: Duration::from_millis(10),
            timeout: Duration::from_millis(250),
            in_flight: 64,
        }
    }
}

impl Client {
    /// Starts asking. `clock` is usually the lab's, so that the numbers compare. Needs a tokio runtime.
    pub fn start(clock: Clock, config: ClientConfig) -> Self {
        let records = Records::default();
        let is_resting = Arc::<AtomicBool>::default();
        let asking = ask_for_ever(clock, config, Arc::clone(&records), Arc::clone(&is_resting));
        let task = tokio::spawn(asking).abort_handle();
        Self {
            records,
            is_resting,
            task,
        }
    }

    /// Opens no connection while it rests. The time without answers counts as an outage like any other.
    pub fn rest(&self, is_resting: bool) {
        self.is_resting.store(is_resting, Ordering::Relaxed);
    }

    /// Copies the records so far, in the order in which the requests ended.
    pub fn records(&self) -> Vec<Record> {
        lock(&self.records).iter().cloned().collect()
    }

    /// Gives the last record so far.
    pub fn last(&self) -> Option<Record> {
        lock(&self.records).back().cloned()
    }

    /// Finds the longest time without a good answer that ended after `since_ms`. There is one if a good answer came
    /// before another that came after that moment; however short, it is at least the client's interval or so.
    pub fn longest_outage(&self, since_ms: u64) -> Option<Outage> {
        longest_outage(lock(&self.records).iter(), since_ms)
    }

    /// Finds the time without a good answer that ended with the first one from `node` after `since_ms`, whatever longer one there
    /// was: what a move to that node cost.
    pub fn outage_of_move(&self, node: &str, since_ms: u64) -> Option<Outage> {
        outage_of_move(lock(&self.records).iter(), node, since_ms)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Outage {
    /// Gives its length in milliseconds.
    pub fn ms(&self) -> u64 {
        self.to_ms - self.from_ms
    }
}

async fn ask_for_ever(clock: Clock, config: ClientConfig, records: Records, is_resting: Arc<AtomicBool>) {
    let slots = Arc::new(Semaphore::new(config.in_flight));
    let mut ticks = tokio::time::interval(config.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut requests = JoinSet::new();
    loop {
        ticks.tick().await;
        while requests.try_join_next().is_some() {}
        if is_resting.load(Ordering::Relaxed) {
            continue;
        }
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let records = Arc::clone(&records);
        requests.spawn(async move {
            let started_ms = clock.ms();
            let verdict = tokio::time::timeout(config.timeout, ask(config.target))
                .await
                .unwrap_or(Verdict::TimedOut);
            let record = Record {
                started_ms,
                ended_ms: clock.ms(),
                verdict,
            };
            let mut records = lock(&records);
            if records.len() == RECORD_LIMIT {
                records.pop_front();
            }
            records.push_back(record);
            drop(slot);
        });
    }
}

async fn ask(target: SocketAddr) -> Verdict {
    match http::get(target, "/").await {
        Ok(answer) if answer.status() == hyper::StatusCode::OK => {
            let node = answer.headers().get(NODE_HEADER).and_then(|node| node.to_str().ok());
            Verdict::Good(node.map(str::to_owned))
        }
        Ok(answer) => Verdict::Status(answer.status().as_u16()),
        Err(_) => Verdict::Failed,
    }
}

fn longest_outage<'record>(records: impl Iterator<Item = &'record Record>, since_ms: u64) -> Option<Outage> {
    let mut longest: Option<Outage> = None;
    let mut last: Option<(u64, &Option<String>)> = None;
    for record in records {
        let Verdict::Good(node) = &record.verdict else {
            continue;
        };
        if let Some((from_ms, from_node)) = last.filter(|_| record.ended_ms > since_ms) {
            let gap = Outage {
                from_ms,
                to_ms: record.ended_ms,
                from_node: from_node.clone(),
                to_node: node.clone(),
            };
            if longest.as_ref().is_none_or(|longest| gap.ms() > longest.ms()) {
                longest = Some(gap);
            }
        }
        last = Some((record.ended_ms, node));
    }
    longest
}

fn outage_of_move<'record>(
    records: impl Iterator<Item = &'record Record>,
    node: &str,
    since_ms: u64,
) -> Option<Outage> {
    let mut last = None;
    for record in records {
        let Verdict::Good(by) = &record.verdict else { continue };
        if record.ended_ms > since_ms && by.as_deref() == Some(node) {
            let (from_ms, from_node) = last?;
            return Some(Outage {
                from_ms,
                to_ms: record.ended_ms,
                from_node,
                to_node: by.clone(),
            });
        }
        last = Some((record.ended_ms, by.clone()));
    }
    None
}

fn lock(records: &Records) -> MutexGuard<'_, VecDeque<Record>> {
    records.lock().expect("no code panics while it holds the records")
}

/// Nearly three hours at a connection every 10 ms; beyond it the oldest records are dropped.
const RECORD_LIMIT: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn good(ended_ms: u64, node: &str) -> Record {
        Record {
            started_ms: ended_ms - 1,
            ended_ms,
            verdict: Verdict::Good(Some(node.to_owned())),
        }
    }

    #[test]
    fn the_longest_gap_between_good_answers_is_the_outage() {
        let failed = Record {
            started_ms: 30,
            ended_ms: 40,
            verdict: Verdict::Failed,
        };
        let records = [good(10, "a"), good(20, "a"), failed, good(1020, "b"), good(1030, "b")];
        let outage = longest_outage(records.iter(), 15).unwrap();
        assert_eq!((outage.from_ms, outage.to_ms, outage.ms()), (20, 1020, 1000));
        assert_eq!(
            (outage.from_node.as_deref(), outage.to_node.as_deref()),
            (Some("a"), Some("b"))
        );
    }

    #[test]
    fn what_a_move_costs_ends_with_the_first_answer_of_the_new_node() {
        let records = [
            good(10, "b"),
            good(20, "a"),
            good(30, "a"),
            good(44, "b"),
            good(144, "b"),
        ];
        let outage = outage_of_move(records.iter(), "b", 15).unwrap();
        assert_eq!((outage.from_ms, outage.to_ms), (30, 44));
        assert_eq!(outage_of_move(records.iter(), "a", 30), None);
    }

    #[test]
    fn an_outage_before_the_moment_does_not_count() {
        let records = [good(10, "a"), good(1010, "a"), good(1020, "a")];
        assert_eq!(longest_outage(records.iter(), 1010).unwrap().ms(), 10);
        assert_eq!(longest_outage(records.iter(), 1020), None);
    }

    #[test]
    fn an_answer_under_way_when_the_fault_struck_hides_nothing() {
        let records = [good(100, "a"), good(112, "a"), good(900, "b")];
        assert_eq!(longest_outage(records.iter(), 105).unwrap().ms(), 788);
    }
}
