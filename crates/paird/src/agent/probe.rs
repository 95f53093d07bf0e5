//! Probes of the peer's service, made on the other thread.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pair_core::{Holder, Input, ProbeOutcome, ProbeTarget};
use tracing::warn;

use super::seat::Seat;
use super::shared::Shared;
use crate::config::Probe;
use crate::news::AddressNews;
use crate::probe::{self, Outcome};

impl Seat {
    /// Probes the peer's service on its private address, and on the Elastic IP while the peer holds it.
    pub(super) fn probe(&self, timeout: Duration, shared: &Shared) {
        let Some(probe) = shared.config.probe.clone() else {
            return;
        };
        let peer = self.core.me.peer();
        let holder = self.node.decide().evidence.holder;
        let elastic = self.known.public_ip.filter(|_| holder == Some(Holder::Member(peer)));
        // A peer that is not found is nowhere, and a probe of nowhere would be one of this host.
        let private = Some(self.core.private_ips[peer.index()]).filter(|ip| !ip.is_unspecified());
        let targets = [
            private.map(|ip| (ProbeTarget::Private, ip)),
            elastic.map(|ip| (ProbeTarget::Elastic, IpAddr::V4(ip))),
        ];
        for (target, address) in targets.into_iter().flatten() {
            let (tell, clock, probe, index) = (shared.tell.clone(), shared.clock, probe.clone(), self.index);
            shared.elsewhere.spawn(async move {
                let begun_at = clock.now();
                if let Some(outcome) = probe_once(&probe, address, timeout).await {
                    let probed = Input::Probed {
                        begun_at,
                        target,
                        outcome,
                    };
                    let _ = tell.send(AddressNews::Input(probed).about(index)).await;
                }
            });
        }
    }
}

async fn probe_once(probe: &Probe, address: IpAddr, timeout: Duration) -> Option<ProbeOutcome> {
    let target = SocketAddr::new(address, probe.port);
    match probe::probe(target, &probe.path, probe.expect, timeout).await {
        Outcome::Served { .. } => Some(ProbeOutcome::Served),
        Outcome::BadStatus(_) => Some(ProbeOutcome::WrongStatus),
        Outcome::Kernel(_) => Some(ProbeOutcome::KernelOnly),
        Outcome::Nothing => Some(ProbeOutcome::Nothing),
        Outcome::NotAsked { error } => {
            warn!(%target, error, "probe not sent");
            None
        }
    }
}
