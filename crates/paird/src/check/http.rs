//! Asks a service by HTTP at every interval.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::{HttpTarget, LATE, Sample};
use crate::config::StatusRange;
use crate::probe::probe;

/// Asks `target` once per `interval`, one question at a time, until nobody listens any more.
pub(super) async fn watch(target: HttpTarget, interval: Duration, samples: mpsc::Sender<Sample>) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        let outcome = probe(target.address, &target.path, StatusRange::SERVING, target.timeout).await;
        // A process that was paused meanwhile finds its own timeout expired, whatever the service did.
        let is_own_delay = !outcome.has_bytes() && asked.elapsed() > target.timeout + LATE;
        if !is_own_delay && samples.send(Sample::Http(outcome)).await.is_err() {
            return;
        }
    }
}
