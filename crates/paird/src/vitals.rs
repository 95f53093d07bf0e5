//! The own service and the place to land: measured on the other thread, told to the event loop.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::debug;

use crate::check;
use crate::cloud::pause_after;
use crate::config::{AddressIndex, Config};
use crate::doctor::{self, Patient};
use crate::landing;
use crate::news::{AddressNews, News};

/// How often it is looked whether the address could land here (F-21): a look at the interfaces and one local connection.
const LANDING_INTERVAL: Duration = Duration::from_secs(5);

/// Tells the verdicts of the checks, for ever: each that differs from the one before, and at least one each interval or so.
pub async fn watch_service(config: Config, own: IpAddr, tell: mpsc::Sender<News>) {
    let settings = check::Settings::new(&config, own);
    let mut told = Told::nothing(settings.interval / 2);
    check::run(settings, |verdict| {
        if told.is_worth_telling(Instant::now(), &verdict) && tell.try_send(News::Checked(verdict)).is_err() {
            debug!("verdict dropped: the event loop is busy, and the next one follows soon");
        }
    })
    .await;
}

/// The last verdict that was told. Several checks that answer in turn need not wake the event loop for each answer.
struct Told {
    verdict: Option<(Instant, check::State, bool)>,
    /// How long the same verdict needs no telling again: less than an interval, so that none is missed in the core's eyes, and
    /// after a pause the next one is told (F-16).
    quiet: Duration,
}

impl Told {
    const fn nothing(quiet: Duration) -> Self {
        Self { verdict: None, quiet }
    }

    fn is_worth_telling(&mut self, now: Instant, verdict: &check::Verdict) -> bool {
        let is_known = self.verdict.as_ref().is_some_and(|(at, state, saturated)| {
            now.duration_since(*at) < self.quiet && (state, *saturated) == (&verdict.state, verdict.saturated)
        });
        if !is_known {
            self.verdict = Some((now, verdict.state.clone(), verdict.saturated));
        }
        !is_known
    }
}

/// What is checked, in one word.
#[must_use]
pub const fn service_name(config: &Config) -> &'static str {
    let check = &config.check;
    if check.haproxy_socket.is_some() {
        "haproxy"
    } else if check.http.is_some() {
        "http"
    } else if check.tcp.is_some() {
        "tcp"
    } else if check.command.is_some() {
        "command"
    } else {
        "service"
    }
}

/// Tells what is found in files, kernel and HAProxy of this host, for ever: rarely while nothing is, often while something is,
/// and at once when `soon` says so.
pub async fn watch_host(patient: Patient, soon: Arc<Notify>, tell: mpsc::Sender<News>) {
    loop {
        let host = doctor::examine_host(&patient).await;
        let pause = pause_after(host.findings().is_empty(), patient.config.readiness_interval);
        if tell.send(News::Host(host)).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = soon.notified() => {}
        }
    }
}

/// Tells whether each address could land here, for ever: they would land on these, in the order of the file.
pub async fn watch_landing(private_ips: Vec<Ipv4Addr>, port: Option<u16>, tell: mpsc::Sender<News>) {
    let mut ticks = tokio::time::interval(LANDING_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ok(local) = landing::local_addresses() else {
            continue;
        };
        for (index, private_ip) in private_ips.iter().enumerate() {
            let obstacles = landing::obstacles(*private_ip, port, &local).await;
            let news = AddressNews::Landing(obstacles).about(AddressIndex(index));
            if tell.send(news).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_verdict_is_told_once_in_half_an_interval_and_another_at_once() {
        let verdict = |state, saturated| check::Verdict {
            state,
            saturated,
            detail: String::new(),
        };
        let healthy = verdict(check::State::Healthy, false);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut told = Told::nothing(Duration::from_millis(100));
        assert!(told.is_worth_telling(at(0), &healthy));
        assert!(!told.is_worth_telling(at(99), &healthy));
        assert!(told.is_worth_telling(at(100), &healthy));
        assert!(told.is_worth_telling(at(101), &verdict(check::State::Healthy, true)));
        assert!(told.is_worth_telling(at(102), &verdict(check::State::Unknown, true)));
        assert!(!told.is_worth_telling(at(103), &verdict(check::State::Unknown, true)));
    }
}
