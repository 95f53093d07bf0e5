//! HAProxy's runtime socket, held open: the quickest death notice there is.
//!
//! ```text
//!            ┌─────────────── refused, no socket: gone; again at the next interval ◄─┐
//!            ▼                                                                       │
//!       connecting ──► asking ──answer──► waiting ──interval──► asking               │
//!            ▲           │ │                 │                                       │
//!            │           │ └─ end of file ◄──┘ ── reconnect at once ─────────────────┤
//!            │           └─ "Stopping: 1": a reload; close and reconnect at once ────┤
//!            └───────────── silent for too long: reconnect ──────────────────────────┘
//! ```
//!
//! The ordinary story: one connection in prompt mode, `show info` at every interval, or earlier along with a heartbeat. When the
//! worker is killed the connection ends about a millisecond later, the reconnect is refused, and the process is known to be gone.
//!
//! The odd cases. `stats timeout` ends a connection, too, so an end of file is confirmed by one reconnect and is no verdict of
//! its own. After a reload the old worker keeps a held connection, and itself, alive for as long as the client likes: its
//! `Stopping: 1` makes us let go, and the new worker answers on the same path. A hung HAProxy still has its connects completed
//! by the kernel, until the queue is full: that is silence, as is a worker that never stops stopping.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};
use tracing::debug;

use super::session::Session;
use super::{LATE, Pace};
use crate::alarm::Alarm;
use crate::clock::boot_time;

/// The pause before reconnecting when the connection before ended within an interval: short enough to see a dying master
/// die, doubled each time up to the interval. After a connection that lasted longer there is no pause.
const PAUSE_MIN: Duration = Duration::from_millis(5);
/// A HAProxy that takes longer is in doubt, a guess: the answer of one that is well takes less than a millisecond.
const PROMPTLY: Duration = Duration::from_millis(10);

/// What the socket shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// A running worker answered.
    Answers(Info),
    /// Nobody accepts connections.
    Gone { reason: String },
    /// Connections are accepted and not answered.
    Silent { since: Instant, has_answered: bool },
    /// The socket could not be asked for a reason on our side, such as its permissions.
    Unasked { reason: String },
}

/// What of `show info` matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    version: String,
    connections: u64,
    connections_max: u64,
    is_stopping: bool,
}

/// Why a connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// End of file, a reset, bytes that are no answer, or no connection at all.
    Closed,
    /// The worker behind it is the old one of a reload.
    Stopping,
    /// It has been silent for too long.
    Stuck,
    /// Nobody wants the samples any more.
    Unwanted,
}

/// Watches one socket.
pub(super) struct Watch {
    socket: PathBuf,
    pace: Pace,
    /// How long a connection may be silent before another one is tried.
    silence_max: Duration,
    /// Wakes who can tell in another way whether HAProxy is well.
    doubt: Arc<Notify>,
    samples: mpsc::Sender<super::Sample>,
    has_answered: bool,
    unanswered_since: Option<Instant>,
}

impl Watch {
    pub(super) fn new(
        socket: PathBuf,
        pace: Pace,
        silence_max: Duration,
        doubt: Arc<Notify>,
        samples: mpsc::Sender<super::Sample>,
    ) -> Self {
        Self {
            socket,
            pace,
            silence_max,
            doubt,
            samples,
            has_answered: false,
            unanswered_since: None,
        }
    }

    /// Watches until nobody wants the samples any more.
    pub(super) async fn run(mut self) {
        let Some(mut alarm) = self.alarm().await else { return };
        let mut pause = PAUSE_MIN;
        loop {
            let began = Instant::now();
            self.unanswered_since.get_or_insert(began);
            let end = match Session::open(&self.socket) {
                Ok(session) => self.attend(session, &mut alarm).await,
                Err(error) => self.note_unconnected(&error).await,
            };
            self.doubt.notify_one();
            debug!(?end, lasted = ?began.elapsed(), "connection to haproxy ended");
            if end == End::Unwanted || self.note_silence().await.is_err() {
                return;
            }
            if began.elapsed() >= self.pace.interval {
                pause = PAUSE_MIN;
            } else {
                sleep(pause).await;
                pause = (pause * 2).min(self.pace.interval);
            }
        }
    }

    /// Asks over one connection for as long as it answers.
    async fn attend(&mut self, mut session: Session, alarm: &mut Alarm) -> End {
        match self.ask(&mut session, "prompt\n").await {
            Ok(_greeting) => {}
            Err(end) => return end,
        }
        loop {
            let (asked, due) = (Instant::now(), boot_time() + self.pace.interval);
            self.unanswered_since.get_or_insert_with(Instant::now);
            let info = match self.ask(&mut session, "show info\n").await {
                Ok(answer) => Info::parse(answer),
                Err(end) => return end,
            };
            if info.is_stopping {
                return End::Stopping;
            }
            (self.has_answered, self.unanswered_since) = (true, None);
            if self.send(Sample::Answers(info)).await.is_err() {
                return End::Unwanted;
            }
            tokio::select! {
                biased;
                () = session.ended() => return End::Closed,
                () = self.pace.turn(asked) => {}
                rung = alarm.ring_at(due) => if rung.is_err() { return End::Closed },
            }
        }
    }

    /// Sends a command and reads up to the next prompt, reporting silence at every interval meanwhile.
    async fn ask<'s>(&mut self, session: &'s mut Session, command: &str) -> Result<&'s [u8], End> {
        let mut began = Instant::now();
        let mut patience = PROMPTLY.min(self.pace.interval);
        let exchange = session.ask(command);
        tokio::pin!(exchange);
        loop {
            let waits = Instant::now();
            if let Ok(answer) = timeout(patience, &mut exchange).await {
                return answer.map_err(|_| End::Closed);
            }
            if waits.elapsed() > patience + LATE {
                // This process was paused, and its whole host perhaps: then HAProxy has had no time to answer either (F-16).
                began = Instant::now();
                self.unanswered_since = Some(began);
            }
            self.doubt.notify_one();
            self.note_silence().await?;
            let left = self.silence_max.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(End::Stuck);
            }
            patience = left.min(self.pace.interval);
        }
    }

    /// The timer of its questions, once there is one; `None` if nobody wants the samples any more.
    async fn alarm(&mut self) -> Option<Alarm> {
        loop {
            let reason = match Alarm::new() {
                Ok(alarm) => return Some(alarm),
                Err(error) => format!("no timer: {error}"),
            };
            self.send(Sample::Unasked { reason }).await.ok()?;
            sleep(self.pace.interval).await;
        }
    }

    /// Reports that, and for how long, nothing has answered, once that is longer than an interval.
    async fn note_silence(&mut self) -> Result<(), End> {
        match self.unanswered_since {
            Some(since) if since.elapsed() >= self.pace.interval => {
                let has_answered = self.has_answered;
                self.send(Sample::Silent { since, has_answered }).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Reports what a failed connect shows, waits until the next one is due, and says how to go on.
    async fn note_unconnected(&mut self, error: &io::Error) -> End {
        let reason = format!("{}: {error}", self.socket.display());
        let sample = match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Sample::Gone { reason },
            // The queue of connections nobody accepts is full (connect(2), EAGAIN on Unix sockets).
            io::ErrorKind::WouldBlock => return End::Closed,
            _ => Sample::Unasked { reason },
        };
        if self.send(sample).await.is_err() {
            return End::Unwanted;
        }
        sleep(self.pace.interval).await;
        // Whoever binds the socket next has neither answered nor been silent meanwhile.
        (self.has_answered, self.unanswered_since) = (false, None);
        End::Closed
    }

    async fn send(&mut self, sample: Sample) -> Result<(), End> {
        self.samples
            .send(super::Sample::Haproxy(sample))
            .await
            .map_err(|_| End::Unwanted)
    }
}

impl Info {
    /// Reads lines `Name: value`; names that are not there keep their zero. Of nearly a hundred lines four matter, so each is looked at
    /// no closer than it takes to pass it by.
    fn parse(answer: &[u8]) -> Self {
        let mut info = Self::default();
        for line in answer.split(|byte| *byte == b'\n') {
            let value = |name: &[u8]| line.strip_prefix(name).map(String::from_utf8_lossy);
            if let Some(version) = value(b"Version: ") {
                info.version = version.into_owned();
            } else if let Some(connections) = value(b"CurrConns: ") {
                info.connections = connections.parse().unwrap_or_default();
            } else if let Some(connections_max) = value(b"Maxconn: ") {
                info.connections_max = connections_max.parse().unwrap_or_default();
            } else if let Some(stopping) = value(b"Stopping: ") {
                info.is_stopping = stopping != "0";
            }
        }
        info
    }

    /// Whether it holds as many connections as its global `maxconn` allows.
    pub(super) fn is_saturated(&self) -> bool {
        self.connections_max > 0 && self.connections >= self.connections_max
    }
}

impl fmt::Display for Info {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "haproxy {} with {} of {} connections",
            self.version, self.connections, self.connections_max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn show_info_is_read_by_name_and_anything_else_is_zero() {
        let answer = b"Name: HAProxy\nVersion: 2.6.12\nMaxconn: 100\nCurrConns: 100\nStopping: 0\nodd\n\n> ";
        let info = Info::parse(answer);
        assert_eq!(info.to_string(), "haproxy 2.6.12 with 100 of 100 connections");
        assert!(info.is_saturated() && !info.is_stopping);
        assert!(Info::parse(b"Stopping: 1\n").is_stopping);
        let odd = Info::parse(b"Maxconn: many\nCurrConns: \xff\n");
        assert!(!odd.is_saturated() && !odd.is_stopping);
    }
}
