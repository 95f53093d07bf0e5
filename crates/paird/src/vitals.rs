//! The own service, its host and the place to land: measured beside the event loop, and told to it.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pair_core::Instant;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tracing::debug;

use crate::check::{self, Rhythm};
use crate::clock::Clock;
use crate::cloud::pause_after;
use crate::config::{AddressIndex, Config};
use crate::doctor::{self, Patient};
use crate::landing;
use crate::news::{AddressNews, News};

/// How often it is looked whether the address could land here (F-21): a look at the interfaces and one local connection.
const LANDING_INTERVAL: Duration = Duration::from_secs(10);

/// How often while it could not: at a boot the agent is often there before its service listens, and a standby must not be unready for
/// longer than that takes.
const LANDING_RETRY: Duration = Duration::from_secs(1);

/// Tells the verdicts of the checks, for ever: one that differs from the one before at once, and what is as it was when the event
/// loop turns next. Made to run on the loop's own thread, which waits for nothing of it: a service is asked about as often as
/// heartbeats are exchanged, and a thread that is awake already asks almost for nothing.
pub async fn watch_service(
    settings: check::Settings,
    rhythm: Rhythm,
    elsewhere: Handle,
    clock: Clock,
    tell: mpsc::Sender<News>,
    unchanged: Arc<Unchanged>,
) {
    let mut told = Told::default();
    check::run(settings, rhythm, elsewhere, |verdict| {
        if told.is_news(&verdict) {
            unchanged.put(None);
            if tell.try_send(News::Checked(verdict)).is_err() {
                debug!("verdict dropped: the event loop is busy, and the next one follows soon");
                told = Told::default();
            }
        } else {
            unchanged.put(Some((clock.now(), verdict)));
        }
    })
    .await;
}

/// The newest verdict, if it says what the one before said: nothing for which the event loop, which turns with every heartbeat,
/// must be woken. It takes it all the same, since after a pause no earlier verdict counts (F-16).
#[derive(Debug, Default)]
pub struct Unchanged(Mutex<Option<(Instant, check::Verdict)>>);

impl Unchanged {
    /// Takes the verdict that came since it was last asked, unless it is `age` old: then it may be from before a pause.
    pub fn take(&self, now: Instant, age: Duration) -> Option<check::Verdict> {
        let taken = self.0.lock().expect("nothing panics while it holds this lock").take();
        taken.filter(|(at, _)| now.since(*at) < age).map(|(_, verdict)| verdict)
    }

    fn put(&self, verdict: Option<(Instant, check::Verdict)>) {
        *self.0.lock().expect("nothing panics while it holds this lock") = verdict;
    }
}

/// What of the last verdict the core was told.
#[derive(Default)]
struct Told(Option<(check::State, bool)>);

impl Told {
    /// Whether the core would learn something.
    fn is_news(&mut self, verdict: &check::Verdict) -> bool {
        let is_known = self
            .0
            .as_ref()
            .is_some_and(|(state, saturated)| (state, *saturated) == (&verdict.state, verdict.saturated));
        if !is_known {
            self.0 = Some((verdict.state.clone(), verdict.saturated));
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
    loop {
        let mut can_all_land = true;
        if let Ok(local) = landing::local_addresses() {
            for (index, private_ip) in private_ips.iter().enumerate() {
                let obstacles = landing::obstacles(*private_ip, port, &local).await;
                can_all_land &= obstacles.is_empty();
                let news = AddressNews::Landing(obstacles).about(AddressIndex(index));
                if tell.send(news).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(landing_pause(can_all_land)).await;
    }
}

const fn landing_pause(can_all_land: bool) -> Duration {
    if can_all_land { LANDING_INTERVAL } else { LANDING_RETRY }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(state: check::State, saturated: bool) -> check::Verdict {
        check::Verdict {
            state,
            saturated,
            detail: String::new(),
        }
    }

    #[test]
    fn a_verdict_is_news_if_the_core_would_learn_something() {
        let mut told = Told::default();
        assert!(told.is_news(&verdict(check::State::Healthy, false)));
        assert!(!told.is_news(&verdict(check::State::Healthy, false)));
        assert!(told.is_news(&verdict(check::State::Healthy, true)));
        assert!(told.is_news(&verdict(check::State::Unknown, true)));
        assert!(!told.is_news(&verdict(check::State::Unknown, true)));
    }

    #[test]
    fn where_an_address_could_not_land_it_is_looked_again_each_second() {
        assert_eq!(landing_pause(true), LANDING_INTERVAL);
        assert_eq!(landing_pause(false), LANDING_RETRY);
    }

    #[test]
    fn an_unchanged_verdict_is_taken_once_and_not_after_a_pause() {
        let unchanged = Unchanged::default();
        let (measured, age) = (Instant::from_nanos(1_000), Duration::from_millis(200));
        let put = || unchanged.put(Some((measured, verdict(check::State::Healthy, false))));
        put();
        let (early, late) = (measured + (age - Duration::from_nanos(1)), measured + age);
        assert!(unchanged.take(early, age).is_some());
        assert!(unchanged.take(early, age).is_none());
        put();
        assert!(unchanged.take(late, age).is_none());
    }
}
