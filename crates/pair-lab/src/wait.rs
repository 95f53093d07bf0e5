//! Waiting with a deadline, and Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

/// Whether somebody wants the program to end. What it started ends with it.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from here on.
    pub(crate) fn listen() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let raised = Arc::clone(&flag);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot listen for signals")?;
        thread::spawn(move || {
            runtime.block_on(async {
                let (Ok(mut interrupt), Ok(mut terminate)) =
                    (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
                else {
                    return;
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                raised.store(true, Ordering::Relaxed);
            });
        });
        Ok(Self(flag))
    }

    /// Waits for it.
    pub(crate) fn wait(&self) {
        while !self.is_raised() {
            thread::sleep(POLL);
        }
    }

    /// Polls until `poll` gives something, at most for `patience`; `what` says what was waited for.
    pub(crate) fn until<T>(
        &self,
        what: &str,
        patience: Duration,
        mut poll: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            if self.is_raised() {
                bail!("interrupted");
            }
            if let Some(found) = poll()? {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                bail!("{what}: not within {patience:?}");
            }
            thread::sleep(POLL);
        }
    }

    /// Whether somebody does.
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);
