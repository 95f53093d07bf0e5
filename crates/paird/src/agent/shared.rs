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
use crate::knowledge::Knowledge;
use crate::logbook::Logbook;
use crate::metrics::{Publisher, Tally};
use crate::names::Names;
use crate::news::News;
use crate::paths::Paths;
use crate::watchers::Watchers;

/// What all seats work with.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) me: Member,
    pub(super) names: Names,
    pub(super) clock: Clock,
    pub(super) ring: KeyRing,
    pub(super) paths: Paths,
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
    /// Whether a core has told something since the service manager was last told how things are.
    pub(super) has_happened: bool,
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

    /// Wants it proven anew, soon, that this node could take this address: something changed, or somebody asks.
    pub(super) fn prove_readiness(&self, address: AddressIndex) {
        self.cloud.rehearse_soon(address);
        self.watchers.examine_host_soon();
    }
}
