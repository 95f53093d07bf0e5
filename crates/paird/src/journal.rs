//! The log: journald fields under systemd, text or JSON lines elsewhere.

use std::env;
use std::io;

use pair_core::{Alarm, AssociationId, Ending, Event, Link, Verdict};
use tracing::level_filters::LevelFilter;
use tracing::{debug, error, info, warn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use crate::config::{Log, LogFormat, LogLevel};
use crate::names::Names;
use crate::text;

/// How much is logged, which a reload can change.
#[derive(Clone, Debug)]
pub struct Loudness(reload::Handle<EnvFilter, Registry>);

impl Loudness {
    /// Logs what is as severe as that, and worse. `RUST_LOG` overrides it.
    pub fn set(&self, level: LogLevel) {
        if let Err(error) = self.0.reload(filter(level)) {
            warn!(%error, "the level of the log has not changed");
        }
    }
}

/// Sets the log up. `RUST_LOG` overrides the configured level.
///
/// # Errors
/// If journald was asked for and cannot be reached, or a log is set up already.
pub fn set_up(log: Log) -> io::Result<Loudness> {
    let (filter, handle) = reload::Layer::new(filter(log.level));
    let to_journald = match log.format {
        LogFormat::Journald => true,
        // systemd names the stream that it connected to journald here (systemd.exec(5), JOURNAL_STREAM).
        LogFormat::Auto => env::var_os("JOURNAL_STREAM").is_some(),
        LogFormat::Text | LogFormat::Json => false,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let result = if to_journald {
        let layer = tracing_journald::layer()?
            .with_syslog_identifier("paird".to_owned())
            .with_field_prefix(None);
        registry.with(layer).try_init()
    } else if log.format == LogFormat::Json {
        let layer = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(io::stderr);
        registry.with(layer).try_init()
    } else {
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(false)
            .with_target(false);
        registry.with(layer).try_init()
    };
    result.map_err(io::Error::other)?;
    Ok(Loudness(handle))
}

/// Logs what the core tells.
pub fn tell(event: &Event, names: &Names) {
    match event {
        Event::LinkChanged { from, to, silence } => {
            let is_bad = matches!(to, Link::PresumedDead | Link::OneWay);
            let (from, to, silence_ms) = (text::link(*from), text::link(*to), silence.as_millis());
            if is_bad {
                warn!(from, to, silence_ms, "link to the peer changed");
            } else {
                info!(from, to, silence_ms, "link to the peer changed");
            }
        }
        Event::PeerIncarnation(incarnation) => info!(incarnation = incarnation.0, "peer incarnation believed"),
        Event::HolderChanged {
            from,
            to,
            association,
            source,
        } => info!(
            from = from.map(|holder| names.holder(holder)),
            to = names.holder(*to),
            association = association.as_ref().map(AssociationId::as_str),
            source = text::source(*source),
            "holder of the address changed"
        ),
        Event::Decided(decision) => {
            let rule = decision.rule.id();
            let verdict = text::verdict(decision.verdict);
            let evidence = text::evidence(&decision.evidence, names).join("; ");
            match decision.verdict {
                Verdict::Alarm(Alarm::SilenceUnproven | Alarm::WitnessesSilent | Alarm::OverBudget | Alarm::OnHold) => {
                    error!(rule, verdict, evidence, "decided");
                }
                Verdict::Alarm(_) => warn!(rule, verdict, evidence, "decided"),
                Verdict::Claim { .. } => info!(rule, verdict, evidence, "decided"),
                Verdict::Serve | Verdict::Wait(_) => debug!(rule, verdict, evidence, "decided"),
            }
        }
        Event::Releasing {
            rule,
            association,
            attempt,
        } => info!(
            rule = rule.id(),
            association = association.as_str(),
            attempt,
            "releasing the association, to take the address from nobody"
        ),
        Event::Released(association) => info!(association = association.as_str(), "EC2 has released the association"),
        Event::Claiming { rule, attempt } => info!(rule = rule.id(), attempt, "claiming address"),
        Event::ClaimFailed { attempt, fault, pause } => {
            warn!(
                attempt,
                fault = text::fault(*fault),
                pause_ms = pause.as_millis(),
                "claim failed"
            );
        }
        Event::Claimed(association) => info!(association = association.as_str(), "EC2 moved the address here"),
        Event::TookOver(takeover) => info!(
            rule = takeover.rule.id(),
            from = names.holder(takeover.from),
            detect_ms = takeover.detect.map(|detect| detect.as_millis()),
            api_ms = takeover.api.as_millis(),
            verify_ms = takeover.verify.map(|verify| verify.as_millis()),
            attempts = takeover.attempts,
            "takeover verified"
        ),
        Event::Paused { missed } => {
            warn!(
                missed_ms = missed.as_millis(),
                "this node was paused; the time missed counts for nothing"
            );
        }
        Event::HoldChanged { hold } => info!(
            number = hold.version.number,
            by = names.of(hold.version.by),
            left_ms = hold.remaining.as_millis(),
            "hold changed"
        ),
        Event::Witness { witness, answers: true } => info!(witness = names.witness(*witness), "witness answers"),
        Event::Witness {
            witness,
            answers: false,
        } => warn!(witness = names.witness(*witness), "witness is silent"),
        Event::Leaving(true) => info!("this node leaves the pair"),
        Event::Leaving(false) => info!("this node is back in the pair"),
        Event::HostEnds(Some(Ending { cause, hands_over, .. })) => {
            let notice = text::ending_cause(*cause);
            warn!(notice, hands_over, "AWS has given a notice about this host");
        }
        Event::HostEnds(None) => info!("no notice of AWS about this host stands any more"),
        Event::SilenceStartsAnew => {
            warn!("EC2 answers for the first time in this silence: it starts anew");
        }
    }
}

fn filter(least: LogLevel) -> EnvFilter {
    EnvFilter::builder()
        .with_default_directive(level(least).into())
        .from_env_lossy()
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
