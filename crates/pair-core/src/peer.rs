//! What the peer last said of itself, within bounds (F-17).

use core::time::Duration;

use crate::{AssociationId, Config, Fitness, Holder, Instant, Member, Report, config::SETTLE, running::RunTime};

/// The peer as its last heartbeat described it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    report: Option<Report>,
    heard_at: Instant,
    /// How often the address had changed hands when the report was heard.
    hands_when_heard: u32,
    /// This node was paused since: what the peer said of itself may have changed unheard (F-16).
    is_doubted: bool,
    unfit_since: Option<RunTime>,
}

impl Peer {
    /// Takes in a live report; `None` from a peer of another version, of which only life is known.
    pub(crate) fn hear(&mut self, now: Instant, run: RunTime, config: &Config, hands: u32, report: Option<&Report>) {
        self.heard_at = now;
        self.hands_when_heard = hands;
        self.is_doubted = false;
        self.report = report.map(|report| bounded(report, config));
        match self.fitness() {
            Some(Fitness::Unfit(_)) => {
                self.unfit_since.get_or_insert(run);
            }
            Some(Fitness::Fit | Fitness::Unknown) | None => self.unfit_since = None,
        }
    }

    /// Doubts what the peer said until it says it again: this node was paused.
    pub(crate) const fn doubt(&mut self) {
        self.is_doubted = true;
        self.unfit_since = None;
    }

    /// The last report, numbers bounded.
    pub(crate) const fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// What the peer said of its own service; `None` if that is in doubt.
    pub(crate) fn fitness(&self) -> Option<Fitness> {
        self.undoubted().map(|report| report.fitness)
    }

    /// Whether the peer wants this node to take the address.
    pub(crate) fn is_yielding(&self) -> bool {
        self.undoubted().is_some_and(|report| report.yielding)
    }

    /// Whether the peer has said "unfit" for `delay` and more.
    pub(crate) fn is_unfit_for(&self, run: RunTime, delay: Duration) -> bool {
        self.unfit_since.is_some_and(|since| run.since(since) >= delay)
    }

    /// Whether the last heartbeat named `association` as the peer's own, or announced a claim before it was sent: life after
    /// the address changed hands, whenever this node learned of the change (F-8).
    ///
    /// An announcement speaks of one change only. `hands` counts the changes until today: after a second one the announced
    /// claim is not what brought the address to the peer.
    pub(crate) fn spoke_of_its_hold(&self, peer: Member, association: Option<&AssociationId>, hands: u32) -> bool {
        let Some(report) = &self.report else { return false };
        let named = report.word.as_ref().is_some_and(|word| {
            word.holder == Holder::Member(peer)
                && word.association.is_some()
                && word.association.as_ref() == association
        });
        let announced = report.claiming && hands.saturating_sub(self.hands_when_heard) <= 1;
        named || announced
    }

    /// How old the peer's knowledge of its own hold was at `now`; `None` if its last word was another, or is in doubt.
    pub(crate) fn age_of_hold(&self, peer: Member, now: Instant) -> Option<Duration> {
        let word = self.undoubted()?.word.as_ref()?;
        (word.holder == Holder::Member(peer)).then(|| word.age + now.since(self.heard_at))
    }

    /// How old the peer's knowledge of its own hold was when it was last heard.
    pub(crate) fn age_of_hold_when_heard(&self, peer: Member) -> Option<Duration> {
        self.age_of_hold(peer, self.heard_at)
    }

    fn undoubted(&self) -> Option<&Report> {
        self.report.as_ref().filter(|_| !self.is_doubted)
    }
}

/// Bounds what a peer says before it is used: a wrong or hostile number must not stretch a timer or age a fact into the past.
fn bounded(report: &Report, config: &Config) -> Report {
    let mut report = report.clone();
    report.interval = config.bounded_interval(report.interval);
    if let Some(word) = &mut report.word {
        word.age = word.age.min(OLDEST_WORD);
    }
    report
}

/// The greatest age that a peer's word may claim: far older than any that is used, far from overflow.
const OLDEST_WORD: Duration = SETTLE.saturating_mul(60);
