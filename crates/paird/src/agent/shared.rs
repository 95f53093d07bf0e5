//! What all seats of this node work with: there is one of each, however many addresses the pair has.

use pair_core::Member;
use pair_wire::datagram::{Card, DIGEST_LEN};
use pair_wire::key::KeyRing;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::clock::{Clock, unix_ms};
use crate::cloud::Cloud;
use crate::config::{AddressIndex, Config};
use crate::discovery::Prompt;
use crate::knowledge::Knowledge;
use crate::logbook::Logbook;
use crate::metrics::{Publisher, Tally, WitnessTally};
use crate::names::Names;
use crate::news::News;
use crate::paths::Paths;
use crate::text;
use crate::watchers::Watchers;
use crate::witness::Booth;

/// What all seats work with.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) me: Member,
    pub(super) names: Names,
    pub(super) clock: Clock,
    pub(super) ring: KeyRing,
    pub(super) paths: Paths,
    /// Where witnesses are asked, if there are any.
    pub(super) booth: Option<Booth>,
    pub(super) known: Knowledge,
    pub(super) cloud: Arc<Cloud>,
    /// The digest of the configuration.
    pub(super) digest: [u8; DIGEST_LEN],
    /// The digest of HAProxy's configuration, as far as it is known.
    pub(super) haproxy: Option<[u8; DIGEST_LEN]>,
    /// The runtime of the other thread.
    pub(super) elsewhere: Handle,
    pub(super) tell: mpsc::Sender<News>,
    pub(super) logbook: Logbook,
    pub(super) tally: Tally,
    pub(super) watchers: Watchers,
    pub(super) publisher: Publisher,
    /// How EC2 is asked who bears the pair's tag, if the members are found by it.
    pub(super) prompt: Option<Prompt>,
    /// Whether a core has told something since the service manager was last told how things are.
    pub(super) has_happened: bool,
    /// Whether something was seen in this turn by which the seats may be ready, or not any more.
    pub(super) is_readiness_open: bool,
}

impl Shared {
    /// What this agent says of itself, as is so at this moment: for people, and behind the cores' backs (F-5).
    pub(super) fn card(&self) -> Card {
        Card {
            config: self.digest,
            haproxy: self.haproxy,
            unix_ms: unix_ms(),
        }
    }

    /// What went over the socket for witnesses so far.
    pub(super) fn witness_tally(&self) -> WitnessTally {
        let Some(booth) = &self.booth else {
            return WitnessTally::default();
        };
        let questions = booth.counts().iter().map(|((witness, outcome), count)| {
            let witness = self.names.witness(*witness).to_owned();
            (witness, text::witness_label(*outcome), *count)
        });
        WitnessTally {
            questions: questions.collect(),
            served: booth.served().into(),
            drops: booth.drops().by_name(),
        }
    }

    /// Wants it proven anew, soon, that this node could take this address: something changed, or somebody asks.
    pub(super) fn prove_readiness(&self, address: AddressIndex) {
        self.cloud.rehearse_soon(address);
        self.watchers.examine_host_soon();
    }
}
