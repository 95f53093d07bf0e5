//! A takeover, measured from outside and in the agent's own words.

use std::time::Duration;

use anyhow::Result;
use pair_lab::{LogEntry, Outage};

use super::bed::Testbed;
use super::contender::Contender;
use super::figures::Figures;
use super::paird;

/// What came of a fault that should move the address.
#[derive(Debug)]
pub(crate) struct Takeover {
    struck_ms: u64,
    by: &'static str,
    outage: Option<Outage>,
}

impl Takeover {
    /// Strikes, and waits until the node that is not `holder` has the address and answers the client.
    pub(crate) fn watch(
        bed: &mut Testbed,
        holder: &str,
        strike: impl FnOnce(&mut Testbed) -> Result<()>,
        patience: Duration,
    ) -> Result<Self> {
        let by = bed.other(holder);
        let struck_ms = bed.lab().clock_ms();
        strike(bed)?;
        let outage = bed.await_takeover(by, struck_ms, patience)?;
        Ok(Self { struck_ms, by, outage })
    }

    /// The outage, and its parts as far as somebody told them; nothing if the address did not move.
    ///
    /// # Errors
    /// If somebody wants the lab to end.
    pub(crate) fn figures(&self, bed: &Testbed) -> Result<Figures> {
        let mut figures = Figures::new();
        let Some(outage) = &self.outage else {
            return Ok(figures);
        };
        figures.insert("outage_ms", outage.ms());
        let log = bed.lab().log();
        let is_claim = |entry: &&LogEntry| entry.ms >= self.struck_ms && entry.is_mutation();
        let done_ms = log.iter().filter(is_claim).find_map(|entry| entry.done_ms);
        if let Some(done_ms) = done_ms {
            // From EC2's decision to the first answer: the gateway of this lab, and the client's connection.
            figures.insert("landing_ms", outage.to_ms.saturating_sub(done_ms));
        }
        let is_sent =
            |entry: &&LogEntry| entry.ms >= self.struck_ms && entry.action == "AssociateAddress" && !entry.dry_run;
        if let Some(claim) = log.iter().find(is_sent) {
            figures.insert("claim_ms", claim.ms - self.struck_ms);
        }
        match bed.contender() {
            Contender::Paird(_) => self.add_own_words(bed, done_ms, &mut figures),
            Contender::Keepalived(_) => {}
        }
        // Connections that lasted notice when their next packet reaches a host that does not know them.
        bed.pass(NOTICED)?;
        Ok(figures)
    }

    /// Whether the address moved and the client was answered.
    pub(crate) fn came_to_pass(&self) -> bool {
        self.outage.is_some()
    }

    /// When the client was answered again, on the lab's clock.
    pub(crate) fn landed_ms(&self) -> Option<u64> {
        self.outage.as_ref().map(|outage| outage.to_ms)
    }

    /// Adds what the new holder measured itself, once it has read back that it is the holder.
    fn add_own_words(&self, bed: &Testbed, done_ms: Option<u64>, figures: &mut Figures) {
        let Ok(node) = bed.node(self.by) else { return };
        let verified = bed.interrupt().until("a verified takeover", VERIFY_PATIENCE, || {
            let told = paird::status(node).map(|status| status["last_takeover"].clone());
            Ok(told.filter(|told| !told["verify_ms"].is_null()))
        });
        if let Some(done_ms) = done_ms.filter(|_| verified.is_ok()) {
            figures.insert("known_ms", bed.lab().clock_ms().saturating_sub(done_ms));
        }
        // A takeover that is never verified lacks these figures, and limits on them are broken.
        let told = verified.unwrap_or_default();
        for name in ["detect_ms", "api_ms", "verify_ms"] {
            if let Some(value) = told[name].as_u64() {
                figures.insert(name, value);
            }
        }
    }
}

/// The second or third retransmission of TCP.
const NOTICED: Duration = Duration::from_millis(700);

/// A read-back follows the claim at once.
const VERIFY_PATIENCE: Duration = Duration::from_secs(5);
