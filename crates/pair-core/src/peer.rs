//! What the peer last said of itself, within bounds (F-17).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    AssociationId, Config, Fitness, Holder, InstanceId, Instant, Member, Notice, Report, config::SETTLE,
    running::RunTime,
};

/// The peer as its last heartbeat described it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Peer {
    report: Option<Report>,
    heard_at: Instant,
    /// How often the address had changed hands when the report was heard, its own word taken in.
    hands_when_heard: u32,
    /// This node was paused since: what the peer said of itself may have changed unheard (F-16).
    is_doubted: bool,
    unfit_since: Option<RunTime>,
    /// The instance that speaks as the peer, and the one that did before it (F-9).
    instance: Option<InstanceId>,
    former: Option<InstanceId>,
}

impl Peer {
    /// Takes in a live report; `None` from a peer of another version, of which only life is known.
    pub(crate) fn hear(&mut self, now: Instant, run: RunTime, config: &Config, hands: u32, report: Option<Report>) {
        self.heard_at = now;
        self.hands_when_heard = hands;
        self.is_doubted = false;
        self.report = report.map(|report| bounded(report, config));
        self.follow_instance();
        match self.fitness() {
            Some(Fitness::Unfit(_)) => {
                self.unfit_since.get_or_insert(run);
            }
            Some(Fitness::Fit | Fitness::Unknown) | None => self.unfit_since = None,
        }
    }

    /// Notes how often the address had changed hands once the word of the report was taken in: a change that the peer itself
    /// tells of came before the claim that it announces with it (F-8).
    pub(crate) const fn follow_hands(&mut self, hands: u32) {
        self.hands_when_heard = hands;
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

    /// Whether the peer leaves the pair, or has left it (F-13).
    pub(crate) fn is_leaving(&self) -> bool {
        self.undoubted()
            .is_some_and(|report| report.notice == Some(Notice::Leaving))
    }

    /// Whether AWS takes the peer's host away, so that it gives up what it holds (F-13).
    pub(crate) fn is_ending(&self) -> bool {
        self.undoubted()
            .is_some_and(|report| matches!(report.notice, Some(Notice::HostEnds { hands_over: true, .. })))
    }

    /// Whether an operator has brought the address to the peer (F-6f).
    pub(crate) fn holds_by_order(&self) -> bool {
        self.report.as_ref().is_some_and(|report| report.by_order)
    }

    /// The instance that speaks as the peer.
    pub(crate) const fn instance(&self) -> Option<&InstanceId> {
        self.instance.as_ref()
    }

    /// The instance that spoke as the peer before another one came to its place (F-9).
    pub(crate) const fn former(&self) -> Option<&InstanceId> {
        self.former.as_ref()
    }

    /// When the peer was last heard.
    pub(crate) const fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Whether the peer has said "unfit" for `delay` and more.
    pub(crate) fn is_unfit_for(&self, run: RunTime, delay: Duration) -> bool {
        self.unfit_since.is_some_and(|since| run.since(since) >= delay)
    }

    /// When it will have said so for `delay`, if it says nothing else until then; `None` while it does not say so.
    pub(crate) fn unfit_for_at(&self, delay: Duration) -> Option<RunTime> {
        self.unfit_since.map(|since| since + delay)
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

    fn follow_instance(&mut self) {
        let said = self.report.as_ref().and_then(|report| report.instance);
        if said.is_some() && said != self.instance {
            self.former = self.instance.take();
            self.instance = said;
        }
    }

    fn undoubted(&self) -> Option<&Report> {
        self.report.as_ref().filter(|_| !self.is_doubted)
    }
}

/// Bounds what a peer says before it is used: a wrong or hostile number must not stretch a timer or age a fact into the past.
fn bounded(mut report: Report, config: &Config) -> Report {
    report.interval = config.bounded_interval(report.interval);
    if let Some(word) = &mut report.word {
        word.age = word.age.min(OLDEST_WORD);
    }
    report
}

/// The greatest age that a peer's word may claim: far older than any that is used, far from overflow.
const OLDEST_WORD: Duration = SETTLE.saturating_mul(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Moves, Source, Unfitness, Version, Word, Zone};

    const PEER: Member = Member::Second;

    fn config() -> Config {
        Config {
            me: Member::First,
            preferred: Member::First,
            private_ips: [[10, 0, 1, 10].into(), [10, 0, 2, 10].into()],
            interval: Duration::from_millis(200),
            holdtime: Duration::from_secs(1),
            probe_timeout: None,
            lost_contact_takeover: Duration::from_secs(60),
            unfit_delay: Duration::from_secs(1),
            refit: Duration::from_secs(60),
            call_timeout: Duration::from_secs(3),
            preempt_delay: None,
            strict: false,
            restart_grace: Duration::from_secs(10),
            witnesses: crate::Witnessing::default(),
            version: Version::default(),
        }
    }

    fn at(ms: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(ms))
    }

    fn run(ms: u64) -> RunTime {
        RunTime::default() + Duration::from_millis(ms)
    }

    /// The peer holds the association `x-2`, by its IMDS 300 ms ago.
    fn report() -> Report {
        Report {
            query: false,
            interval: Duration::from_millis(200),
            instance: None,
            zone: Zone::default(),
            fitness: Fitness::Fit,
            saturated: false,
            ready: true,
            word: Some(Word {
                holder: Holder::Member(PEER),
                association: Some(AssociationId::of("x-2")),
                source: Source::Imds,
                age: Duration::from_millis(300),
            }),
            claiming: false,
            yielding: true,
            by_order: false,
            moves: Moves::default(),
            notice: None,
            hold: None,
            version: Version::default(),
        }
    }

    fn heard(report: &Report) -> Peer {
        let mut peer = Peer::default();
        peer.hear(at(1_000), run(1_000), &config(), 5, Some(report.clone()));
        peer
    }

    #[test]
    fn numbers_are_bounded() {
        let mut hostile = report();
        hostile.interval = Duration::MAX;
        hostile.word.as_mut().unwrap().age = Duration::MAX;
        let peer = heard(&hostile);
        let kept = peer.report().unwrap();
        assert_eq!(kept.interval, Duration::from_secs(1) / 3);
        assert_eq!(kept.word.as_ref().unwrap().age, Duration::from_secs(3_600));
        hostile.interval = Duration::ZERO;
        assert_eq!(heard(&hostile).report().unwrap().interval, Duration::from_millis(10));
    }

    #[test]
    fn a_word_of_its_hold_ages_with_the_silence() {
        let peer = heard(&report());
        assert_eq!(peer.age_of_hold(PEER, at(5_000)), Some(Duration::from_millis(4_300)));
        assert_eq!(peer.age_of_hold_when_heard(PEER), Some(Duration::from_millis(300)));
        assert_eq!(peer.age_of_hold(Member::First, at(5_000)), None);
    }

    #[test]
    fn naming_the_association_held_is_life_after_the_change() {
        let peer = heard(&report());
        assert!(peer.spoke_of_its_hold(PEER, Some(&AssociationId::of("x-2")), 99));
        assert!(!peer.spoke_of_its_hold(PEER, Some(&AssociationId::of("x-1")), 5));
        assert!(!peer.spoke_of_its_hold(PEER, None, 5));
    }

    #[test]
    fn an_announcement_speaks_of_one_change_only() {
        let mut announcing = report();
        announcing.claiming = true;
        announcing.word = None;
        let peer = heard(&announcing);
        let held = AssociationId::of("x-3");
        assert!(peer.spoke_of_its_hold(PEER, Some(&held), 5));
        assert!(peer.spoke_of_its_hold(PEER, Some(&held), 6));
        assert!(!peer.spoke_of_its_hold(PEER, Some(&held), 7));
    }

    #[test]
    fn a_peer_that_names_no_association_names_none() {
        let mut unsure = report();
        unsure.word.as_mut().unwrap().association = None;
        assert!(!heard(&unsure).spoke_of_its_hold(PEER, None, 5));
    }

    #[test]
    fn unfitness_lasts_from_its_first_word_to_the_next_fit_one() {
        let mut unfit = report();
        unfit.fitness = Fitness::Unfit(Unfitness::CheckFailed);
        let mut peer = heard(&unfit);
        peer.hear(at(1_900), run(1_900), &config(), 5, Some(unfit.clone()));
        let delay = Duration::from_secs(1);
        assert!(!peer.is_unfit_for(run(1_999), delay));
        assert!(peer.is_unfit_for(run(2_000), delay));
        assert_eq!(peer.unfit_for_at(delay), Some(run(2_000)));
        peer.hear(at(2_100), run(2_100), &config(), 5, Some(report()));
        peer.hear(at(2_200), run(2_200), &config(), 5, Some(unfit.clone()));
        assert!(!peer.is_unfit_for(run(2_300), delay));
    }

    #[test]
    fn in_doubt_it_has_said_nothing_of_itself_until_it_speaks_again() {
        let mut peer = heard(&report());
        assert!(peer.is_yielding());
        peer.doubt();
        assert_eq!((peer.fitness(), peer.is_yielding()), (None, false));
        assert_eq!(peer.age_of_hold(PEER, at(1_000)), None);
        assert!(peer.report().is_some());
        peer.hear(at(1_200), run(1_200), &config(), 5, Some(report()));
        assert_eq!(peer.fitness(), Some(Fitness::Fit));
    }
}
