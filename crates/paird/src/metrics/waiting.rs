//! What a node shows while it is no member of its pair yet: that it waits, and what for.
//!
//! Whoever scrapes it must be able to tell a node that waits from one whose agent is gone, and a load balancer must send it nothing.

use std::fmt;
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tokio::sync::watch;

use super::exposition::{Page, encoded};
use super::picture::Word;

/// After so long without a word the search stands still: it gives one each second.
const STALE_AFTER: Duration = Duration::from_secs(5);

/// The last word of the search.
#[derive(Clone, Debug)]
struct Told {
    at: Instant,
    reason: String,
}

/// Where the search puts what it waits for.
#[derive(Debug)]
pub struct Sign(watch::Sender<Told>);

/// Shows what it waits for.
#[derive(Clone, Debug)]
pub struct Waiting {
    pair: String,
    version: &'static str,
    told: watch::Receiver<Told>,
}

/// Connects the search of a node of this pair to those who ask.
#[must_use]
pub fn waiting(pair: &str, version: &'static str) -> (Sign, Waiting) {
    let (sender, told) = watch::channel(Told {
        at: Instant::now(),
        reason: "it has just started".to_owned(),
    });
    let pair = pair.to_owned();
    (Sign(sender), Waiting { pair, version, told })
}

impl Sign {
    /// Says what is waited for, and that it still is.
    pub fn say(&self, reason: &str) {
        self.0.send_modify(|told| {
            told.at = Instant::now();
            reason.clone_into(&mut told.reason);
        });
    }
}

impl Waiting {
    /// Whether the search goes on.
    pub(super) fn is_alive(&self) -> Word {
        Word {
            is_yes: self.age() <= STALE_AFTER,
            why: self.why(),
        }
    }

    /// No to whatever only a member can do.
    pub(super) fn is_no_member(&self) -> Word {
        Word {
            is_yes: false,
            why: self.why(),
        }
    }

    /// Writes the page of a node that waits.
    ///
    /// # Errors
    /// Never in practice: a string takes everything.
    pub(super) fn page(&self) -> Result<String, fmt::Error> {
        encoded(self.clone())
    }

    fn why(&self) -> String {
        format!("this node waits: {}", self.told.borrow().reason)
    }

    fn age(&self) -> Duration {
        self.told.borrow().at.elapsed()
    }
}

impl Collector for Waiting {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        page.build(&[("pair", self.pair.as_str()), ("version", self.version)])?;
        page.loop_turn_age(self.age())?;
        page.waiting(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_waits_is_alive_and_neither_ready_nor_without_a_reason() {
        let (sign, waiting) = waiting("lb-1", "0.1.0");
        sign.say("i-1 is the member in us-east-1b, and this instance is a spare");
        let why = "this node waits: i-1 is the member in us-east-1b, and this instance is a spare".to_owned();
        let alive = waiting.is_alive();
        assert_eq!((alive.is_yes, &alive.why), (true, &why));
        assert_eq!(waiting.is_no_member(), Word { is_yes: false, why });
        let page = waiting.page().unwrap();
        for sample in [
            "paird_build_info{pair=\"lb-1\",version=\"0.1.0\"} 1\n",
            "paird_waiting 1.0\n",
        ] {
            assert!(page.contains(sample), "{page}");
        }
        assert!(page.contains("paird_loop_turn_age_seconds 0."), "{page}");
    }
}
