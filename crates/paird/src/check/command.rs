//! Runs a program of the operator at every interval: what it ends with says whether the service is fit.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, timeout};

use super::{CommandTarget, LATE};
use crate::child::{self, Child};

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// It ended with 0.
    Fit,
    /// It ended otherwise.
    Unfit {
        /// How.
        reason: String,
    },
    /// It could not be run, so nothing is learned about the service.
    NotRun {
        /// What the operating system said.
        error: String,
    },
}

/// Runs the program once per its interval, never twice at a time, until nobody listens to the samples any more.
pub(super) async fn watch(target: CommandTarget, samples: mpsc::Sender<super::Sample>) {
    let mut ticks = tokio::time::interval(target.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(sample) = ask(&target.program, target.timeout).await
            && samples.send(super::Sample::Command(sample)).await.is_err()
        {
            return;
        }
    }
}

/// Runs the program to its end or until its time is over; `None` if it was this process that had no time.
async fn ask(program: &Path, limit: Duration) -> Option<Sample> {
    let asked = Instant::now();
    let mut child = match Child::start(&mut child::command(program)) {
        Ok(child) => child,
        Err(error) => {
            let error = error.to_string();
            return Some(Sample::NotRun { error });
        }
    };
    match timeout(limit, child.process.wait()).await {
        Ok(Ok(status)) if status.success() => Some(Sample::Fit),
        Ok(Ok(status)) => {
            let reason = child::end_of(status);
            Some(Sample::Unfit { reason })
        }
        Ok(Err(error)) => {
            let error = error.to_string();
            Some(Sample::NotRun { error })
        }
        Err(_elapsed) => {
            let is_own_delay = asked.elapsed() > limit + LATE;
            child.end().await;
            let reason = "it took too long and was ended".to_owned();
            (!is_own_delay).then_some(Sample::Unfit { reason })
        }
    }
}
