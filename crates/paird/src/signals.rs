//! What the service manager wants, or somebody with `kill`.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::news::{News, Signal};

/// Has signals told among the other news from here on: three streams that are asked at every turn cost more than a turn that has
/// nothing to do. Must be called within a runtime.
///
/// # Errors
/// If the system does not let this process listen for one.
pub fn listen(tell: mpsc::Sender<News>) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                _ = terminate.recv() => Signal::Stop,
                _ = interrupt.recv() => Signal::Stop,
                _ = hangup.recv() => Signal::Reload,
            };
            if tell.send(News::Signal(signal)).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}
