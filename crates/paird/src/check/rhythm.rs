//! When a question is asked: along with a turn of the event loop, if one comes soon enough.
//!
//! To wake a thread that sleeps costs more than what it then does. So what is asked about as often as heartbeats are exchanged is
//! asked when one has just gone out or come in, up to half an interval before it is due, and wakes the thread by itself only if the
//! loop does not turn by then.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// The turns of the event loop, for those who ask along with them. Clones are of one rhythm.
#[derive(Clone, Debug, Default)]
pub struct Rhythm(Arc<Notify>);

impl Rhythm {
    /// The loop turns.
    pub fn beat(&self) {
        self.0.notify_waiters();
    }

    /// Waits until `due`, or for a turn that comes at most `early` before.
    pub(super) async fn wait(&self, due: Instant, early: Duration) {
        // Either way it is time.
        let _ = timeout_at(due, self.turn(due - early)).await;
    }

    /// Waits for a turn at that moment or later.
    pub(super) async fn turn(&self, from: Instant) {
        loop {
            self.0.notified().await;
            if Instant::now() >= from {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// Whether a question that is due in an hour and may be asked so much earlier is asked when the loop turns.
    async fn goes_along(early: Duration) -> bool {
        let rhythm = Rhythm::default();
        let follower = rhythm.clone();
        let due = Instant::now() + HOUR;
        let waiting = tokio::spawn(async move { follower.wait(due, early).await });
        yield_now().await;
        rhythm.beat();
        yield_now().await;
        let is_asked = waiting.is_finished();
        waiting.abort();
        is_asked
    }

    #[tokio::test]
    async fn a_question_goes_along_with_a_turn_that_comes_soon_enough() {
        assert!(goes_along(HOUR).await);
        assert!(!goes_along(HOUR / 2).await);
    }

    #[tokio::test]
    async fn a_question_waits_for_no_turn_beyond_its_time() {
        Rhythm::default()
            .wait(Instant::now() + Duration::from_millis(1), Duration::ZERO)
            .await;
    }

    #[tokio::test]
    async fn a_turn_that_comes_too_early_is_waited_out() {
        let rhythm = Rhythm::default();
        let follower = rhythm.clone();
        let from = Instant::now() + Duration::from_millis(20);
        let waiting = tokio::spawn(async move {
            follower.turn(from).await;
            Instant::now()
        });
        while !waiting.is_finished() {
            rhythm.beat();
            yield_now().await;
        }
        assert!(waiting.await.expect("it waits") >= from);
    }
}
