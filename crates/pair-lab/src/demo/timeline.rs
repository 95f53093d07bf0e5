//! What happened when, told by three witnesses: the survivor's log, the emulator's log and the client.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::measure::is_claim;
use super::stage::Stage;
use pair_lab::{LogEntry, Outage};

/// The moments of one failover, in milliseconds since the kill.
#[derive(Debug, Serialize)]
pub(crate) struct Timeline(Vec<Moment>);

#[derive(Debug, Serialize)]
struct Moment {
    at_ms: u64,
    what: &'static str,
    witness: &'static str,
}

impl Timeline {
    /// Collects the moments after `killed_ms` on the lab's clock.
    pub(crate) fn of(stage: &Stage, survivor: &str, killed_ms: u64, outage: Option<&Outage>, log: &[LogEntry]) -> Self {
        let since_kill = |ms: u64| ms.saturating_sub(killed_ms);
        let killed_at = stage
            .lab()
            .clock()
            .wall(killed_ms)
            .parse::<Timestamp>()
            .unwrap_or(Timestamp::UNIX_EPOCH);
        let mut moments = Vec::new();
        for line in stage.agent_log(survivor) {
            let Some(at) = line["timestamp"]
                .as_str()
                .and_then(|text| text.parse::<Timestamp>().ok())
            else {
                continue;
            };
            let Ok(at_ms) = u64::try_from(at.duration_since(killed_at).as_millis()) else {
                continue;
            };
            if let Some(what) = told_by_agent(&line).filter(|_| at >= killed_at) {
                moments.push(Moment {
                    at_ms,
                    what,
                    witness: "agent",
                });
            }
        }
        for claim in log.iter().filter(|entry| is_claim(entry)) {
            moments.push(Moment {
                at_ms: since_kill(claim.ms),
                what: "AssociateAddress arrives",
                witness: "EC2",
            });
            if let Some(settled_ms) = claim.settled_ms {
                let what = if claim.error.is_some() {
                    "refused"
                } else {
                    "address moved, reply sent"
                };
                moments.push(Moment {
                    at_ms: since_kill(settled_ms),
                    what,
                    witness: "EC2",
                });
            }
        }
        if let Some(outage) = outage {
            let at_ms = since_kill(outage.to_ms);
            moments.push(Moment {
                at_ms,
                what: "first answer from the new node",
                witness: "client",
            });
        }
        moments.sort_by_key(|moment| moment.at_ms);
        Self(moments)
    }

    /// The moments, one a line.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .map(|moment| format!("{:>7} ms  {:<32} ({})", moment.at_ms, moment.what, moment.witness))
    }
}

fn told_by_agent(line: &Value) -> Option<&'static str> {
    match (line["message"].as_str()?, line["to"].as_str()) {
        ("link to the peer changed", Some("suspect")) => Some("peer suspect"),
        ("link to the peer changed", Some("presumed-dead")) => Some("peer presumed dead"),
        ("claiming address", _) => Some("claim sent"),
        ("claim failed", _) => Some("claim failed"),
        ("takeover verified", _) => Some("takeover verified"),
        (_, _) => None,
    }
}
