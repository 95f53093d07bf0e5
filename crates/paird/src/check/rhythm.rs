//! When a question is asked: along with a turn of the event loop, if one comes soon enough.
//!
//! To wake a thread that sleeps costs more than what it then does. So what is asked about as often as heartbeats are exchanged is
//! asked when one has just gone out or come in, up to one interval of theirs before it is due, and wakes the thread by itself only if
//! the loop does not turn by then.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// The turns of the event loop, for those who ask along with them. Clones are of one rhythm.
#[derive(Clone, Debug, Default)]
pub struct Rhythm(Arc<Notify>);

/// When a service is asked again.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// The most time between two questions.
    pub(super) interval: Duration,
    /// How much earlier a question goes along with a turn.
    pub(super) early: Duration,
    /// The turns.
    pub(super) rhythm: Rhythm,
}

impl Rhythm {
    /// The loop turns.
    pub fn beat(&self) {
        self.0.notify_waiters();
    }

    /// Waits for a turn at that moment or later.
    async fn turn(&self, from: Instant) {
        loop {
            self.0.notified().await;
            if Instant::now() >= from {
                return;
            }
        }
    }
}

impl Pace {
    /// Waits until the question after one of that moment is due.
    pub(super) async fn wait(&self, asked: Instant) {
        self.wait_for(asked, self.interval).await;
    }

    /// Waits until a question is due that comes so much later than one of that moment, or for a turn a little before.
    pub(super) async fn wait_for(&self, asked: Instant, pause: Duration) {
        let due = asked + pause;
        // Either way it is time.
        let _ = timeout_at(due, self.rhythm.turn(due - self.early)).await;
    }

    /// Waits for a turn with which the question after one of that moment goes along.
    pub(super) async fn turn(&self, asked: Instant) {
        self.rhythm.turn(asked + self.interval - self.early).await;
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
        let pace = Pace {
            interval: HOUR,
            early,
            rhythm: rhythm.clone(),
        };
        let waiting = tokio::spawn(async move { pace.wait(Instant::now()).await });
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
        let pace = Pace {
            interval: Duration::from_millis(1),
            early: Duration::ZERO,
            rhythm: Rhythm::default(),
        };
        pace.wait(Instant::now()).await;
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
