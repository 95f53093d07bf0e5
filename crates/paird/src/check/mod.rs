//! Whether this node's own service is fit: HAProxy asked on its runtime socket, any service asked by HTTP.
//!
//! ```text
//! haproxy::watch ──sample──┐
//!                          ├──► Board::judge ──► Verdict, to the caller
//! http::watch ─────sample──┘
//! ```
//!
//! The watchers measure and judge nothing; the board judges and measures nothing. Two rules beyond "all must be green": a
//! HAProxy that is connected but silent is left to the HTTP check where there is one, because ten leaked runtime sessions look
//! the same as a hang; and where HAProxy is asked, only its socket says that the process is gone.

mod haproxy;
mod http;

#[cfg(test)]
mod real_tests;
#[cfg(test)]
mod tests;

use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::probe::{KernelAnswer, Outcome};

/// Samples that may wait to be judged; the judge waits for nothing, so two watchers never fill it.
const INBOX: usize = 8;

/// What is checked and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// HAProxy's runtime socket, if HAProxy is asked.
    pub haproxy_socket: Option<PathBuf>,
    /// The service asked by HTTP, if any.
    pub http: Option<HttpTarget>,
    /// Time between two questions, to each.
    pub interval: Duration,
    /// How long HAProxy may be connected and silent before that alone is unfitness, where no HTTP check decides.
    pub silence_max: Duration,
}

/// A service asked by HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTarget {
    /// Where it listens.
    pub address: SocketAddr,
    /// Path of the request.
    pub path: String,
    /// Time within which the answer must have come.
    pub timeout: Duration,
}

/// What the checks say about the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is fit.
    pub state: State,
    /// Whether HAProxy, when it last answered, had as many connections as its global `maxconn` allows; it then accepts new
    /// ones and answers nothing, which a probe must not take for death.
    pub saturated: bool,
    /// What each check saw, for people.
    pub detail: String,
}

/// Fitness as measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Every check is green.
    Healthy,
    /// A check is red.
    Unhealthy {
        /// Which and why.
        reason: String,
        /// Whether the service's process is known to be dead, so that waiting for it to recover is pointless.
        process_gone: bool,
    },
    /// Not measured: nothing answered yet, or the question could not be asked.
    Unknown,
}

impl Settings {
    /// The checks `config` asks for on the node whose own private address is `own`; a silent HAProxy has one holdtime.
    #[must_use]
    pub fn new(config: &Config, own: IpAddr) -> Self {
        Self {
            haproxy_socket: config.check.haproxy_socket.clone(),
            http: config.check.http.as_ref().map(|http| HttpTarget {
                address: SocketAddr::new(own, http.port),
                path: http.path.clone(),
                timeout: http.timeout,
            }),
            interval: config.check.interval,
            silence_max: config.heartbeat.holdtime,
        }
    }
}

/// Runs the checks until dropped and reports a verdict after every measurement. Without any check it reports
/// [`State::Healthy`] each interval: after a pause the node takes no earlier verdict for granted (F-16).
pub async fn run(settings: Settings, mut report: impl FnMut(Verdict)) {
    let Settings {
        haproxy_socket,
        http,
        interval,
        silence_max,
    } = settings;
    let mut board = Board {
        haproxy: haproxy_socket.as_ref().map(|_| None),
        http: http.as_ref().map(|_| None),
        saturated: false,
        silence_max,
    };
    if board.haproxy.is_none() && board.http.is_none() {
        loop {
            report(board.judge(Instant::now()));
            sleep(interval).await;
        }
    }
    report(board.judge(Instant::now()));
    let (haproxy_out, http_out, mut inbox) = {
        let (sender, inbox) = mpsc::channel(INBOX);
        (sender.clone(), sender, inbox)
    };
    let watch_haproxy = async {
        let Some(socket) = haproxy_socket else {
            return pending().await;
        };
        haproxy::Watch::new(socket, interval, silence_max, haproxy_out)
            .run()
            .await;
    };
    let watch_http = async {
        let Some(target) = http else { return pending().await };
        http::watch(target, interval, http_out).await;
    };
    let judge = async {
        while let Some(sample) = inbox.recv().await {
            board.note(sample);
            report(board.judge(Instant::now()));
        }
    };
    tokio::join!(watch_haproxy, watch_http, judge);
}

/// One measurement.
#[derive(Clone, Debug)]
enum Sample {
    Haproxy(haproxy::Sample),
    Http(Outcome),
}

/// The latest sample of each check: the outer `None` means not configured, the inner one not measured yet.
struct Board {
    haproxy: Option<Option<haproxy::Sample>>,
    http: Option<Option<Outcome>>,
    saturated: bool,
    silence_max: Duration,
}

/// What one check makes of its latest sample.
enum View {
    Green,
    Red { process_gone: bool },
    Unmeasured,
}

impl Board {
    fn note(&mut self, sample: Sample) {
        match sample {
            Sample::Haproxy(sample) => {
                if let haproxy::Sample::Answers(info) = &sample {
                    self.saturated = info.is_saturated();
                }
                self.haproxy = Some(Some(sample));
            }
            Sample::Http(outcome) => self.http = Some(Some(outcome)),
        }
    }

    fn judge(&self, now: Instant) -> Verdict {
        let views = [self.view_haproxy(now), self.view_http()];
        let mut reds = Vec::new();
        let (mut gone, mut unmeasured) = (false, false);
        for (view, detail) in views.iter().flatten() {
            match view {
                View::Green => {}
                View::Red { process_gone } => {
                    reds.push(detail.as_str());
                    gone |= process_gone;
                }
                View::Unmeasured => unmeasured = true,
            }
        }
        let state = if !reds.is_empty() {
            State::Unhealthy {
                reason: reds.join("; "),
                process_gone: gone,
            }
        } else if unmeasured {
            State::Unknown
        } else {
            State::Healthy
        };
        let details: Vec<_> = views.iter().flatten().map(|(_, detail)| detail.as_str()).collect();
        let detail = if details.is_empty() {
            "no check".to_owned()
        } else {
            details.join("; ")
        };
        Verdict {
            state,
            saturated: self.saturated,
            detail,
        }
    }

    fn view_haproxy(&self, now: Instant) -> Option<(View, String)> {
        use haproxy::Sample::{Answers, Gone, Silent, Unasked};
        Some(match self.haproxy.as_ref()? {
            None => (View::Unmeasured, "haproxy not asked yet".to_owned()),
            Some(Answers(info)) => (View::Green, info.to_string()),
            Some(Gone { reason }) => (View::Red { process_gone: true }, format!("haproxy is gone: {reason}")),
            Some(Unasked { reason }) => (View::Unmeasured, format!("haproxy cannot be asked: {reason}")),
            Some(Silent { since, has_answered }) => {
                let silence = now.saturating_duration_since(*since);
                let view = if self.http.is_some() {
                    View::Green
                } else if silence >= self.silence_max {
                    View::Red { process_gone: false }
                } else if *has_answered {
                    View::Green
                } else {
                    View::Unmeasured
                };
                (
                    view,
                    format!("haproxy has not answered on its socket for {} ms", silence.as_millis()),
                )
            }
        })
    }

    fn view_http(&self) -> Option<(View, String)> {
        let red = |process_gone| View::Red { process_gone };
        let Some(outcome) = self.http.as_ref()? else {
            return Some((View::Unmeasured, "http not asked yet".to_owned()));
        };
        Some(match outcome {
            Outcome::Served { status } => (View::Green, format!("http {status}")),
            Outcome::BadStatus(Some(status)) => (red(false), format!("http {status}")),
            Outcome::BadStatus(None) => (red(false), "http answer without a status".to_owned()),
            Outcome::Kernel(KernelAnswer::Refused) => {
                (red(self.haproxy.is_none()), "http connection refused".to_owned())
            }
            Outcome::Kernel(KernelAnswer::Closed) => (red(false), "http connection closed without answer".to_owned()),
            Outcome::Kernel(KernelAnswer::Silent) => (red(false), "http connected but silent".to_owned()),
            Outcome::Nothing => (red(false), "http no answer".to_owned()),
            Outcome::NotAsked { error } => (View::Unmeasured, format!("http cannot be asked: {error}")),
        })
    }
}
