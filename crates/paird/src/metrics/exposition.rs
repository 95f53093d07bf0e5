//! A picture in the text format of Prometheus. `docs/OPERATING.md` has every name, and a test compares the two.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pair_wire::control::{AddressStatus, EndingCause, Link, PathState, Role, Severity};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::histogram::Histogram;
use super::picture::Picture;
use super::tally::AddressTally;
use crate::problems;

/// What every name begins with.
const PREFIX: &str = "paird";

/// The type of the page.
pub(super) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Writes the page of a picture that old.
///
/// # Errors
/// Never in practice: a string takes everything.
pub(super) fn page(picture: Arc<Picture>, age: Duration) -> Result<String, fmt::Error> {
    encoded(Exposition { picture, age })
}

/// Writes the page of these metrics.
pub(super) fn encoded(metrics: impl Collector) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(metrics));
    let mut page = String::new();
    prometheus_text::encode(&mut page, &registry)?;
    Ok(page)
}

#[derive(Debug)]
struct Exposition {
    picture: Arc<Picture>,
    age: Duration,
}

impl Collector for Exposition {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.write_node(&mut page)?;
        self.write_holder(&mut page)?;
        self.write_peer(&mut page)?;
        self.write_problems(&mut page)?;
        self.write_counters(&mut page)?;
        self.write_witnesses(&mut page)?;
        self.write_histograms(&mut page)
    }
}

impl Exposition {
    fn write_node(&self, page: &mut Page<'_>) -> fmt::Result {
        let status = &self.picture.status;
        let labels = [
            ("pair", status.pair.as_str()),
            ("node", status.node.name.as_str()),
            ("version", status.agent.version.as_str()),
        ];
        page.build(&labels)?;
        page.loop_turn_age(self.age)?;
        page.waiting(false)?;
        page.gauge(
            "service_fit",
            "Whether the own service is fit",
            Some(flag(self.picture.is_fit)),
        )?;
        let ending = status.node.ending.as_ref();
        let said = |cause| ending.filter(|ending| ending.cause == cause);
        page.gauges(
            "host_notice",
            "AWS's most urgent notice about this host: 1 told only, 2 this node hands over",
            "cause",
            EndingCause::ALL.map(|cause| {
                let value = said(cause).map_or(0.0, |ending| if ending.hands_over { 2.0 } else { 1.0 });
                (cause.name(), value)
            }),
        )
    }

    fn write_holder(&self, page: &mut Page<'_>) -> fmt::Result {
        let status = &self.picture.status;
        page.gauge_of(
            "active",
            "Whether this node holds the address",
            self.of_each(|address| Some(flag(address.role == Role::Active))),
        )?;
        let names = [status.node.name.as_str(), status.peer.node.name.as_str()];
        let holders = status.addresses.iter().flat_map(|address| {
            let holder = address
                .holder
                .clone()
                .map_or_else(|| "unknown".to_owned(), String::from);
            let known = names.into_iter().chain(HOLDERS);
            known.map(move |name| (address.allocation_id.as_str(), name, flag(name == holder)))
        });
        page.gauges_of(
            "holder",
            "1 for who holds the address, as this node knows",
            "holder",
            holders,
        )?;
        page.gauge_of(
            "holder_fact_age_seconds",
            "Time since somebody last confirmed who holds the address",
            self.of_each(|address| address.holder_age_ms.map(|ms| self.aged(ms))),
        )?;
        page.gauge_of(
            "ec2_read_age_seconds",
            "Time since EC2 last told who holds the address",
            self.of_each(|address| address.ec2_checked_ago_ms.map(|ms| self.aged(ms))),
        )
    }

    fn write_peer(&self, page: &mut Page<'_>) -> fmt::Result {
        let peer = &self.picture.status.peer;
        let links = [
            ("never-heard", Link::NeverHeard),
            ("up", Link::Up),
            ("one-way", Link::OneWay),
            ("suspect", Link::Suspect),
            ("presumed-dead", Link::PresumedDead),
        ];
        page.gauges(
            "peer_link",
            "1 for the state of the link to the peer",
            "state",
            links.map(|(name, link)| (name, flag(link == peer.link))),
        )?;
        page.gauge(
            "peer_heard_age_seconds",
            "Time since the peer was heard",
            peer.heard_ago_ms.map(|ms| self.aged(ms)),
        )?;
        page.gauge(
            "peer_round_trip_seconds",
            "Round-trip time of heartbeats",
            peer.rtt_ms.map(|ms| ms / 1_000.0),
        )?;
        page.gauge(
            "peer_loss_ratio",
            "Share of the peer's last 64 heartbeats that were lost",
            peer.loss_percent.map(|percent| percent / 100.0),
        )?;
        // A path is called by its end at the peer.
        let paths = || peer.paths.iter();
        page.gauges(
            "path_up",
            "Whether heartbeats come by the path",
            "path",
            paths().map(|path| (path.peer.as_str(), flag(path.state == PathState::Alive))),
        )?;
        page.gauges(
            "path_heard_by_peer",
            "Whether the peer says that heartbeats come to it by the path",
            "path",
            paths().filter_map(|path| Some((path.peer.as_str(), flag(path.peer_hears?)))),
        )?;
        page.gauges(
            "path_heard_age_seconds",
            "Time since a heartbeat came by the path",
            "path",
            paths().filter_map(|path| Some((path.peer.as_str(), self.aged(path.heard_ago_ms?)))),
        )?;
        page.gauges(
            "path_loss_ratio",
            "Share of the peer's last heartbeats that did not come by the path",
            "path",
            paths().filter_map(|path| Some((path.peer.as_str(), f64::from(path.loss_percent?) / 100.0))),
        )?;
        page.gauge_of(
            "peer_ready",
            "Whether the peer says that it could take the address over",
            self.of_each(|address| address.peer_ready.map(flag)),
        )
    }

    fn write_problems(&self, page: &mut Page<'_>) -> fmt::Result {
        let status = &self.picture.status;
        let ready = |address: &AddressStatus| address.ready.as_ref().map(|ready| flag(ready.ready));
        page.gauge_of(
            "ready",
            "Whether this node could take the address over",
            self.of_each(ready),
        )?;
        let checked = |address: &AddressStatus| address.ready.as_ref()?.checked_ago_ms.map(|ms| self.aged(ms));
        page.gauge_of(
            "ready_checked_age_seconds",
            "Time since a takeover was last rehearsed",
            self.of_each(checked),
        )?;
        let causes = status.addresses.iter().flat_map(|address| {
            let reasons = address.ready.as_ref().map_or(&[][..], |ready| &ready.reasons);
            let is_reason = |id: &str| reasons.iter().any(|problem| problem.id == id);
            let causes = problems::AGAINST_READINESS.iter();
            causes.map(move |id| (address.allocation_id.as_str(), *id, flag(is_reason(id))))
        });
        page.gauges_of(
            "unready",
            "1 for each cause that keeps this node from being ready",
            "cause",
            causes,
        )?;
        let severity = |id: &str| {
            let worst = status.problems.iter().filter(|problem| problem.id == id);
            match worst.map(|problem| problem.severity).max() {
                None => 0.0,
                Some(Severity::Degraded) => 1.0,
                Some(Severity::Critical) => 2.0,
            }
        };
        page.gauges(
            "problem",
            "1 for each problem that degrades the pair, 2 for each that is critical",
            "id",
            problems::IDS.iter().map(|(id, _)| (*id, severity(id))),
        )
    }

    fn write_counters(&self, page: &mut Page<'_>) -> fmt::Result {
        let tally = &self.picture.tally;
        let claims = self.tallies().flat_map(|(id, address)| {
            let claims = address.claims.iter();
            claims.map(move |((rule, result), count)| ([(ID, id), ("rule", *rule), ("result", *result)], *count))
        });
        let calls = self.tallies().flat_map(|(id, address)| {
            let calls = address.calls.iter();
            calls.map(move |((action, result), count)| ([(ID, id), ("action", *action), ("result", *result)], *count))
        });
        let drops = &self.picture.status.drops;
        page.counters(
            "checks",
            "Verdicts of the checks of the own service",
            tally
                .checks
                .iter()
                .map(|(result, count)| ([("result", *result)], *count)),
        )?;
        page.counters("claims", "Requests for the address, by the rule that wanted it", claims)?;
        page.counters(
            "ec2_calls",
            "Calls of EC2; a rehearsal of a takeover counts as one",
            calls,
        )?;
        page.counters(
            "hooks",
            "Hooks that had something to be told, by what became of them",
            tally
                .hooks
                .iter()
                .map(|(result, count)| ([("result", *result)], *count)),
        )?;
        page.counters(
            "datagrams_dropped",
            "Datagrams that were dropped",
            drops.iter().map(|(cause, count)| ([("cause", cause.as_str())], *count)),
        )
    }

    fn write_witnesses(&self, page: &mut Page<'_>) -> fmt::Result {
        let (witnesses, tally) = (&self.picture.status.witnesses, &self.picture.witness);
        page.gauges(
            "witness_answers",
            "Whether a witness answers",
            "witness",
            witnesses
                .iter()
                .filter_map(|witness| Some((witness.address.as_str(), flag(witness.answers?)))),
        )?;
        page.counters(
            "witness_questions",
            "Questions to witnesses that have ended, by how",
            tally
                .questions
                .iter()
                .map(|(witness, outcome, count)| ([("witness", witness.as_str()), ("outcome", *outcome)], *count)),
        )?;
        page.counters(
            "witness_served",
            "Questions of others at the witness port, by what became of them",
            tally.served.iter().map(|(what, count)| ([("what", *what)], *count)),
        )?;
        page.counters(
            "witness_datagrams_dropped",
            "Datagrams at the witness port that were dropped",
            tally
                .drops
                .iter()
                .map(|(cause, count)| ([("cause", cause.as_str())], *count)),
        )
    }

    fn write_histograms(&self, page: &mut Page<'_>) -> fmt::Result {
        page.histogram_of(
            "takeover_detect_seconds",
            "Own takeovers: from the peer's last sign of life to the decision",
            self.tallies().map(|(id, address)| (id, &address.detect)),
        )?;
        page.histogram_of(
            "takeover_api_seconds",
            "Own takeovers: from the request to EC2's reply",
            self.tallies().map(|(id, address)| (id, &address.api)),
        )?;
        page.histogram_of(
            "takeover_verify_seconds",
            "Own takeovers: from EC2's reply to the read that showed the address here",
            self.tallies().map(|(id, address)| (id, &address.verify)),
        )?;
        page.histogram(
            "loop_late_seconds",
            "How late the event loop woke up for what was due",
            &self.picture.tally.late,
        )
    }

    /// What the status says of each address.
    fn of_each(&self, value: impl Fn(&AddressStatus) -> Option<f64>) -> impl Iterator<Item = (&str, Option<f64>)> {
        let addresses = self.picture.status.addresses.iter();
        addresses.map(move |address| (address.allocation_id.as_str(), value(address)))
    }

    /// What was counted about each address.
    fn tallies(&self) -> impl Iterator<Item = (&str, &AddressTally)> {
        let ids = self.picture.status.addresses.iter();
        ids.map(|address| address.allocation_id.as_str())
            .zip(&self.picture.addresses)
    }

    /// An age in the picture, as it is at the time of the page.
    fn aged(&self, ms: u64) -> f64 {
        (Duration::from_millis(ms) + self.age).as_secs_f64()
    }
}

/// Holders that are no node.
const HOLDERS: [&str; 5] = ["nobody", "stranger", "former", "misplaced", "unknown"];

/// Writes metrics one after the other; what is not known has a name and no sample.
pub(super) struct Page<'a>(pub(super) DescriptorEncoder<'a>);

impl Page<'_> {
    pub(super) fn build(&mut self, labels: &[(&str, &str)]) -> fmt::Result {
        self.0
            .encode_descriptor("build", "The agent, always 1", None, MetricType::Info)?
            .encode_info(&labels)
    }

    pub(super) fn loop_turn_age(&mut self, age: Duration) -> fmt::Result {
        self.gauge(
            "loop_turn_age_seconds",
            "Time since the event loop published what all other metrics are made of",
            Some(age.as_secs_f64()),
        )
    }

    pub(super) fn waiting(&mut self, waits: bool) -> fmt::Result {
        self.gauge(
            "waiting",
            "Whether this node is no member of its pair yet, and waits to be one",
            Some(flag(waits)),
        )
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<f64>) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        value.map_or(Ok(()), |value| metric.encode_gauge(&value))
    }

    /// A gauge with a sample for each address.
    fn gauge_of<'s>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (&'s str, Option<f64>)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (id, value) in values {
            if let Some(value) = value {
                metric.encode_family(&[(ID, id)])?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    /// A gauge with a sample for each address and each text.
    fn gauges_of<'s>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'s str, &'s str, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (id, text, value) in values {
            metric.encode_family(&[(ID, id), (label, text)])?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn gauges<'s>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'s str, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (text, value) in values {
            metric.encode_family(&[(label, text)])?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn counters<'s, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'static str, &'s str); N], u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            metric
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, u64, f64>(&value, None)?;
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(histogram.sum(), histogram.count(), &histogram.buckets(), None)
    }

    /// A histogram for each address.
    fn histogram_of<'s>(
        &mut self,
        name: &str,
        help: &str,
        histograms: impl IntoIterator<Item = (&'s str, &'s Histogram)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (id, histogram) in histograms {
            metric.encode_family(&[(ID, id)])?.encode_histogram::<NoLabelSet>(
                histogram.sum(),
                histogram.count(),
                &histogram.buckets(),
                None,
            )?;
        }
        Ok(())
    }
}

/// The label of what is about one address.
const ID: &str = "allocation_id";

const fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}
