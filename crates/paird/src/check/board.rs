//! What the latest samples of all checks say together.

use std::time::Duration;

use tokio::time::Instant;

use super::{Sample, State, Verdict, command, haproxy, tcp};
use crate::probe::{KernelAnswer, Outcome};

/// The latest sample of each check: the outer `None` means not configured, the inner one not measured yet.
pub(super) struct Board {
    pub(super) haproxy: Option<Option<haproxy::Sample>>,
    pub(super) http: Option<Option<Outcome>>,
    pub(super) tcp: Option<Option<tcp::Sample>>,
    pub(super) command: Option<Option<command::Sample>>,
    pub(super) saturated: bool,
    /// How long HAProxy may be connected and silent before that alone is unfitness.
    pub(super) silence_max: Duration,
}

/// What one check makes of its latest sample.
enum View {
    Green,
    Red { process_gone: bool },
    Unmeasured,
}

impl Board {
    /// Whether nothing is checked at all.
    pub(super) const fn is_bare(&self) -> bool {
        self.haproxy.is_none() && self.http.is_none() && self.tcp.is_none() && self.command.is_none()
    }

    /// Takes in a measurement.
    pub(super) fn note(&mut self, sample: Sample) {
        match sample {
            Sample::Haproxy(sample) => {
                if let haproxy::Sample::Answers(info) = &sample {
                    self.saturated = info.is_saturated();
                }
                self.haproxy = Some(Some(sample));
            }
            Sample::Http(outcome) => self.http = Some(Some(outcome)),
            Sample::Tcp(sample) => self.tcp = Some(Some(sample)),
            Sample::Command(sample) => self.command = Some(Some(sample)),
        }
    }

    /// Judges all of them at `now`: every check has to be green.
    pub(super) fn judge(&self, now: Instant) -> Verdict {
        let views = [
            self.view_haproxy(now),
            self.view_http(),
            self.view_tcp(),
            self.view_command(),
        ];
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

    fn view_tcp(&self) -> Option<(View, String)> {
        let red = |process_gone| View::Red { process_gone };
        Some(match self.tcp.as_ref()? {
            None => (View::Unmeasured, "tcp not asked yet".to_owned()),
            Some(tcp::Sample::Accepted) => (View::Green, "tcp accepted".to_owned()),
            Some(tcp::Sample::Refused) => (red(self.haproxy.is_none()), "tcp connection refused".to_owned()),
            Some(tcp::Sample::Nothing) => (red(false), "tcp no answer".to_owned()),
            Some(tcp::Sample::NotAsked { error }) => (View::Unmeasured, format!("tcp cannot be asked: {error}")),
        })
    }

    fn view_command(&self) -> Option<(View, String)> {
        Some(match self.command.as_ref()? {
            None => (View::Unmeasured, "command not run yet".to_owned()),
            Some(command::Sample::Fit) => (View::Green, "command ok".to_owned()),
            Some(command::Sample::Unfit { reason }) => {
                (View::Red { process_gone: false }, format!("command: {reason}"))
            }
            Some(command::Sample::NotRun { error }) => (View::Unmeasured, format!("command cannot be run: {error}")),
        })
    }
}
