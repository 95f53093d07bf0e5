//! The own service and the place to land: measured on the other thread, told to the event loop.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tracing::debug;

use crate::check;
use crate::cloud::pause_after;
use crate::config::Config;
use crate::doctor::{self, Patient};
use crate::landing;
use crate::news::News;

/// How often it is looked whether the address could land here (F-21): a look at the interfaces and one local connection.
const LANDING_INTERVAL: Duration = Duration::from_secs(5);

/// Tells every verdict of the checks, for ever.
pub async fn watch_service(config: Config, own: IpAddr, tell: mpsc::Sender<News>) {
    check::run(check::Settings::new(&config, own), |verdict| {
        if tell.try_send(News::Checked(verdict)).is_err() {
            debug!("verdict dropped: the event loop is busy, and the next one follows soon");
        }
    })
    .await;
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

/// Tells whether the address could land here, for ever.
pub async fn watch_landing(private_ip: Ipv4Addr, port: Option<u16>, tell: mpsc::Sender<News>) {
    let mut ticks = tokio::time::interval(LANDING_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Ok(local) = landing::local_addresses() else {
            continue;
        };
        let obstacles = landing::obstacles(private_ip, port, &local).await;
        if tell.send(News::Landing(obstacles)).await.is_err() {
            return;
        }
    }
}
