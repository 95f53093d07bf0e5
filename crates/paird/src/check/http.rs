//! Asks a service by HTTP: an interval after the last question at most, or less often while HAProxy itself says that it is well.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::{HttpTarget, LATE, Pace, Sample};
use crate::config::StatusRange;
use crate::probe::{Outcome, probe};

/// How often a service is asked by HTTP that serves, while HAProxy answers on its socket, too: a question costs four times what
/// one on the socket costs, and what only HTTP shows has to last for `takeover.unfit_delay` anyhow.
const CALM: Duration = Duration::from_secs(2);

/// Asks `target` at this pace, one question at a time, until nobody listens any more. Where HAProxy is asked, too, `doubt` wakes it as
/// soon as that is not well.
pub(super) async fn watch(target: HttpTarget, pace: Pace, doubt: Option<Arc<Notify>>, samples: mpsc::Sender<Sample>) {
    loop {
        let asked = Instant::now();
        let outcome = probe(target.address, &target.path, StatusRange::SERVING, target.timeout).await;
        let is_served = matches!(outcome, Outcome::Served { .. });
        // A process that was paused meanwhile finds its own timeout expired, or what was true before (F-16).
        let is_own_delay = asked.elapsed() > target.timeout + LATE;
        if !is_own_delay && samples.send(Sample::Http(outcome)).await.is_err() {
            return;
        }
        match &doubt {
            Some(doubt) if is_served => tokio::select! {
                () = doubt.notified() => {}
                () = pace.wait_for(asked, CALM.max(pace.interval)) => {}
            },
            Some(_) | None => pace.wait(asked).await,
        }
    }
}
