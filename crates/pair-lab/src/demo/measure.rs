//! One failover, measured from outside.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::Value;

use super::stage::Stage;
use super::timeline::Timeline;
use pair_lab::{Action, Fault, Holder, LogEntry, Outage, Scope};

/// How long a takeover may take before the demo gives it up: many holdtimes.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a claim that is denied is watched.
const BROKEN_PATIENCE: Duration = Duration::from_secs(4);

/// The holdtime of the default profile, with which the demo runs.
const HOLDTIME_MS: u64 = 1000;

/// One failover.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    /// From the last good answer of the old holder to the first of the new one.
    outage_ms: Option<u64>,
    /// The holdtime that the nodes ran with.
    holdtime_ms: u64,
    /// From the peer's last life to the decision, as the new holder measured it.
    detect_ms: Option<u64>,
    /// From the request to EC2's reply, as the new holder measured it.
    api_ms: Option<u64>,
    /// From there to the read that showed the address, as the new holder measured it.
    verify_ms: Option<u64>,
    /// `AssociateAddress` requests in the emulator's log, dry runs aside.
    claims: usize,
    old_holder: String,
    new_holder: Option<String>,
    /// What the survivor's status said when the address did not move.
    problem: Option<Value>,
    timeline: Timeline,
    /// The emulator's log of the run.
    log: Vec<Logged>,
}

/// One request in the emulator's log.
#[derive(Debug, Serialize)]
struct Logged {
    time: String,
    node: String,
    action: String,
    dry_run: bool,
    status: Option<u16>,
    error: Option<String>,
    user_agent: String,
}

impl Run {
    /// Kills the holder and its service, and watches until the client is answered by the other node.
    pub(crate) fn measure(stage: &mut Stage, break_claim: bool) -> Result<Self> {
        let Some(Holder::Node(old)) = stage.lab().holder() else {
            bail!("no node holds the address")
        };
        let survivor = stage
            .names()
            .find(|name| *name != old)
            .context("there is no other node")?;
        if break_claim {
            stage
                .lab()
                .faults()
                .set(Scope::All, Action::AssociateAddress, Fault::Deny);
        }
        let killed_ms = stage.lab().clock_ms();
        stage.kill_host(&old);
        let patience = if break_claim { BROKEN_PATIENCE } else { PATIENCE };
        let moved = stage.interrupt().until("the address moved and answers", patience, || {
            let outage = stage.client().longest_outage(killed_ms);
            let answers = outage.filter(|outage| outage.to_node.as_deref() == Some(survivor));
            let verified = stage
                .status(survivor)
                .is_some_and(|status| !status["last_takeover"]["verify_ms"].is_null());
            Ok(answers.filter(|_| verified && stage.lab().holder() == Some(Holder::Node(survivor.to_owned()))))
        });
        let status = stage.status(survivor).unwrap_or_default();
        let log = entries(stage, killed_ms);
        let outage = moved.ok();
        let new_holder = outage.as_ref().map(|_| survivor.to_owned());
        let times = if new_holder.is_some() {
            status["last_takeover"].clone()
        } else {
            Value::Null
        };
        Ok(Self {
            outage_ms: outage.as_ref().map(Outage::ms),
            holdtime_ms: HOLDTIME_MS,
            detect_ms: times["detect_ms"].as_u64(),
            api_ms: times["api_ms"].as_u64(),
            verify_ms: times["verify_ms"].as_u64(),
            claims: log.iter().filter(|entry| is_claim(entry)).count(),
            problem: new_holder.is_none().then(|| status["problems"].clone()),
            timeline: Timeline::of(stage, survivor, killed_ms, outage.as_ref(), &log),
            log: log.into_iter().map(Logged::from).collect(),
            old_holder: old,
            new_holder,
        })
    }

    /// Whether the address moved and the client was answered.
    pub(crate) fn is_success(&self) -> bool {
        self.new_holder.is_some()
    }

    /// How long nobody answered.
    pub(crate) fn outage_ms(&self) -> Option<u64> {
        self.outage_ms
    }

    /// The holdtime that the nodes ran with.
    pub(crate) fn holdtime_ms(&self) -> u64 {
        self.holdtime_ms
    }

    /// The story of the run.
    pub(crate) fn story(&self) -> Vec<String> {
        let mut lines = vec![format!("killed {} and its service", self.old_holder)];
        lines.extend(self.timeline.lines());
        match (&self.new_holder, self.outage_ms) {
            (Some(new), Some(outage)) => lines.push(format!(
                "{new} took over: outage {outage} ms with a holdtime of {} ms (detect {} ms, api {} ms, verify {} ms), claims: {}",
                self.holdtime_ms,
                shown(self.detect_ms),
                shown(self.api_ms),
                shown(self.verify_ms),
                self.claims,
            )),
            (_, _) => {
                lines.push(format!("the address did not move; claims: {}", self.claims));
                for problem in self.problem.iter().filter_map(Value::as_array).flatten() {
                    let (id, text) = (&problem["id"], &problem["text"]);
                    let [id, text] = [id, text].map(|field| field.as_str().unwrap_or_default());
                    lines.push(format!("  {id}: {text}"));
                }
            }
        }
        lines
    }
}

impl From<LogEntry> for Logged {
    fn from(entry: LogEntry) -> Self {
        Self {
            time: entry.wall,
            node: entry.node,
            action: entry.action,
            dry_run: entry.dry_run,
            status: entry.status,
            error: entry.error,
            user_agent: entry.user_agent,
        }
    }
}

/// Whether a log entry is a claim: an association that is meant.
pub(crate) fn is_claim(entry: &LogEntry) -> bool {
    entry.action == "AssociateAddress" && !entry.dry_run
}

fn entries(stage: &Stage, since_ms: u64) -> Vec<LogEntry> {
    let mut log = stage.lab().log();
    log.retain(|entry| entry.ms >= since_ms);
    log
}

fn shown(ms: Option<u64>) -> String {
    ms.map_or_else(|| "?".to_owned(), |ms| ms.to_string())
}
