//! One verdict of the checks of the own service.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Patient;
use super::chart::Chart;
use crate::check::{self, HttpTarget, Rhythm, Settings, State, Verdict};
use crate::config::Config;
use crate::problems::degraded;

const SUBJECT: &str = "service";

/// How much longer than the checks themselves a verdict may take.
const MARGIN: Duration = Duration::from_secs(1);

/// Where the own service should answer by HTTP.
pub(super) fn targets(patient: &Patient, own: IpAddr) -> Vec<HttpTarget> {
    let probed = patient.config.probe.iter().flat_map(|probe| {
        patient.private_ips.iter().map(|private_ip| HttpTarget {
            address: SocketAddr::from((*private_ip, probe.port)),
            path: probe.path.clone(),
            timeout: probe.timeout,
        })
    });
    let checked = Settings::new(&patient.config, own).http;
    probed.chain(checked).collect()
}

/// Examines the service; `is_haproxy_told` if it is known that HAProxy cannot be asked on its socket.
pub(super) async fn examine(config: &Config, own: IpAddr, is_haproxy_told: bool, chart: &mut Chart) {
    let mut settings = Settings::new(config, own);
    if is_haproxy_told {
        settings.haproxy_socket = None;
        if settings.http.is_none() && settings.tcp.is_none() && settings.command.is_none() {
            return chart.skipped(
                SUBJECT,
                "haproxy cannot be asked, and there is no other check".to_owned(),
            );
        }
    }
    let verdict = verdict(settings).await;
    match verdict.state {
        State::Healthy => chart.sound(SUBJECT, verdict.detail),
        State::Unhealthy { .. } | State::Unknown => {
            let hint = "repair the service on this node";
            chart.found(SUBJECT, vec![degraded("service-unfit", verdict.detail, hint)]);
        }
    }
}

/// Waits for a verdict that says something; the last one if none does in time.
async fn verdict(settings: Settings) -> Verdict {
    let timeouts = [
        settings.http.as_ref().map(|http| http.timeout),
        settings.tcp.as_ref().map(|tcp| tcp.timeout),
        settings.command.as_ref().map(|command| command.timeout),
    ];
    let longest = timeouts.into_iter().flatten().fold(settings.silence_max, Duration::max);
    let time = longest + settings.interval + MARGIN;
    let (tell, mut verdicts) = mpsc::channel(1);
    let mut last = None;
    let checks = check::run(settings, Rhythm::default(), Handle::current(), move |verdict| {
        // A verdict that finds no place is followed by another soon.
        let _ = tell.try_send(verdict);
    });
    tokio::pin!(checks);
    let conclusive = timeout(time, async {
        loop {
            tokio::select! {
                () = &mut checks => {}
                Some(verdict) = verdicts.recv() => {
                    if verdict.state != State::Unknown {
                        return verdict;
                    }
                    last = Some(verdict);
                }
            }
        }
    })
    .await;
    conclusive.ok().or(last).unwrap_or_else(|| Verdict {
        state: State::Unknown,
        saturated: false,
        detail: "no check has ended".to_owned(),
    })
}
