//! Asks a service by HTTP: at every interval, or less often while HAProxy itself says that it is well.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::{HttpTarget, LATE, Rhythm, Sample};
use crate::config::StatusRange;
use crate::probe::{Outcome, probe};

/// How often a service is asked by HTTP that serves, while HAProxy answers on its socket, too: a question costs four times what
/// one on the socket costs, and what only HTTP shows has to last for `takeover.unfit_delay` anyhow.
const CALM: Duration = Duration::from_secs(2);

/// When the next question is due.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// The time between two questions.
    pub(super) interval: Duration,
    /// What questions go along with.
    pub(super) rhythm: Rhythm,
    /// Who doubts that HAProxy is well; `None` where only HTTP can tell.
    pub(super) doubt: Option<Arc<Notify>>,
}

impl Pace {
    /// Waits until the next question is due after this answer to one of that moment.
    async fn wait(&self, asked: Instant, outcome: &Outcome) {
        match &self.doubt {
            Some(doubt) if matches!(outcome, Outcome::Served { .. }) => tokio::select! {
                () = doubt.notified() => {}
                () = self.due_after(asked, CALM.max(self.interval)) => {}
            },
            Some(_) | None => self.due_after(asked, self.interval).await,
        }
    }

    async fn due_after(&self, asked: Instant, pause: Duration) {
        self.rhythm.wait(asked + pause, self.interval / 2).await;
    }
}

/// Asks `target` at this pace, one question at a time, until nobody listens any more.
pub(super) async fn watch(target: HttpTarget, pace: Pace, samples: mpsc::Sender<Sample>) {
    loop {
        let asked = Instant::now();
        let outcome = probe(target.address, &target.path, StatusRange::SERVING, target.timeout).await;
        // A process that was paused meanwhile finds its own timeout expired, whatever the service did.
        let is_own_delay = !outcome.has_bytes() && asked.elapsed() > target.timeout + LATE;
        if !is_own_delay && samples.send(Sample::Http(outcome.clone())).await.is_err() {
            return;
        }
        pace.wait(asked, &outcome).await;
    }
}
